"""The nodes of a schedule's tree: immutable, pure, evaluated for numbers and for arrays alike.

A node is written once, against a namespace `xp` of the array-API names it needs (`cos`, `where`, ...).
`xp` is `Scalars` for Python numbers, `numpy` for NumPy arrays, or whatever namespace an array brings
with it; so a new framework touches no node. Every node is asked only at 0 <= t <= its length: the
face clamps once, and joints clamp for their parts.

A value may be an array (64 peaks, one a lane): it is kept as nested tuples, which are immutable,
hashable, equal by value and JSON as they are. `t` then comes with one more axis for each of theirs.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from stepsize._codec import Document, is_finite, summary
from stepsize.errors import InvalidSchedule

Length = int | float  # whole steps, or math.inf for a schedule that never ends
Value = Any  # a float, or nested tuples of floats: an array as a parameter
Bounds = tuple[float, float]  # lowest and highest
# Values summed one by one at a time.
SUM_BLOCK = 1 << 16


class Misfit(InvalidSchedule):
    """Parts that do not fit into the whole: on another run they might."""


class Node(ABC):
    """One node of the tree. Subclasses are final, frozen dataclasses."""

    # Whether `code()` is written with an operator, and so in parentheses where it is an operand.
    infix: ClassVar[bool] = False

    @property
    @abstractmethod
    def length(self) -> Length:
        """Steps until the end value holds; `math.inf` if that never happens."""

    @abstractmethod
    def value(self, t: Any, xp: Any) -> Any:
        """The value at `t` steps from the node's own start."""

    @abstractmethod
    def stretched(self, factor: float) -> Node:
        """The same curve over `factor` times as many steps."""

    @abstractmethod
    def bounds(self, begin: float, end: float) -> Bounds:
        """Two numbers between which all values of begin <= t <= end lie; the tighter the better."""

    def total(self, begin: int, end: int) -> Any:
        """The sum of the values of the steps begin, ..., end - 1."""
        sums = [sample(self, steps).sum(axis=0) for steps in _blocks(begin, end)]
        return np.sum(sums, axis=0)

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """The shape of one value: () for a number."""
        own = map(np.shape, self.numbers())
        try:
            return np.broadcast_shapes(*own, *(node.shape for node in self.children()))
        except ValueError:
            raise InvalidSchedule(f"the arrays in {self.code()} do not broadcast together") from None

    @cached_property
    def resolved(self) -> bool:
        """Whether every duration is in steps, so that the values are known."""
        return all(node.resolved for node in self.children())

    def numbers(self) -> tuple[Value, ...]:
        """The parameters that may be arrays."""
        return ()

    def children(self) -> tuple[Node, ...]:
        """The nodes this one is made of."""
        return ()

    @abstractmethod
    def code(self) -> str:
        """The Python expression that builds this node with the names of `stepsize`."""

    @abstractmethod
    def document(self) -> Document:
        """The JSON document of this node."""


class Scalars:
    """The namespace for Python numbers: `math`, under the array-API names."""

    cos = staticmethod(math.cos)
    sin = staticmethod(math.sin)
    tanh = staticmethod(math.tanh)
    exp = staticmethod(math.exp)
    sqrt = staticmethod(math.sqrt)
    floor = staticmethod(math.floor)
    minimum = staticmethod(min)
    maximum = staticmethod(max)


def number(value: Value, xp: Any) -> Any:
    """A parameter ready for arithmetic: an array if it is one."""
    return value if type(value) is float else xp.asarray(value)


def zero(t: Any, xp: Any) -> Any:
    """0.0, of the kind and shape of `t`."""
    return 0.0 if xp is Scalars else np.zeros(t.shape) if xp is np else 0 * floating(t, xp)


def floating(t: Any, xp: Any) -> Any:
    """Steps as floats: integers in the precision that the framework gives to a Python number.

    By a product, as then JAX takes the values for weakly typed: they leave weights of half precision as they are.
    """
    return t if xp is Scalars or xp is np or "int" not in str(t.dtype) else t * 1.0


def operand(node: Node) -> str:
    """A node's code as an operand: what is written with an operator goes in parentheses."""
    return f"({node.code()})" if node.infix else node.code()


