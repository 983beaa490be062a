"""The leaves by name: one function for each row of the tables of shapes."""

from __future__ import annotations

from stepsize.schedule.algebra import Schedule
from stepsize.schedule.node import finite, positive, whole_steps
from stepsize.schedule.shapes import Constant, Endless, Ramp


def constant(value: float, steps: int | None = None) -> Schedule:
    """One value.

    Args:
        value: the value.
        steps: updates it lasts when something follows; None never ends.

    >>> constant(1e-3)(123_456)
    0.001
    """
    return Schedule(Constant(value, steps))


def linear(start: float, end: float, steps: int) -> Schedule:
    """A straight line: `start + (end - start) * k / steps`.

    Args:
        start: value of update 0.
        end: value reached at update `steps` and held.
        steps: updates (at least 1).
    Raises:
        InvalidSchedule: a value is not finite, or `steps` is not a whole number of at least 1.

    >>> linear(0, 1, 4)([0, 1, 2, 3, 4]).tolist()
    [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    return Schedule(Ramp("linear", start, end, steps))


def cosine(start: float, end: float, steps: int) -> Schedule:
    """Half a cosine wave: `end + (start - end) * (1 + cos(pi * k / steps)) / 2`.

    Loshchilov and Hutter, SGDR, 2017 (arXiv:1608.03983). Unlike the schedulers that climb back, the
    end value holds. Arguments and errors as in `linear`.

    >>> cosine(1, 0, 2)([0, 1, 2]).round(9).tolist()
    [1.0, 0.5, 0.0]
    """
    return Schedule(Ramp("cosine", start, end, steps))


def polynomial(start: float, end: float, steps: int, power: float) -> Schedule:
    """A power of the time left: `end + (start - end) * (1 - k / steps) ** power`.

    Args:
        start, end, steps: as in `linear`.
        power: above 0; 1 is linear, 2 falls fast first.

    >>> polynomial(1, 0, 4, power=2)([0, 1, 2, 4]).tolist()
    [1.0, 0.5625, 0.25, 0.0]
    """
    return Schedule(Ramp("polynomial", start, end, steps, (power,)))


def exponential(start: float, end: float, steps: int) -> Schedule:
    """Equal ratios in equal times: `start * (end / start) ** (k / steps)`.

    Args:
        start, end, steps: as in `linear`, both values above 0.

    >>> exponential(1, 0.01, 2)([0, 1, 2]).round(12).tolist()
    [1.0, 0.1, 0.01]
    """
    return Schedule(Ramp("exponential", start, end, steps))


def one_minus_sqrt(start: float, end: float, steps: int) -> Schedule:
    """The cooldown `start + (end - start) * sqrt(k / steps)`: steep first, then gentle.

    Hägele et al., Scaling Laws and Compute-Optimal Training Beyond Fixed Training Durations, 2024
    (arXiv:2405.18392). Arguments and errors as in `linear`.

    >>> one_minus_sqrt(1, 0, 4)([0, 1, 4]).tolist()
    [1.0, 0.5, 0.0]
    """
    return Schedule(Ramp("one_minus_sqrt", start, end, steps))


def rex(start: float, end: float, steps: int) -> Schedule:
    """The reflected exponential: `end + (start - end) * (1 - u) / (1 - u / 2)` with u = k / steps.

    Chen, Wolfe and Kyrillidis, REX: Revisiting Budgeted Training, 2022 (arXiv:2107.04197).
    Arguments and errors as in `linear`.

    >>> rex(1, 0, 2)([0, 1, 2]).round(6).tolist()
    [1.0, 0.666667, 0.0]
    """
    return Schedule(Ramp("rex", start, end, steps))


def exponential_decay(start: float, rate: float, every: float, staircase: bool = False) -> Schedule:
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


def inverse_time(start: float, rate: float, every: float) -> Schedule:
    """`start / (1 + rate * k / every)`, without an end.

    Args:
        start: value of update 0.
        rate: above 0.
        every: steps.

    >>> inverse_time(1, 1, 10)([0, 10, 30]).tolist()
    [1.0, 0.5, 0.25]
    """
    return Schedule(Endless("inverse_time", start, (rate, every)))


def inverse_sqrt(start: float, timescale: float) -> Schedule:
    """`start * sqrt(timescale / (timescale + k))`, without an end.

    Args:
        start: value of update 0.
        timescale: steps after which the value has fallen to 0.71 of the start.

    >>> inverse_sqrt(1, 100)([0, 300]).tolist()
    [1.0, 0.5]
    """
    return Schedule(Endless("inverse_sqrt", start, (timescale,)))
