"""The joints that travel in time: a schedule reversed, slowed to stairs, or seen through a window."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, final

from stepsize._codec import Document, fields_document
from stepsize.errors import InvalidSchedule
from stepsize.schedule.joints import Sequence, chain, held, held_bounds
from stepsize.schedule.lookup import reachable
from stepsize.schedule.node import (
    Bounds,
    Length,
    Node,
    finite_at,
    floating,
    operand,
    positive,
    scalar,
    stretch_steps,
    whole_steps,
)
from stepsize.schedule.shapes import Constant


@final
@dataclass(frozen=True)
class Reverse(Node):
    """A schedule from its end to its start. Made by `backwards`."""

    of: Node

    def __post_init__(self) -> None:
        if math.isinf(self.of.length):
            raise InvalidSchedule(f"{self.of.code()} never ends, so it has no reverse; give it a number of steps")

    @property
    def length(self) -> Length:
        return self.of.length

    def value(self, t: Any, xp: Any) -> Any:
        length = self.of.length
        # Beyond the integers of the array it counts in its floats.
        return self.of.value((length if reachable(length, t, xp) == length else float(length)) - t, xp)

    def stretched(self, factor: float) -> Node:
        return Reverse(self.of.stretched(factor))

    def bounds(self, begin: float, end: float) -> Bounds:
        return self.of.bounds(self.of.length - end, self.of.length - begin)

    def code(self) -> str:
        return f"{operand(self.of)}.reverse()"

    def document(self) -> Document:
        return {"kind": "reverse", **fields_document(self)}

    def children(self) -> tuple[Node, ...]:
        return (self.of,)


def backwards(node: Node) -> Node:
    """A schedule from its end to its start; what is reversed twice is what it was."""
    return node.of if isinstance(node, Reverse) else Reverse(node)


@final
@dataclass(frozen=True)
class Hold(Node):
    """A schedule each step of which lasts for `every` steps."""

    of: Node
    every: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "every", whole_steps(self.every, "every"))

    @property
    def length(self) -> Length:
        return self.of.length * self.every

    def value(self, t: Any, xp: Any) -> Any:
        return self.of.value(t // reachable(self.every, t, xp), xp)

    def stretched(self, factor: float) -> Node:
        return Hold(self.of, stretch_steps(self.every, factor))

    def bounds(self, begin: float, end: float) -> Bounds:
        last = end if math.isinf(end) else end // self.every
        return self.of.bounds(begin if math.isinf(begin) else begin // self.every, last)

    def code(self) -> str:
        return f"{operand(self.of)}.hold({self.every})"

    def document(self) -> Document:
        return {"kind": "hold", **fields_document(self)}

    def children(self) -> tuple[Node, ...]:
        return (self.of,)


@final
@dataclass(frozen=True)
class Window(Node):
    """What a schedule does from step `begin` on, every `stride`-th step, for `steps` steps or to its end.

    Made by `cut`.
    """

    of: Node
    begin: float
    stride: float = 1.0
    steps: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "begin", scalar(self.begin, "begin"))
        object.__setattr__(self, "stride", positive(scalar(self.stride, "stride"), "stride"))
        if self.steps is not None:
            object.__setattr__(self, "steps", whole_steps(self.steps, "steps", least=0))
        if self.begin < 0:
            raise InvalidSchedule(f"begin must be at least 0, got {self.begin!r}")

    @property
    def length(self) -> Length:
        if self.steps is not None:
            return self.steps
        return _count(max(self.of.length - self.begin, 0), self.stride)

    def value(self, t: Any, xp: Any) -> Any:
        return held(self.of, self._inner(t, xp), xp)

    def _inner(self, t: Any, xp: Any) -> Any:
        # Whole numbers stay whole: arrays of integers are exact far beyond the floats of their size.
        scaled = t if self.stride == 1 else floating(t, xp) * self.stride
        whole = self.begin.is_integer() and reachable(self.begin, t, xp) == self.begin
        return scaled + (int(self.begin) if whole else self.begin)

    def stretched(self, factor: float) -> Node:
        steps = None if self.steps is None else stretch_steps(self.steps, factor)
        return Window(self.of, self.begin, self.stride / factor, steps)

    def bounds(self, begin: float, end: float) -> Bounds:
        return held_bounds(self.of, self.begin + begin * self.stride, self.begin + end * self.stride)

    def code(self) -> str:
        end = "" if self.steps is None else repr(_plain(self.begin + self.steps * self.stride))
        stride = "" if self.stride == 1 else f":{_plain(self.stride)!r}"
        begin = "" if self.begin == 0 else repr(_plain(self.begin))
        return f"{operand(self.of)}[{begin}:{end}{stride}]"

    def document(self) -> Document:
        return {"kind": "window", **fields_document(self)}

    def children(self) -> tuple[Node, ...]:
        return (self.of,)


def _count(span: float, stride: float) -> Length:
    """How many strides a span takes; one that ends a rounding error later does not count."""
    strides = span / stride
    if math.isinf(strides):
        return strides
    nearest = round(strides)
    return nearest if abs(strides - nearest) <= 1e-9 else math.ceil(strides)


def _plain(value: float) -> int | float:
    return int(value) if float(value).is_integer() else value


def cut(node: Node, begin: float, end: Length, stride: float = 1.0) -> Node:
    """The part of a schedule from step `begin` to before step `end`, in the simplest form there is."""
    end = min(end, node.length)
    if end <= begin:
        return Constant(finite_at(node, min(begin, node.length)), 0)
    if begin == 0 and end == node.length and stride == 1:
        return node
    whole = stride == 1 and float(begin).is_integer()
    if whole and isinstance(node, Window) and node.stride == 1:
        return cut(node.of, node.begin + begin, node.begin + end)
    if whole and isinstance(node, Constant):
        return Constant(node.held, None if math.isinf(end) else int(_count(end - begin, 1)))
    if whole and isinstance(node, Sequence):
        spans = zip(node.starts, node.parts, strict=True)
        inside = [(a, part) for a, part in spans if a < end and a + part.length > begin]
        return chain(cut(part, max(begin - a, 0), min(end - a, part.length)) for a, part in inside)
    steps, most = _count(end - begin, stride), _count(node.length - begin, stride)
    return Window(node, begin, stride, None if steps == most else int(steps))