def sample(node: Node, steps: Any) -> Any:
    """The values at a line of steps, one row a step; beyond the largest float they are infinite, without a warning."""
    with np.errstate(over="ignore", invalid="ignore"):
        values = node.value(steps.reshape(-1, *[1] * len(node.shape)), np)
    return np.broadcast_to(values, (steps.size, *node.shape))


def finite_at(node: Node, t: float) -> Any:
    """The value at one step, as a parameter; a number as a call of the schedule gives it, to the last bit."""
    if not node.shape:
        return float(node.value(t, Scalars))
    return sample(node, np.array([float(t)]))[0]


def span(*values: Any) -> Bounds:
    """The lowest and the highest of some values, arrays among them."""
    return min(float(np.min(value)) for value in values), max(float(np.max(value)) for value in values)


def union(spans: Sequence[Bounds]) -> Bounds:
    """The narrowest bounds around others."""
    return min(low for low, _ in spans), max(high for _, high in spans)


def times(one: Bounds, other: Bounds) -> Bounds:
    """Bounds of a product."""
    corners = [a * b if a and b else 0.0 for a in one for b in other]  # 0 times infinity is 0 here
    return min(corners), max(corners)


def _blocks(begin: int, end: int) -> Iterator[Any]:
    """The steps begin, ..., end - 1 as floats, in blocks that fit into memory."""
    for first in range(begin, end, SUM_BLOCK):
        yield np.arange(first, min(first + SUM_BLOCK, end), dtype=np.float64)


def power(base: Any, exponent: Any, xp: Any) -> Any:
    """`base ** exponent`; beyond the largest float it is infinite, for numbers as for arrays."""
    if xp is Scalars:
        try:
            return base**exponent
        except OverflowError:
            return math.inf
    return base**exponent


def finite(value: Any, name: str) -> Value:
    """`value` as a float, or as nested tuples if it is an array; or an error naming the argument."""
    if isinstance(value, list | tuple) or getattr(value, "ndim", 0) > 0:
        return _array(value, name)
    try:
        result = float(value)
    except (TypeError, ValueError, OverflowError):
        result = math.nan
    if isinstance(value, str | bytes | bool) or not math.isfinite(result):
        raise InvalidSchedule(f"{name} must be a finite number, got {summary(value)}")
    return result


def _array(value: Any, name: str) -> Value:
    try:
        array = np.asarray(value)
        # Texts and truth values would pass as numbers; whole numbers beyond 64 bits come as objects.
        array = np.asarray(array, dtype=np.float64) if array.dtype.kind in "iufO" else np.empty(0)
    except (TypeError, ValueError, OverflowError):
        array = np.empty(0)
    if not array.size or not np.isfinite(array).all():
        raise InvalidSchedule(f"{name} must hold finite numbers, got {summary(value)}")
    return _nested(array.tolist())


def _nested(value: Any) -> Value:
    return tuple(map(_nested, value)) if isinstance(value, list) else value


def scalar(value: Any, name: str) -> float:
    """`value` as one finite number, or an error naming the argument."""
    result = finite(value, name)
    if not isinstance(result, float):
        raise InvalidSchedule(f"{name} must be one number, got {summary(value)}")
    return result


def positive(value: Any, name: str) -> Value:
    """`value` as `finite` gives it, above 0 everywhere, or an error naming the argument."""
    result = finite(value, name)
    if np.min(result) <= 0:
        raise InvalidSchedule(f"{name} must be above 0, got {summary(value)}")
    return result


def whole_steps(value: Any, name: str, least: int = 1) -> int:
    """`value` as a whole number of steps, or an error naming the argument."""
    if not isinstance(value, str | bytes | bool) and hasattr(value, "__int__") and is_finite(value):
        result = int(value)
        if result == value and result >= least:
            return result
    raise InvalidSchedule(f"{name} must be a whole number of steps, at least {least}; got {summary(value)}")


def stretch_steps(steps: int, factor: float) -> int:
    """`steps` times `factor`, to the nearest whole step (halves up), at least 1."""
    stretched = steps * factor + 0.5
    if not math.isfinite(stretched):
        raise InvalidSchedule(f"stretch={factor!r} makes {steps} steps longer than any number; choose a smaller one")
    return max(1, math.floor(stretched)) if steps else 0
