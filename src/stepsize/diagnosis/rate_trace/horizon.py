"""For how long a run a decay was made, told from the part of it that was logged: lines and cosines to 0."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from stepsize.diagnosis.phrases import place, share, stretch
from stepsize.diagnosis.rate_trace.rates import Rates
from stepsize.finding import Finding, Span
from stepsize.report.digits import number

# A rate still at this share of its peak at the end was on its way elsewhere.
HIGH = 1 / 3
# It must have fallen by so much to tell where to: of a run that has ended, and of one under way.
FALLEN, FALLEN_SO_FAR = 0.05, 0.25
# Made for a run longer by this factor, of a run that has ended, and of one under way.
LONGER, LONGER_SO_FAR = 1.1, 1.5
# Points on the way down.
POINTS = 8
# How far the middle of a line lies off the mean of its ends, and of a cosine off itself, as a share of the fall.
BENT = 0.05


def falls_past(rates: Rates) -> Iterator[Finding]:
    """A decay that would have reached its end long after the training."""
    if rates.staircase or rates.coarse or rates.ruined or not (rates.planned or _round(rates)):
        return
    horizon = horizon_of(rates)
    fallen = 1 - float(rates.v[-1]) / rates.peak
    under_way = rates.planned > 0 and not rates.whole
    least, longer = (FALLEN_SO_FAR, LONGER_SO_FAR) if under_way else (FALLEN, LONGER)
    if math.isfinite(horizon) and fallen >= least and horizon > longer * rates.length:
        yield _too_late(rates, horizon, under_way)


def _round(rates: Rates) -> bool:
    """Whether the log ends after so round a number of epochs that somebody must have asked for it."""
    digits = f"{rates.reached:.0f}".rstrip("0")
    return rates.clock == "epoch" and rates.reached >= 20 and len(digits) == 1


def horizon_of(rates: Rates) -> float:
    """Where a line or a cosine through the decay comes to 0; NaN for what is neither, or too far down to tell."""
    flat = np.flatnonzero(rates.v >= (1 - 1e-6) * rates.peak)
    begin = int(flat[-1])
    x, v = rates.x[begin:], rates.v[begin:] / rates.peak
    if x.size < POINTS or v[-1] < 1e-3 or v[-1] <= HIGH:
        return math.nan
    middle = float(np.interp((x[0] + x[-1]) / 2, x, v))
    fall = 1 - float(v[-1])
    ways = {"line": fall / 2, "cosine": 0.5 - 0.5 * math.cos(math.acos(2 * float(v[-1]) - 1) / 2)}
    shape, gone = min(ways.items(), key=lambda way: abs(1 - middle - way[1]))
    slack = BENT + rates.quantum / rates.peak / max(fall, 1e-9)
    if abs(1 - middle - gone) > slack * fall:
        return math.nan
    done = fall if shape == "line" else math.acos(2 * float(v[-1]) - 1) / math.pi
    return float(x[0] + (x[-1] - x[0]) / done)


def _too_late(rates: Rates, horizon: float, under_way: bool) -> Finding:
    last = float(rates.v[-1])
    end = f"planned for {rates.planned:,}" if under_way else f"over at {rates.reached:,.0f}"
    return Finding(
        "decays_too_late",
        f"The rate falls as for a run of about {stretch(rates.clock, _two_digits(horizon))}, but this one is {end}; at "
        f"{place(rates.clock, rates.last)} it is still at {share(last / rates.peak)} of the peak.",
        0.8 if under_way else 0.95 if rates.planned else 0.6,
        f"Make the schedule {stretch(rates.clock, rates.length)} long, so that it ends near 0, not at "
        f"{number(last, 3)}.",
        (("horizon", horizon), ("length", rates.length), ("last", last), ("peak", rates.peak)),
        (Span("lr", rates.at(rates.top), rates.at(-1), "still high"),),
        "A run that was stopped early by intent."
        if rates.planned
        else "A log that was cut off, or a run that goes on.",
    )


def _two_digits(value: float) -> float:
    return float(f"{value:.1e}")
