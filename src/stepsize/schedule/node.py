"""The nodes of a schedule's tree: immutable, pure, evaluated for numbers and for arrays alike.

A node is written once, against a namespace `xp` of the array-API names it needs (`cos`, `where`, ...).
`xp` is `Scalars` for Python numbers, `numpy` for NumPy arrays, or whatever namespace an array brings
with it; so a new framework touches no node. Every node is asked only at 0 <= t <= its length: the
face clamps once, and joints clamp for their parts.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from stepsize._codec import Document, is_finite, summary
from stepsize.errors import InvalidSchedule

Length = int | float  # whole steps, or math.inf for a schedule that never ends


class Node(ABC):
    """One node of the tree. Subclasses are final, frozen dataclasses."""

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
    def code(self) -> str:
        """The Python expression that builds this node with the names of `stepsize`."""

    @abstractmethod
    def document(self) -> Document:
        """The JSON document of this node."""


class Scalars:
    """The namespace for Python numbers: `math`, under the array-API names."""

    cos = staticmethod(math.cos)
    sqrt = staticmethod(math.sqrt)
    floor = staticmethod(math.floor)
    minimum = staticmethod(min)
    maximum = staticmethod(max)


def select(t: Any, starts: Sequence[int], parts: Sequence[Callable[[Any], Any]], xp: Any) -> Any:
    """The value of the part in charge at `t`: part i from `starts[i]` on, given its own local time."""
    if xp is Scalars:
        i = bisect_right(starts, t) - 1
        return parts[i](t - starts[i])
    if xp is np:
        return _select_numpy(t, starts, parts)
    result = parts[0](xp.minimum(t, starts[1]))
    for i in range(1, len(parts)):
        local = xp.maximum(t - starts[i], 0)
        if i + 1 < len(parts):
            local = xp.minimum(local, starts[i + 1] - starts[i])
        result = xp.where(t >= starts[i], parts[i](local), result)
    return result


def _select_numpy(t: Any, starts: Sequence[int], parts: Sequence[Callable[[Any], Any]]) -> Any:
    out = np.empty_like(t)
    if t.ndim == 1 and t.size and bool(np.all(t[1:] >= t[:-1])):
        # A curve in order: each part sees one slice, so nothing is computed twice.
        cuts = [*np.searchsorted(t, starts, side="left").tolist(), t.size]
        cuts[0] = 0
        spans: list[Any] = [slice(a, b) for a, b in pairwise(cuts)]
    else:
        index = np.searchsorted(np.asarray(starts), t, side="right") - 1
        spans = [index == i for i in range(len(parts))]
    for start, part, span in zip(starts, parts, spans, strict=True):
        if (local := t[span]).size:
            out[span] = part(local - start)
    return out


def locate(t: Any, starts: Sequence[int], xp: Any) -> Any:
    """The index of the last of `starts` that is <= t."""
    if xp is Scalars:
        return bisect_right(starts, t) - 1
    return xp.searchsorted(xp.asarray(starts), t, side="right") - 1


def take(table: Sequence[float], index: Any, xp: Any) -> Any:
    """`table[index]`, for a number or an array of indices."""
    return table[index] if xp is Scalars else xp.asarray(table)[index]


def power(base: float, exponent: Any, xp: Any) -> Any:
    """`base ** exponent`; beyond the largest float it is infinite, for numbers as for arrays."""
    if xp is Scalars:
        try:
            return base**exponent
        except OverflowError:
            return math.inf
    if xp is np:
        with np.errstate(over="ignore"):
            return base**exponent
    return base**exponent


def finite(value: Any, name: str) -> float:
    """`value` as a float, or an error naming the argument."""
    try:
        result = float(value)
    except (TypeError, ValueError, OverflowError):
        result = math.nan
    if isinstance(value, str | bytes | bool) or not math.isfinite(result):
        raise InvalidSchedule(f"{name} must be a finite number, got {summary(value)}")
    return result


def positive(value: Any, name: str) -> float:
    """`value` as a float above 0, or an error naming the argument."""
    result = finite(value, name)
    if result <= 0:
        raise InvalidSchedule(f"{name} must be above 0, got {value!r}")
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
    return max(1, math.floor(stretched))
