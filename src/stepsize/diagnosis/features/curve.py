"""`Curve`: a logged quantity as a function of the share of the run, and what is read off it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import final

import numpy as np
from numpy.typing import NDArray

from stepsize.run import Column

Floats = NDArray[np.float64]

# Beyond so many points only every n-th is looked at, except for extremes: medians do not change.
ENOUGH = 4_000
# Of the run's length, in which a curve is summed up by medians.
BINS = 50
# Where the logarithmic bins begin, as a share of the run, and how many there are.
EARLIEST, LOG_BINS = 1e-4, 40
# The share of the values over which a running median takes the noise away, and from how many values on.
WINDOW, NOISY = 1 / 60, 50
# What is larger is as bad.
HUGE = 1e30


@final
@dataclass(frozen=True, eq=False)
class Curve:
    """The finite values of a column, at shares of the run from 0 to 1.

    Attributes:
        share: ascending, of the run.
        value: there.
        broke: whether some values were not finite; the curve ends before the first of them.
    """

    share: Floats
    value: Floats
    broke: bool

    @classmethod
    def of(cls, column: Column, length: float) -> Curve:
        """The curve of a column in a run of `length` steps or epochs."""
        finite = np.isfinite(column.value)
        count = finite.size if finite.all() else int(np.argmin(finite))
        steps, values = column.step[:count].astype(float), np.clip(column.value[:count], -HUGE, HUGE)
        gap = float(np.median(np.diff(steps[:100]))) if steps.size > 1 else 1.0
        first = steps[0] if steps.size else 0.0
        # The first value stands at the end of the stretch that it sums up.
        share = (steps - first + gap) / max(length - 1 - first + gap, gap, 1e-9)
        return cls(np.clip(share, 0, 1), values, count < finite.size)

    @property
    def size(self) -> int:
        """How many values there are."""
        return self.value.size

    @cached_property
    def sparse(self) -> Curve:
        """The same curve with at most `ENOUGH` values."""
        every = -(-self.size // ENOUGH)
        return self if every <= 1 else Curve(self.share[::every], self.value[::every], self.broke)

    @cached_property
    def calm(self) -> Curve:
        """The running median; at the start, where a loss falls fast, over fewer values."""
        it, width = self.sparse, round(WINDOW * self.sparse.size) // 2
        if it.size < NOISY or width < 1:
            return it
        inner = np.median(np.lib.stride_tricks.sliding_window_view(it.value, 2 * width + 1), axis=-1)
        first = [float(np.median(it.value[: 2 * i + 1])) for i in range(width)]
        last = [float(np.median(it.value[it.size - 2 * i - 1 :])) for i in reversed(range(width))]
        return Curve(it.share, np.r_[first, inner, last], it.broke)

    @cached_property
    def start(self) -> float:
        """The level at the start: the median of the first values, five where there are many."""
        return float(np.median(self.value[: max(1, min(5, self.size // 100))]))

    @cached_property
    def end(self) -> float:
        """The level at the end: the median of the last twentieth."""
        return float(np.median(self.value[-max(1, self.size // 20) :]))

    @cached_property
    def level(self) -> Floats:
        """The median in each of `BINS` equal parts of the run."""
        if self.size < 10:
            return np.interp(np.linspace(0, 1, BINS + 1)[1:], self.share, self.value)
        return _medians(self.calm, np.r_[np.linspace(0, 1, BINS + 1)[:-1], 1.0001])

    @cached_property
    def log_level(self) -> tuple[Floats, Floats]:
        """The ends of bins that are equal in the logarithm of the share, and the median in each."""
        edges = np.r_[0, np.geomspace(EARLIEST, 1, LOG_BINS + 1)]
        if self.size < 10:
            middles = np.sqrt(edges[1:] * np.r_[EARLIEST, edges[1:-1]])
            return edges[1:], np.interp(middles, self.share, self.value)
        return edges[1:], _medians(self.calm, np.r_[edges[:-1], 1.0001])

    @cached_property
    def best(self) -> float:
        """The lowest level."""
        return float(min(self.level.min(), self.end))

    @cached_property
    def drop(self) -> float:
        """How far it fell from the start to its best; never 0, as it is what others are divided by."""
        return max(self.start - self.best, 1e-12 * max(abs(self.start), 1e-30))

    @cached_property
    def scale(self) -> float:
        """The size of its values."""
        return max(abs(self.start), abs(self.best), 1e-30)

    def at(self, share: float) -> float:
        """The level at a share of the run."""
        return float(np.interp(share, (np.arange(BINS) + 0.5) / BINS, self.level))

    def early(self, share: float) -> float:
        """The level at a share of the run that may be very small."""
        ends, levels = self.log_level
        middles = np.sqrt(ends * np.r_[ends[0] / 2, ends[:-1]])
        return float(np.interp(np.log(share), np.log(middles), levels))

    def reaches(self, part: float) -> float:
        """The share of the run, as log10, after which that part of the drop was first behind it."""
        ends, levels = self.log_level
        done = np.clip((self.start - np.minimum.accumulate(levels)) / self.drop, 0, 1)
        place = int(np.argmax(done >= part)) if (done >= part).any() else done.size - 1
        first = float(np.log10(max(self.share[0], ends[0])))
        if place == 0:
            return first
        before, after = done[place - 1], done[place]
        weight = (part - before) / (after - before) if after > before else 1.0
        low, high = np.log10(ends[place - 1]), np.log10(ends[place])
        return max(first, float(low + np.clip(weight, 0, 1) * (high - low)))

    def between(self, low: float, high: float) -> Floats:
        """The values from one share of the run to another."""
        it = self.sparse
        return it.value[(it.share >= low) & (it.share <= high)]

    def noise(self, low: float, high: float) -> float:
        """How much neighbouring values differ there, as the deviation of one value; NaN where there are too few."""
        steps = np.abs(np.diff(self.between(low, high)))
        return float(np.median(steps)) / 0.954 if steps.size >= 3 else float("nan")


def decades(value: float, floor: float = 1e-6) -> float:
    """log10, of at least `floor`; NaN stays NaN."""
    return float(np.log10(max(value, floor))) if np.isfinite(value) else float("nan")


def _medians(curve: Curve, edges: Floats) -> Floats:
    """The median between any two edges; a bin without values takes from its neighbours."""
    places = np.searchsorted(curve.share, edges)
    levels = np.array([np.median(curve.value[a:b]) if b > a else np.nan for a, b in pairwise(places)])
    known = np.isfinite(levels)
    where = np.arange(levels.size)
    filled: Floats = np.interp(where, where[known], levels[known])
    return filled
