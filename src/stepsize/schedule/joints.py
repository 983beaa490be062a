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
from stepsize.schedule.lookup import reachable, select
from stepsize.schedule.node import Bounds, Length, Node, finite_at, operand, times, union


@final
@dataclass(frozen=True)
class Sequence(Node):
    """Parts one after another; each starts when the one before has ended. Made by `chain`."""

    parts: tuple[Node, ...]

    infix = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "parts", _flat(Sequence, self.parts))
        for part in self.parts[:-1]:
            if part.resolved and math.isinf(part.length):
                raise InvalidSchedule(f"{part.code()} never ends, so nothing can follow it; give it a number of steps")
        _ = self.shape

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """The first step of each part."""
        return tuple(accumulate((int(part.length) for part in self.parts[:-1]), initial=0))

    @property
    def length(self) -> Length:
        return self.starts[-1] + self.parts[-1].length

    def value(self, t: Any, xp: Any) -> Any:
        return select(t, self.starts, self.parts, xp)

    def stretched(self, factor: float) -> Node:
        return Sequence(tuple(part.stretched(factor) for part in self.parts))

    def bounds(self, begin: float, end: float) -> Bounds:
        found = []
        for i, (first, part) in enumerate(zip(self.starts, self.parts, strict=True)):
            # At its end a part is in charge no more, unless nothing follows it.
            begins_inside = begin < first + part.length or i == len(self.parts) - 1
            if begins_inside and end >= first:
                found.append(part.bounds(max(begin - first, 0), min(end - first, part.length)))
        return union(found)

    def total(self, begin: int, end: int) -> Any:
        ends = [*self.starts[1:], end]
        spans = [(max(begin, a), min(end, max(b, begin))) for a, b in zip(self.starts, ends, strict=True)]
        parts = zip(self.starts, self.parts, spans, strict=True)
        return sum(part.total(a - first, b - first) for first, part, (a, b) in parts if a < b)

    def code(self) -> str:
        return " >> ".join(operand(part) for part in self.parts)

    def document(self) -> Document:
        return {"kind": "sequence", **fields_document(self)}

    def children(self) -> tuple[Node, ...]:
        return self.parts


def chain(parts: Iterable[Node]) -> Node:
    """Parts one after another; a part of no steps is absent, unless all are, and then the last stands."""
    every = tuple(parts)
    present = [part for part in every if not (part.resolved and part.length == 0)]
    if len(present) < 2:
        return (present or every)[-1]
    return Sequence(tuple(present))


@final
@dataclass(frozen=True)
class Product(Node):
    """Parts multiplied step by step; a part that has ended holds its end value."""

    parts: tuple[Node, ...]

    infix = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "parts", _flat(Product, self.parts))
        _ = self.shape

    @property
    def length(self) -> Length:
        return max(part.length for part in self.parts)

    def value(self, t: Any, xp: Any) -> Any:
        return math.prod(held(part, t, xp) for part in self.parts)

    def stretched(self, factor: float) -> Node:
        return Product(tuple(part.stretched(factor) for part in self.parts))

    def bounds(self, begin: float, end: float) -> Bounds:
        result = (1.0, 1.0)
        for part in self.parts:
            result = times(result, held_bounds(part, begin, end))
        return result

    def code(self) -> str:
        return " * ".join(operand(part) for part in self.parts)

    def document(self) -> Document:
        return {"kind": "product", **fields_document(self)}

    def children(self) -> tuple[Node, ...]:
        return self.parts


@final
@dataclass(frozen=True)
class Sum(Node):
    """Parts added step by step; a part that has ended holds its end value."""

    parts: tuple[Node, ...]

    infix = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "parts", _flat(Sum, self.parts))
        _ = self.shape

    @property
    def length(self) -> Length:
        return max(part.length for part in self.parts)

    def value(self, t: Any, xp: Any) -> Any:
        return sum(held(part, t, xp) for part in self.parts)

    def stretched(self, factor: float) -> Node:
        return Sum(tuple(part.stretched(factor) for part in self.parts))

    def bounds(self, begin: float, end: float) -> Bounds:
        lows, highs = zip(*(held_bounds(part, begin, end) for part in self.parts), strict=True)
        return sum(lows), sum(highs)

    def total(self, begin: int, end: int) -> Any:
        return sum(held_total(part, begin, end) for part in self.parts)

    def code(self) -> str:
        return " + ".join(operand(part) for part in self.parts)

    def document(self) -> Document:
        return {"kind": "sum", **fields_document(self)}

    def children(self) -> tuple[Node, ...]:
        return self.parts


def held(part: Node, t: Any, xp: Any) -> Any:
    """The value of a part inside a longer whole: after its end, its end value."""
    return part.value(t if math.isinf(part.length) else xp.minimum(t, reachable(part.length, t, xp)), xp)


def held_bounds(part: Node, begin: float, end: float) -> Bounds:
    return part.bounds(min(begin, part.length), min(end, part.length))


def held_total(part: Node, begin: int, end: int) -> Any:
    """The sum over the steps of a longer whole."""
    last = min(max(begin, part.length), end)
    if last == end:
        return part.total(begin, end)
    return part.total(begin, int(last)) + finite_at(part, part.length) * (end - last)


def _flat(kind: type[Sequence] | type[Product] | type[Sum], parts: Iterable[Node]) -> tuple[Node, ...]:
    flat: list[Node] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, kind) else [part])
    if len(flat) < 2:
        raise InvalidSchedule(f"a {kind.__name__.lower()} needs at least two parts, got {len(flat)}")
    return tuple(flat)
