"""Compositions by name that go up and down again: waves, warm restarts, and steps in fractal order."""

from __future__ import annotations

from typing import Any

import numpy as np

from stepsize._codec import summary
from stepsize.errors import InvalidSchedule
from stepsize.schedule.algebra import Schedule
from stepsize.schedule.deferred import timed
from stepsize.schedule.joints import chain
from stepsize.schedule.kinds import Steps, cosine, sine
from stepsize.schedule.legs import leg
from stepsize.schedule.node import finite, number, positive, scalar, whole_steps
from stepsize.schedule.shapes import Constant, Endless

# wave -> the leg up and the leg down of one period; None falls at once.
WAVES: dict[str, tuple[str, str | None]] = {
    "triangle": ("linear", "linear"),
    "sine": ("sine", "sine"),
    "cosine": ("cosine", "cosine"),
    "sawtooth": ("linear", None),
}


@timed("half_period", "down")
def cyclic(
    low: Any,
    high: Any,
    half_period: Steps,
    wave: str = "triangle",
    shrink: float = 1.0,
    gamma: float = 1.0,
    down: Steps | None = None,
) -> Schedule:
    """A wave between two values, without an end.

    Smith, Cyclical Learning Rates for Training Neural Networks, 2017 (arXiv:1506.01186): `shrink=0.5`
    is its triangular2, `gamma` its exp_range.

    Args:
        low: the value of update 0 and the foot of every wave.
        high: the crest of the first.
        half_period: steps from foot to crest, or a duration.
        wave: "triangle", "sine" (half a sine wave), "cosine" (smooth at the foot too) or "sawtooth"
            (rises, then falls at once).
        shrink: crest i above the foot is `shrink**i` times the first.
        gamma: a factor per step on the height above the foot.
        down: steps from crest to foot; by default as many as up.

    >>> cyclic(0.1, 1.0, 10)([0, 5, 10, 20, 30]).round(6).tolist()
    [0.1, 0.55, 1.0, 0.1, 1.0]
    """
    if wave not in WAVES:
        raise InvalidSchedule(f"wave must be one of {', '.join(WAVES)}; got {summary(wave)}")
    up = whole_steps(half_period, "half_period")
    height = number(finite(high, "high"), np) - number(finite(low, "low"), np)
    rising, falling = WAVES[wave]
    crest = Schedule(leg(rising, 0.0, height, up)) if rising != "sine" else _sine(height, up)
    if falling is not None:
        fall = up if down is None else whole_steps(down, "down")
        crest >>= _sine(height, fall).reverse() if falling == "sine" else Schedule(leg(falling, height, 0.0, fall))
    waves = crest.repeat(shrink=shrink)
    if gamma != 1:
        waves *= Schedule(Endless("exponential_decay", 1.0, (gamma, 1.0)))
    return waves + low if np.any(np.not_equal(low, 0)) else waves


def _sine(height: Any, steps: int) -> Schedule:
    return sine(0.0, height, steps)


@timed("period")
def sgdr(
    peak: Any, period: Steps, growth: float = 1, shrink: float = 1.0, end: Any = 0.0, cycles: int | None = None
) -> Schedule:
    """Half a cosine from `peak` to `end`, again and again: warm restarts.

    Loshchilov and Hutter, SGDR, 2017 (arXiv:1608.03983).

    Args:
        peak: the value at the start of the first cycle.
        period: steps of the first cycle, or a duration.
        growth: cycle i (from 0) lasts `growth**i` times as long; restarts fall on exact steps.
        shrink: cycle i starts at `shrink**i` times the peak.
        end: the floor of every cycle.
        cycles: how many; None restarts for ever.

    >>> sgdr(1.0, 10, growth=2, shrink=0.5)([0, 9, 10, 30]).round(3).tolist()
    [1.0, 0.024, 0.5, 0.25]
    """
    growth, shrink = (positive(scalar(value, name), name) for value, name in ((growth, "growth"), (shrink, "shrink")))
    waves = cosine(peak, 0.0, period).repeat(cycles, shrink, growth)
    return waves + cosine(0.0, end, period).repeat(cycles, 1.0, growth) if np.any(np.not_equal(end, 0)) else waves


def chebyshev(low: float, high: float, steps: int) -> Schedule:
    """The step sizes of Chebyshev iteration in fractal order, one an update; some are far above the mean.

    Agarwal, Goel and Zhang, Acceleration via Fractal Learning Rate Schedules, 2021 (arXiv:2103.01338).

    Args:
        low, high: the range: the inverse of the largest and of the smallest curvature.
        steps: updates of one pass, a power of 2; `.repeat()` goes on.

    >>> chebyshev(0.1, 1.0, 4)([0, 1, 2, 3]).round(3).tolist()
    [0.104, 0.745, 0.138, 0.265]
    """
    steps = whole_steps(steps, "steps")
    low, high = positive(scalar(low, "low"), "low"), positive(scalar(high, "high"), "high")
    if steps & (steps - 1) or low > high:
        raise InvalidSchedule(f"needs steps a power of 2 and low <= high; got steps={steps}, low={low}, high={high}")
    order = [0]
    while len(order) < steps:
        order = [index for i in order for index in (i, 2 * len(order) - 1 - i)]
    middle, radius = (1 / low + 1 / high) / 2, (1 / low - 1 / high) / 2
    angles = [np.pi * (i + 0.5) / steps for i in order]
    return Schedule(chain([Constant(float(1 / (middle + radius * np.cos(angle))), 1) for angle in angles]))
