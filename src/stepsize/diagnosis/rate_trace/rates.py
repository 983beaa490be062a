"""`Rates`: the logged rate with what its checks ask of it: its peak, its warmup, how long the training was to be."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np

from stepsize.diagnosis.curve import Curve, Floats, curve_of
from stepsize.diagnosis.trace import Trace
from stepsize.run.column import Clock

# Differences below this share of the peak are taken for rounding.
TINY = 0.01
# Fewer points show no schedule.
FEW = 5
# The loss of a training that ended because it diverged, in sizes of its first.
RUINED = 100.0


@final
@dataclass(frozen=True, eq=False)
class Rates:
    """The rate of a training.

    Attributes:
        x: where it was logged, ascending.
        v: the rates, none negative.
        clock: what `x` counts.
        planned: the length of the training on that clock, or 0 where the log does not state it.
        last: the last place the rate or the loss was logged at.
        again: places at which the log goes back and begins anew.
        ruined: whether the training ended because its loss was lost.
        loss: on the same clock, else empty.
    """

    x: Floats
    v: Floats
    clock: Clock
    planned: int
    last: float
    again: Floats
    ruined: bool
    loss: Curve

    @cached_property
    def peak(self) -> float:
        """The highest rate."""
        return float(self.v.max())

    @cached_property
    def top(self) -> int:
        """The first point at the peak, but for rounding: where the warmup ends."""
        return int(np.argmax(self.v >= (1 - TINY) * self.peak))

    @cached_property
    def spacing(self) -> float:
        """Between two points, usually."""
        return float(np.median(np.diff(self.x)))

    @property
    def reached(self) -> float:
        """How long the training has been."""
        return self.last + 1

    def after(self, place: float) -> float:
        """The share of the run that the rate was logged for after a place."""
        return (self.at(-1) + min(self.spacing, self.at(-1) - self.at(0)) - place) / self.length

    @property
    def length(self) -> float:
        """How long the training was to be; where the log does not say, how long it was."""
        return float(max(self.planned, self.reached))

    @property
    def whole(self) -> bool:
        """Whether the training is known to have gone to its planned end, but for the last points that nobody logs."""
        return self.planned > 0 and self.reached + self.spacing >= 0.98 * self.planned

    @property
    def cut(self) -> bool:
        """Whether the training is known to have ended before its planned end, or to go on."""
        return self.ruined or (self.planned > 0 and not self.whole)

    @cached_property
    def quantum(self) -> float:
        """The last digit the rates were printed with, if there are so few digits that one can tell; else 0."""
        values = np.unique(self.v[:: max(1, self.v.size // 20_000)])
        if not 2 <= values.size <= 5_000:
            return 0.0
        gap = float(np.diff(values).min())
        # A difference of two rounded numbers is the last digit, exactly but for the float.
        digit = 10.0 ** round(math.log10(gap)) if gap > 1e-300 else 0.0
        if not digit or not math.isclose(digit, gap, rel_tol=1e-3):
            return 0.0
        steps = values / digit
        return digit if bool(np.all(np.abs(steps - np.round(steps)) < 1e-3)) else 0.0

    @cached_property
    def staircase(self) -> bool:
        """Whether the rate goes by stairs: few heights, held for long, with wide drops between them."""
        after = self.v[self.top :]
        if after.size < FEW:
            return False
        moves = np.abs(np.diff(after)) > 1e-6 * self.peak
        # A short slope moves at every point, a stair at one.
        lone = np.count_nonzero(moves[1:] & moves[:-1]) <= 0.3 * np.count_nonzero(moves)
        return bool(1 <= np.count_nonzero(moves) <= min(30, 0.4 * after.size) and lone) and not self.coarse

    @property
    def coarse(self) -> bool:
        """Whether rounding leaves fewer than 20 heights."""
        heights = np.unique(np.round(self.v / self.quantum)) if self.quantum else np.empty(0)
        # Stairs skip heights; a smooth decay that was rounded visits each.
        return bool(0 < heights.size <= 20 and heights.size >= 0.9 * (np.ptp(heights) + 1) and heights.min() <= 1)

    def at(self, index: int) -> float:
        """Where point `index` is; -1 is the last."""
        return float(self.x[index])


def rates_of(trace: Trace) -> Rates | None:
    """The rates of a trace; None where too few were logged to show a schedule."""
    curve = curve_of(trace.lr)
    if curve.size < FEW or curve.y.min() < 0:
        return None
    steps = trace.lr.step
    clock = trace.lr.clock
    loss = curve_of(trace.loss) if trace.loss.clock == clock else Curve(np.empty(0), np.empty(0))
    last = max(curve.x[-1], loss.x[-1]) if loss.size else curve.x[-1]
    return Rates(
        curve.x,
        curve.y,
        clock,
        trace.planned if trace.clock == clock else trace.lr_planned,
        float(last),
        steps[1:][steps[1:] < steps[:-1]].astype(np.float64),
        _ruined(trace),
        loss,
    )


def _ruined(trace: Trace) -> bool:
    values, known = trace.loss.value, curve_of(trace.loss)
    if values.size < 2:
        return False
    return not math.isfinite(values[-1]) or abs(float(known.y[-1])) > RUINED * max(abs(float(known.y[0])), 1e-300)
