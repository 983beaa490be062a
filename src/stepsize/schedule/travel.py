"""The joints that travel in time: a schedule repeated, reversed, or seen through a window."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import numpy as np

from stepsize._codec import Document, fields_document
from stepsize.errors import InvalidSchedule
from stepsize.schedule.joints import Sequence, chain, held, held_bounds, operand
from stepsize.schedule.node import (
    Bounds,
    Length,
    Node,
    locate,
    positive,
    power,
    scalar,
    stretch_steps,
    take,
    times,
    union,
    whole_steps,
)
from stepsize.schedule.shapes import Constant

# Beyond this many steps float64 can no longer tell neighbouring steps apart.
MAX_STEPS = 2**53
# Each cycle of a stretching repetition has an entry in a table; more than this is a slip of the keyboard.
MAX_CYCLES = 100_000


@final
@dataclass(frozen=True)
class Repeat(Node):
    """A schedule again and again: cycle i is `shrink**i` times as high and `stretch**i` times as long."""

    of: Node
    times: int | None = None
    shrink: float = 1.0
    stretch: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.of.length < math.inf:
            what = "never ends, so it cannot repeat; give it" if self.of.length else "lasts 0 steps; a cycle needs"
            raise InvalidSchedule(f"{self.of.code()} {what} a number of steps")
        if self.times is not None:
            object.__setattr__(self, "times", whole_steps(self.times, "times"))
        for name in ("shrink", "stretch"):
            object.__setattr__(self, name, positive(scalar(getattr(self, name), name), name))
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
            cycle = t // size
            if self.times is not None:
                # Asked at the very end, the last cycle answers: its end value is what holds.
                cycle = xp.minimum(cycle, self.times - 1)
            return cycle, t - cycle * size
        starts = self._starts
        cycle = xp.minimum(locate(t, starts, xp), len(starts) - 2)
        begin, end = take(starts, cycle, t, xp), take(starts, cycle + 1, t, xp)
        # Multiplied first: a whole step stays a whole step, so inner boundaries are exact too. As a
        # float, since the product may be beyond the integers of the array.
        return cycle, xp.minimum((t - begin) / 1 * float(size) / ((end - begin) / 1), size)

    def stretched(self, factor: float) -> Node:
        return Repeat(self.of.stretched(factor), self.times, self.shrink, self.stretch)

    def bounds(self, begin: float, end: float) -> Bounds:
        first, start = self._at(begin)
        last, stop = self._at(end)
        if first == last:
            return times(_spread(self.shrink, first, first), self.of.bounds(start, stop))
        whole = times(_spread(self.shrink, first, last), self.of.bounds(0, self.of.length))
        return whole if first + 1 < last else self._across(first, start, stop)

    def _across(self, first: float, start: float, stop: float) -> Bounds:
        before = times(_spread(self.shrink, first, first), self.of.bounds(start, self.of.length))
        after = times(_spread(self.shrink, first + 1, first + 1), self.of.bounds(0, stop))
        return union([before, after])

    def _at(self, t: float) -> tuple[float, float]:
        if math.isinf(t):
            return math.inf, 0.0
        cycle, local = self._locate(np.asarray([t], dtype=np.float64), np)
        return float(cycle[0]), float(local[0])

    def total(self, begin: int, end: int) -> Any:
        first, last = int(self._at(begin)[0]), int(self._at(end - 1)[0])
        if self.stretch != 1 or last - first < 2:
            return super().total(begin, end)
        size = int(self.of.length)
        middle = self.of.total(0, size) * _geometric(self.shrink, first + 1, last)
        return super().total(begin, (first + 1) * size) + middle + super().total(last * size, end)

    def code(self) -> str:
        options = [f"{name}={getattr(self, name)!r}" for name in ("shrink", "stretch") if getattr(self, name) != 1]
        return f"{operand(self.of)}.repeat({', '.join([repr(self.times), *options])})"

    def document(self) -> Document:
        return {"kind": "repeat", **fields_document(self)}

    def children(self) -> tuple[Node, ...]:
        return (self.of,)


def _geometric(ratio: float, first: int, last: int) -> float:
    """The sum of ratio**i for first <= i < last."""
    if ratio == 1:
        return float(last - first)
    return float(power(np.float64(ratio), first, np)) * math.expm1((last - first) * math.log(ratio)) / (ratio - 1)


def _spread(ratio: float, first: float, last: float) -> Bounds:
    """The bounds of ratio**i for first <= i <= last."""
    with np.errstate(over="ignore"):
        ends = float(np.float64(ratio) ** first), float(np.float64(ratio) ** last)
    return min(ends), max(ends)


@final
@dataclass(frozen=True)
class Reverse(Node):
    """A schedule from its end to its start."""

    of: Node

    def __post_init__(self) -> None:
        if math.isinf(self.of.length):
            raise InvalidSchedule(f"{self.of.code()} never ends, so it has no reverse; give it a number of steps")

    @property
    def length(self) -> Length:
        return self.of.length

    def value(self, t: Any, xp: Any) -> Any:
        return self.of.value(self.of.length - t, xp)

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


@final
@dataclass(frozen=True)
class Window(Node):
    """What a schedule does from step `begin` on, every `stride`-th step, for `steps` steps or to its end."""

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
        return held(self.of, self._inner(t), xp)

    def _inner(self, t: Any) -> Any:
        # Whole numbers stay whole: arrays of integers are exact far beyond the floats of their size.
        scaled = t if self.stride == 1 else t / 1 * self.stride
        return scaled + (int(self.begin) if self.begin.is_integer() else self.begin)

    def stretched(self, factor: float) -> Node:
        steps = None if self.steps is None else stretch_steps(self.steps, factor)
        return Window(self.of, self.begin, self.stride / factor, steps)

    def bounds(self, begin: float, end: float) -> Bounds:
        return held_bounds(self.of, self._inner(begin), self._inner(end))

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
    return strides if math.isinf(strides) else math.ceil(strides * (1 - 1e-12))


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
    if whole and isinstance(node, Constant):
        return Constant(node.held, None if math.isinf(end) else int(end - begin))
    if whole and isinstance(node, Sequence):
        spans = zip(node.starts, node.parts, strict=True)
        inside = [(a, part) for a, part in spans if a < end and a + part.length > begin]
        return chain(cut(part, max(begin - a, 0), min(end - a, part.length)) for a, part in inside)
    steps, most = _count(end - begin, stride), _count(node.length - begin, stride)
    return Window(node, begin, stride, None if steps == most else int(steps))


def finite_at(node: Node, t: float) -> Any:
    """The value at one step, as a parameter."""
    values = node.value(np.full((1,) * (1 + len(node.shape)), float(t)), np)
    return np.broadcast_to(values, (1, *node.shape))[0]
