"""`Curve`: one logged quantity without gaps, and its level, stretch by stretch, for checks that look past its noise."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
from numpy.typing import NDArray

from stepsize.run import Column

Floats = NDArray[np.float64]
# Values beyond this, of either sign, are taken for this, and those below its inverse for 0: arithmetic stays finite.
HUGE = 1e100
# A level is the median of so many neighbouring points at most; a curve has so many levels at most.
LEVELS = 200
# A curve has so many points at most.
POINTS = 100_000
# From the median absolute deviation to the standard deviation of a normal variable.
SIGMA = 1.4826


@final
@dataclass(frozen=True, eq=False)
class Curve:
    """The finite values of a column, in the order of its clock.

    Attributes:
        x: where each was seen.
        y: the values.
    """

    x: Floats
    y: Floats

    @property
    def size(self) -> int:
        """Points."""
        return int(self.y.size)

    @cached_property
    def positive(self) -> bool:
        """Whether every value is above 0: then levels compare by their ratio."""
        return bool(self.size) and bool(self.y.min() > 0)

    @cached_property
    def scaled(self) -> Floats:
        """The values on the scale on which levels compare: logarithms where all are positive."""
        return np.log(self.y) if self.positive else self.y

    @cached_property
    def levels(self) -> Levels:
        """The levels, on the scale of `scaled`."""
        return levels_of(self.x, self.scaled, max(1, -(-self.size // LEVELS)))

    def at(self, index: int) -> float:
        """Where point `index` was seen; -1 is the last."""
        return float(self.x[index])

    def first(self, most: int = 5) -> float:
        """The value at the start: a median of at most `most` points and 1 % of all."""
        return float(np.median(self.y[: max(1, min(most, self.size // 100))]))

    def last(self, part: float = 0.05) -> float:
        """The value at the end: the median of the last `part` of the points."""
        return float(np.median(self.y[-max(1, round(part * self.size)) :]))


@final
@dataclass(frozen=True, eq=False)
class Levels:
    """Medians of neighbouring points.

    Attributes:
        x: where each stretch begins.
        end: where each stretch ends.
        y: the medians.
        noise: the standard deviation of a level about its neighbours, robustly.
        points: in one stretch.
    """

    x: Floats
    end: Floats
    y: Floats
    noise: float
    points: int


def curve_of(column: Column) -> Curve:
    """The curve of a column: rows that a resumed training wrote anew count as it wrote them last.

    Of a longer column every so many points are taken, the first and the last among them.
    """
    rows = rows_of(column)
    if rows.size > POINTS:
        rows = rows[np.linspace(0, rows.size - 1, POINTS).astype(np.intp)]
    return _at(column, rows)


def crests_of(column: Column) -> Curve:
    """The curve of a column in which no spike is lost: of a longer one, the highest point of every stretch."""
    rows = rows_of(column)
    wide = -(-rows.size // POINTS)
    if wide > 1:
        full = rows[: rows.size // wide * wide].reshape(-1, wide)
        rows = full[np.arange(len(full)), np.argmax(column.value[full], axis=1)]
    return _at(column, rows)


def rows_of(column: Column) -> NDArray[np.intp]:
    """The rows with a finite value that no later row replaces."""
    return np.flatnonzero(in_order(column.step) & np.isfinite(column.value))


def _at(column: Column, rows: NDArray[np.intp]) -> Curve:
    values = np.clip(column.value[rows], -HUGE, HUGE)
    return Curve(column.step[rows].astype(np.float64), np.where(np.abs(values) < 1 / HUGE, 0.0, values))


def in_order(steps: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which rows to keep so that steps ascend: where they went back, the rows after that replace those before."""
    if steps.size < 2 or np.all(steps[1:] > steps[:-1]):
        return np.ones(steps.size, dtype=bool)
    later = np.minimum.accumulate(steps[::-1])[::-1]
    return np.append(steps[:-1] < later[1:], True)


def levels_of(x: Floats, y: Floats, points: int) -> Levels:
    """The medians of stretches of `points` points; a remainder under half of that belongs to none."""
    full = y.size // points
    middle = np.median(y[: full * points].reshape(full, points), axis=1) if full else np.empty(0)
    starts = np.arange(full) * points
    rest = y.size - full * points
    if 2 * rest >= points and rest:
        middle, starts = np.append(middle, np.median(y[full * points :])), np.append(starts, full * points)
    ends = np.minimum(starts + points, y.size) - 1
    return Levels(x[starts], x[ends], middle, jitter(middle), points)


def jitter(y: Floats) -> float:
    """The standard deviation of `y` about its own course, from its second differences, robustly."""
    if y.size < 3:
        return 0.0
    return SIGMA * float(np.median(np.abs(y[2:] - 2 * y[1:-1] + y[:-2]))) / math.sqrt(6.0)


def running_median(y: Floats, width: int) -> Floats:
    """The median of the `width` values about each; at the ends the first and last values stand for those missing."""
    if y.size < 2 or width < 2:
        return y
    padded = np.pad(y, width // 2, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * (width // 2) + 1)
    return np.asarray(np.median(windows, axis=1))
