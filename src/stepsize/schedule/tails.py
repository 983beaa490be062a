"""The leaves by name that have no end: decays over a timescale, and values drawn at random.

Values may be arrays, steps durations, as in the leaves with an end. Timescales and periods in other units
than steps are rounded to the nearest update.
"""

from __future__ import annotations

from typing import Any

from stepsize.schedule.algebra import Schedule
from stepsize.schedule.chance import Random
from stepsize.schedule.deferred import timed
from stepsize.schedule.durations import Duration
from stepsize.schedule.kinds import Steps
from stepsize.schedule.node import finite, positive, whole_steps
from stepsize.schedule.shapes import Constant, Endless


@timed("every")
def exponential_decay(start: Any, rate: Any, every: float | str | Duration, staircase: bool = False) -> Schedule:
    """`start * rate ** (k / every)`, without an end.

    Args:
        start: value of update 0.
        rate: the factor over each `every` steps, above 0.
        every: steps.
        staircase: hold the value within each `every` steps, as `step_decay` does; `every` is whole.

    >>> exponential_decay(1, 0.5, 10)([0, 10, 20]).tolist()
    [1.0, 0.5, 0.25]
    """
    if staircase:
        stair = Constant(finite(start, "start"), whole_steps(every, "every"))
        return Schedule(stair).repeat(shrink=positive(rate, "rate"))
    return Schedule(Endless("exponential_decay", start, (rate, every)))


@timed("every")
def inverse_time(start: Any, rate: Any, every: float | str | Duration) -> Schedule:
    """`start / (1 + rate * k / every)`, without an end.

    Args:
        start: value of update 0.
        rate: above 0.
        every: steps.

    >>> inverse_time(1, 1, 10)([0, 10, 30]).tolist()
    [1.0, 0.5, 0.25]
    """
    return Schedule(Endless("inverse_time", start, (rate, every)))


@timed("timescale")
def inverse_sqrt(start: Any, timescale: float | str | Duration) -> Schedule:
    """`start * sqrt(timescale / (timescale + k))`, without an end.

    Args:
        start: value of update 0.
        timescale: steps after which the value has fallen to 0.71 of the start.

    >>> inverse_sqrt(1, 100)([0, 300]).tolist()
    [1.0, 0.5]
    """
    return Schedule(Endless("inverse_sqrt", start, (timescale,)))


@timed("timescale")
def power_law(start: Any, power: Any, timescale: float | str | Duration) -> Schedule:
    """`start * (1 + k / timescale) ** -power`, without an end.

    With `constant(peak, n) >> power_law(peak, b, n)` the power scheduler of Shen et al., 2024
    (arXiv:2408.13359).

    >>> power_law(1, 2, 10)([0, 10]).tolist()
    [1.0, 0.25]
    """
    return Schedule(Endless("power_law", start, (power, timescale)))


@timed("midpoint", "width")
def logistic(start: Any, midpoint: float | str | Duration, width: float | str | Duration) -> Schedule:
    """`start / (1 + exp((k - midpoint) / width))`, without an end: the "sigmoid" policy of Caffe.

    Args:
        start: the value long before the midpoint.
        midpoint: the step with half of it.
        width: steps, above 0.

    >>> logistic(1, 100, 10)(100)
    0.5
    """
    return Schedule(Endless("logistic", start, (midpoint, width)))


@timed("every")
def random(low: Any, high: Any, every: Steps, seed: int, log: bool = True) -> Schedule:
    """A value drawn for each period of `every` steps: a pure function of the step, without an end.

    Args:
        low, high: the range.
        every: steps a value lasts, or a duration.
        seed: other seeds are other values; the same seed is the same everywhere, for ever.
        log: draw the logarithm evenly; False draws the value itself evenly.
    Raises:
        InvalidSchedule: low above high, or, with `log`, not above 0.

    >>> lr = random(1e-4, 1e-2, every=100, seed=0)
    >>> lr(0) == lr(99) != lr(100)
    True
    """
    return Schedule(Random(low, high, every, seed, log))  # type: ignore[arg-type]
