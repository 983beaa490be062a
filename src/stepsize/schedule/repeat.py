"""A schedule again and again, in cycles that may shrink in height and stretch in length."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, final

import numpy as np

from stepsize._codec import Document, fields_document
from stepsize.errors import InvalidSchedule
from stepsize.schedule.lookup import as_floats, locate, reachable, take
from stepsize.schedule.node import (
    Bounds,
    Length,
    Misfit,
    Node,
    floating,
    operand,
    positive,
    power,
    scalar,
    times,
    union,
    whole_steps,
)

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
            raise Misfit(
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

    @cached_property
    def _paces(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Steps of the schedule for steps of each cycle, as fractions in lowest terms.

        Numerators are small (1, where the growth is a whole number), so that whole steps stay whole:
        boundaries inside the cycles are exact too.
        """
        lengths = [b - a for a, b in pairwise(self._starts)]
        common = [math.gcd(int(self.of.length), length) for length in lengths]
        above = tuple(int(self.of.length) // divisor for divisor in common)
        return above, tuple(length // divisor for length, divisor in zip(lengths, common, strict=True))

    @property
    def length(self) -> Length:
        if self.times is None:
            return math.inf
        return self.times * self.of.length if self.stretch == 1 else self._starts[-1]

    def value(self, t: Any, xp: Any) -> Any:
        cycle, local = self._locate(t, xp)
        inner = self.of.value(local, xp)
        return inner if self.shrink == 1 else self._height(as_floats(cycle, t, xp), xp) * inner

    def _height(self, cycle: Any, xp: Any) -> Any:
        height = power(self.shrink, cycle, xp)
        # At most the largest number, not infinity, so that what is 0 stays 0.
        return xp.minimum(height, sys.float_info.max) if self.shrink > 1 else height

    def _locate(self, t: Any, xp: Any) -> tuple[Any, Any]:
        """The cycle at `t`, and the step of the repeated schedule."""
        size = reachable(self.of.length, t, xp)
        if self.stretch == 1:
            # A remainder is exact where the difference to a product of large floats is not.
            cycle, local = t // size, t % size
            if self.times is None:
                return cycle, local
            # Asked at the very end, the last cycle answers: its end value is what holds.
            last = xp.minimum(cycle, reachable(self.times - 1, t, xp))
            return last, local + (cycle - last) * size
        starts, (above, below) = self._starts, self._paces
        cycle = xp.minimum(locate(t, starts, xp), len(starts) - 2)
        begin, pace, per = (take(table, cycle, t, xp) for table in (starts, above, below))
        # As a float, since the product may be beyond the integers of the array.
        return cycle, xp.minimum(floating(t - begin, xp) * pace / per, size)

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
        if self.stretch != 1 or begin >= end:
            return super().total(begin, end)
        first, last = int(self._at(begin)[0]), int(self._at(end - 1)[0])
        if last - first < 2:
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
    with np.errstate(over="ignore", under="ignore"):
        start, grown = np.float64(ratio) ** first, np.expm1((last - first) * np.log(ratio))
        return float(start * grown / (ratio - 1)) if start else 0.0


def _spread(ratio: float, first: float, last: float) -> Bounds:
    """The bounds of ratio**i for first <= i <= last."""
    with np.errstate(over="ignore"):
        ends = float(np.float64(ratio) ** first), float(np.float64(ratio) ** last)
    return min(ends), max(ends)
