"""The joints: nodes made of nodes. Sequences, products and sums are flat, so they associate exactly."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any, final

from stepsize._codec import Document, fields_document
from stepsize.errors import InvalidSchedule
from stepsize.schedule.node import Length, Node, finite, locate, positive, power, select, take, whole_steps

# Beyond this many steps float64 can no longer tell neighbouring steps apart.
MAX_STEPS = 2**53
# Each cycle of a stretching repetition has an entry in a table; more than this is a slip of the keyboard.
MAX_CYCLES = 100_000


@final
@dataclass(frozen=True)
class Sequence(Node):
    """Parts one after another; each starts when the one before has ended."""

    parts: tuple[Node, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "parts", _flat(Sequence, self.parts))
        for part in self.parts[:-1]:
            if math.isinf(part.length):
                raise InvalidSchedule(f"{part.code()} never ends, so nothing can follow it; give it a number of steps")

    @cached_property
    def _starts(self) -> tuple[int, ...]:
        return tuple(accumulate((int(part.length) for part in self.parts[:-1]), initial=0))

    @property
    def length(self) -> Length:
        return self._starts[-1] + self.parts[-1].length

    def value(self, t: Any, xp: Any) -> Any:
        parts = [lambda local, part=part: part.value(local, xp) for part in self.parts]
        return select(t, self._starts, parts, xp)

    def stretched(self, factor: float) -> Node:
        return Sequence(tuple(part.stretched(factor) for part in self.parts))

    def code(self) -> str:
        return " >> ".join(_operand(part) for part in self.parts)

    def document(self) -> Document:
        return {"kind": "sequence", **fields_document(self)}


@final
@dataclass(frozen=True)
class Product(Node):
    """Parts multiplied step by step; a part that has ended holds its end value."""

    parts: tuple[Node, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "parts", _flat(Product, self.parts))

    @property
    def length(self) -> Length:
        return max(part.length for part in self.parts)

    def value(self, t: Any, xp: Any) -> Any:
        return math.prod(_held(part, t, xp) for part in self.parts)

    def stretched(self, factor: float) -> Node:
        return Product(tuple(part.stretched(factor) for part in self.parts))

    def code(self) -> str:
        return " * ".join(_operand(part) for part in self.parts)

    def document(self) -> Document:
        return {"kind": "product", **fields_document(self)}


@final
@dataclass(frozen=True)
class Sum(Node):
    """Parts added step by step; a part that has ended holds its end value."""

    parts: tuple[Node, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "parts", _flat(Sum, self.parts))

    @property
    def length(self) -> Length:
        return max(part.length for part in self.parts)

    def value(self, t: Any, xp: Any) -> Any:
        return sum(_held(part, t, xp) for part in self.parts)

    def stretched(self, factor: float) -> Node:
        return Sum(tuple(part.stretched(factor) for part in self.parts))

    def code(self) -> str:
        return " + ".join(_operand(part) for part in self.parts)

    def document(self) -> Document:
        return {"kind": "sum", **fields_document(self)}


@final
@dataclass(frozen=True)
class Scale(Node):
    """A schedule times a number."""

    factor: float
    of: Node

    def __post_init__(self) -> None:
        object.__setattr__(self, "factor", finite(self.factor, "factor"))

    @property
    def length(self) -> Length:
        return self.of.length

    def value(self, t: Any, xp: Any) -> Any:
        return self.factor * self.of.value(t, xp)

    def stretched(self, factor: float) -> Node:
        return Scale(self.factor, self.of.stretched(factor))

    def code(self) -> str:
        return f"{self.factor!r} * {_operand(self.of)}"

    def document(self) -> Document:
        return {"kind": "scale", **fields_document(self)}


@final
@dataclass(frozen=True)
class Shift(Node):
    """A schedule plus a number."""

    offset: float
    of: Node

    def __post_init__(self) -> None:
        object.__setattr__(self, "offset", finite(self.offset, "offset"))

    @property
    def length(self) -> Length:
        return self.of.length

    def value(self, t: Any, xp: Any) -> Any:
        return self.of.value(t, xp) + self.offset

    def stretched(self, factor: float) -> Node:
        return Shift(self.offset, self.of.stretched(factor))

    def code(self) -> str:
        return f"{_operand(self.of)} + {self.offset!r}"

    def document(self) -> Document:
        return {"kind": "shift", **fields_document(self)}


@final
@dataclass(frozen=True)
class Clip(Node):
    """A schedule held between two values."""

    low: float
    high: float
    of: Node

    def __post_init__(self) -> None:
        object.__setattr__(self, "low", finite(self.low, "low"))
        object.__setattr__(self, "high", finite(self.high, "high"))
        if self.low > self.high:
            raise InvalidSchedule(f"clip needs low <= high, got low={self.low!r}, high={self.high!r}")

    @property
    def length(self) -> Length:
        return self.of.length

    def value(self, t: Any, xp: Any) -> Any:
        return xp.minimum(xp.maximum(self.of.value(t, xp), self.low), self.high)

    def stretched(self, factor: float) -> Node:
        return Clip(self.low, self.high, self.of.stretched(factor))

    def code(self) -> str:
        return f"{_operand(self.of)}.clip({self.low!r}, {self.high!r})"

    def document(self) -> Document:
        return {"kind": "clip", **fields_document(self)}


@final
@dataclass(frozen=True)
class Repeat(Node):
    """A schedule again and again: cycle i is `shrink**i` times as high and `stretch**i` times as long."""

    of: Node
    times: int | None = None
    shrink: float = 1.0
    stretch: float = 1.0

    def __post_init__(self) -> None:
        if math.isinf(self.of.length):
            raise InvalidSchedule(f"{self.of.code()} never ends, so it cannot repeat; give it a number of steps")
        if self.times is not None:
            object.__setattr__(self, "times", whole_steps(self.times, "times"))
        for name in ("shrink", "stretch"):
            object.__setattr__(self, name, positive(getattr(self, name), name))
        if self.stretch < 1 and self.times is None:
            raise InvalidSchedule(f"stretch={self.stretch!r} shrinks the cycles to nothing; give times")
        if self.stretch != 1 and not (self.times or 1) <= len(self._starts) - 1 <= MAX_CYCLES:
            raise InvalidSchedule(
                f"times={self.times} with stretch={self.stretch!r} leaves cycles shorter than one step, "
                f"more than {MAX_CYCLES} cycles, or a schedule longer than {MAX_STEPS} steps"
            )

    @cached_property
    def _starts(self) -> tuple[int, ...]:
        """First steps of the cycles, then the end: exact integers, never a logarithm rounded down."""
        if self.stretch == 1:
            return (0,)
        starts, length = [0], float(self.of.length)
        most = min(self.times or math.inf, MAX_CYCLES + 1)
        while length >= 1 and starts[-1] + round(length) <= MAX_STEPS and len(starts) <= most:
            starts.append(starts[-1] + round(length))
            length *= self.stretch
        return tuple(starts)

    @property
    def length(self) -> Length:
        if self.times is None:
            return math.inf
        return self.times * self.of.length if self.stretch == 1 else self._starts[-1]

    def value(self, t: Any, xp: Any) -> Any:
        cycle, local = self._locate(t, xp)
        inner = self.of.value(local, xp)
        return inner if self.shrink == 1 else power(self.shrink, cycle, xp) * inner

    def _locate(self, t: Any, xp: Any) -> tuple[Any, Any]:
        size = self.of.length
        if self.stretch == 1:
            cycle = xp.floor(t / size)
            if self.times is not None:
                cycle = xp.minimum(cycle, self.times - 1)
            return cycle, t - cycle * size
        starts = self._starts
        # Asked at the very end, the last cycle answers: its end value is what holds.
        cycle = xp.minimum(locate(t, starts, xp), len(starts) - 2)
        begin, end = take(starts, cycle, xp), take(starts, cycle + 1, xp)
        # Multiplied first: a whole step stays a whole step, so inner boundaries are exact too.
        return cycle, xp.minimum((t - begin) * size / (end - begin), size)

    def stretched(self, factor: float) -> Node:
        return Repeat(self.of.stretched(factor), self.times, self.shrink, self.stretch)

    def code(self) -> str:
        options = [f"{name}={getattr(self, name)!r}" for name in ("shrink", "stretch") if getattr(self, name) != 1]
        return f"{_operand(self.of)}.repeat({', '.join([repr(self.times), *options])})"

    def document(self) -> Document:
        return {"kind": "repeat", **fields_document(self)}


def _flat(kind: type[Sequence] | type[Product] | type[Sum], parts: Iterable[Node]) -> tuple[Node, ...]:
    flat: list[Node] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, kind) else [part])
    if len(flat) < 2:
        raise InvalidSchedule(f"a {kind.__name__.lower()} needs at least two parts, got {len(flat)}")
    return tuple(flat)


def _held(part: Node, t: Any, xp: Any) -> Any:
    return part.value(t if math.isinf(part.length) else xp.minimum(t, part.length), xp)


def _operand(node: Node) -> str:
    """A node's code as an operand: joints written with an operator go in parentheses."""
    return f"({node.code()})" if isinstance(node, Sequence | Product | Sum | Scale | Shift) else node.code()
