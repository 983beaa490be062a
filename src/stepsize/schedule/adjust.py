"""A schedule and numbers: scaled, shifted, and held between two values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np

from stepsize._codec import Document, fields_document
from stepsize.errors import InvalidSchedule
from stepsize.schedule.node import Bounds, Length, Node, Value, finite, number, operand, span, times


@final
@dataclass(frozen=True)
class Scale(Node):
    """A schedule times a number."""

    factor: Value
    of: Node

    infix = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "factor", finite(self.factor, "factor"))
        _ = self.shape

    @property
    def length(self) -> Length:
        return self.of.length

    def value(self, t: Any, xp: Any) -> Any:
        return number(self.factor, xp) * self.of.value(t, xp)

    def stretched(self, factor: float) -> Node:
        return Scale(self.factor, self.of.stretched(factor))

    def bounds(self, begin: float, end: float) -> Bounds:
        return times(span(self.factor), self.of.bounds(begin, end))

    def total(self, begin: int, end: int) -> Any:
        return number(self.factor, np) * self.of.total(begin, end)

    def code(self) -> str:
        return f"{self.factor!r} * {operand(self.of)}"

    def document(self) -> Document:
        return {"kind": "scale", **fields_document(self)}

    def numbers(self) -> tuple[Value, ...]:
        return (self.factor,)

    def children(self) -> tuple[Node, ...]:
        return (self.of,)


@final
@dataclass(frozen=True)
class Shift(Node):
    """A schedule plus a number."""

    offset: Value
    of: Node

    infix = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "offset", finite(self.offset, "offset"))
        _ = self.shape

    @property
    def length(self) -> Length:
        return self.of.length

    def value(self, t: Any, xp: Any) -> Any:
        return self.of.value(t, xp) + number(self.offset, xp)

    def stretched(self, factor: float) -> Node:
        return Shift(self.offset, self.of.stretched(factor))

    def bounds(self, begin: float, end: float) -> Bounds:
        (low, high), (least, most) = self.of.bounds(begin, end), span(self.offset)
        return low + least, high + most

    def total(self, begin: int, end: int) -> Any:
        return self.of.total(begin, end) + number(self.offset, np) * (end - begin)

    def code(self) -> str:
        return f"{operand(self.of)} + {self.offset!r}"

    def document(self) -> Document:
        return {"kind": "shift", **fields_document(self)}

    def numbers(self) -> tuple[Value, ...]:
        return (self.offset,)

    def children(self) -> tuple[Node, ...]:
        return (self.of,)


@final
@dataclass(frozen=True)
class Clip(Node):
    """A schedule held between two values."""

    low: Value
    high: Value
    of: Node

    def __post_init__(self) -> None:
        object.__setattr__(self, "low", finite(self.low, "low"))
        object.__setattr__(self, "high", finite(self.high, "high"))
        _ = self.shape
        if np.any(np.greater(self.low, self.high)):
            raise InvalidSchedule(f"clip needs low <= high, got low={self.low!r}, high={self.high!r}")

    @property
    def length(self) -> Length:
        return self.of.length

    def value(self, t: Any, xp: Any) -> Any:
        return xp.minimum(xp.maximum(self.of.value(t, xp), number(self.low, xp)), number(self.high, xp))

    def stretched(self, factor: float) -> Node:
        return Clip(self.low, self.high, self.of.stretched(factor))

    def bounds(self, begin: float, end: float) -> Bounds:
        (low, high), (least, _), (_, most) = self.of.bounds(begin, end), span(self.low), span(self.high)
        return min(max(low, least), most), min(max(high, least), most)

    def code(self) -> str:
        return f"{operand(self.of)}.clip({self.low!r}, {self.high!r})"

    def document(self) -> Document:
        return {"kind": "clip", **fields_document(self)}

    def numbers(self) -> tuple[Value, ...]:
        return (self.low, self.high)

    def children(self) -> tuple[Node, ...]:
        return (self.of,)
