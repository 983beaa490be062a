"""What the libraries have in common: legs whose lengths are not whole, stairs, and schedules cut to a span."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np

from stepsize._codec import is_finite, summary
from stepsize.errors import InvalidSchedule
from stepsize.schedule import constant, function, linear
from stepsize.schedule.algebra import Schedule, as_schedule
from stepsize.schedule.joints import chain
from stepsize.schedule.node import whole_steps

# A leg of so many whole steps.
Leg = Callable[[int], Schedule]
# Lengths are taken as fractions with denominators up to this: 0.3 * 105 is 31.5, and no rounding error more.
FINEST = 10**6
# Periods written out where each has a value of its own.
CYCLES = 256
# Cycles written out where none is as long as the one before.
MANY = 4096
# Longer than any run.
LONG = 10**12


def exact(value: Any, name: str = "length") -> Fraction:
    """A number as the fraction that is meant by its decimals."""
    if isinstance(value, bool | str) or not is_finite(value):
        raise InvalidSchedule(f"{name} must be a finite number, got {summary(value)}")
    return Fraction(str(value)).limit_denominator(FINEST)


def positive_span(value: Any, name: str) -> Fraction:
    """A number of steps above 0, not necessarily whole."""
    span = exact(value, name)
    if span <= 0:
        raise InvalidSchedule(f"{name} must be above 0, got {value!r}")
    return span


def placed(
    *legs: tuple[Leg, Fraction | int],
    begin: Fraction | int = 0,
    then: Callable[[Schedule], Schedule] = lambda whole: whole,
) -> Schedule:
    """Legs one after another, changed by `then`, seen from `begin` on.

    Lengths need not be whole: the legs stand on a finer grid of steps, and a slice with a stride looks at it.
    """
    grid = math.lcm(Fraction(begin).denominator, *(Fraction(span).denominator for _, span in legs))
    whole = then(joined([make(int(span * grid)) for make, span in legs]))
    return whole if grid == 1 and not begin else whole[int(begin * grid) :: grid]


def joined(parts: Iterable[Schedule]) -> Schedule:
    """Parts one after another; an absent last part still gives the value that holds."""
    every = list(parts)
    if every[-1].length == 0 and len(every) > 1:
        every[-1] = constant(every[-1](0))
    return Schedule(chain(part.node for part in every))


def spanning(schedule: Schedule, steps: int) -> Schedule:
    """The first `steps` steps of a schedule; if it is shorter, its end value holds so long."""
    part = schedule[:steps]
    missing = steps - part.length
    return part >> constant(schedule(schedule.length), int(missing)) if missing else part


def in_turn(schedules: Sequence[Any], boundaries: Sequence[Any]) -> Schedule:
    """One schedule after another, each from its own step 0 on; a new one begins at each boundary."""
    if not schedules or len(boundaries) != len(schedules) - 1:
        raise InvalidSchedule(
            f"needs one boundary less than schedules, got {len(boundaries)} for {len(schedules)} schedules"
        )
    every = [as_schedule(one, f"schedule {i}") for i, one in enumerate(schedules)]
    at = [whole_steps(one, "boundary", least=0) for one in boundaries]
    if any(b < a for a, b in pairwise(at)):
        raise InvalidSchedule(f"boundaries must rise, got {at}")
    spans = [b - a for a, b in pairwise([0, *at])]
    return joined([*map(spanning, every[:-1], spans), every[-1]])


def stairs(values: Sequence[Any], at: Sequence[int]) -> Schedule:
    """`values[i]` until update `at[i]`; the last has no end. Equal boundaries skip a value."""
    spans = [b - a for a, b in pairwise([0, *at])]
    return joined([*map(constant, values, spans), constant(values[-1])])


def staircase(start: Any, factor: Any, every: Fraction | int) -> Schedule:
    """`start`, times `factor` after each `every` steps, which need not be whole."""
    if np.all(np.equal(factor, 0)):
        return placed((lambda n: constant(start, n), every), (lambda n: constant(0.0), 1))
    return placed((lambda n: constant(start, n).repeat(shrink=factor), every))


def growing(leg: Leg, span: Fraction, growth: Any, shrink: Any, times: int | None = None) -> Schedule:
    """A leg again and again, each cycle `growth` times as long, not rounded, and `shrink` times as high.

    On a grid fine enough for every cycle of a fractional growth to be whole; without `times`, for the first ones.
    """
    ratio = exact(growth, "growth of the cycles")
    grid, finer = span.denominator, ratio.denominator
    for _ in range((times or FINEST) - 1 if finer > 1 else 0):
        if grid * finer > FINEST * 64:
            break
        grid *= finer
    whole = leg(int(span * grid)).repeat(times, shrink, float(ratio))
    return whole if grid == 1 else whole[::grid]


def cycles_of(leg: Callable[[int, int], Schedule], first: int, following: Callable[[int], int]) -> Schedule:
    """Cycles whose length follows from the one before, in whole steps: cycle i is `leg(i, length)`.

    Cycles that grow are written out until they are longer than any run, others for `MANY` cycles.
    """
    sizes, end = [first], first
    while len(sizes) < MANY and end < LONG and following(sizes[-1]) >= 1:
        sizes.append(following(sizes[-1]))
        end += sizes[-1]
    return joined([leg(i, size) for i, size in enumerate(sizes)])


def by_cycle(value: Callable[[int], Any], period: Fraction | int) -> Schedule:
    """`value(0)` for the first period, `value(1)` for the second, and so on, for `CYCLES` periods."""
    return placed(*[(lambda n, i=i: constant(value(i), n), period) for i in range(CYCLES)])


def held_for(values: Schedule, period: Fraction | int) -> Schedule:
    """Value i of a schedule for the whole of period i."""
    exact_period = Fraction(period)
    return values.hold(exact_period.numerator)[:: exact_period.denominator]


def waves(half: Schedule, stride: Any) -> Schedule:
    """A half wave and its mirror image, for ever, passed `stride` times as fast; at stride 0 it stands."""
    endless = half.after("mirror")
    return constant(half(0)) if stride == 0 else endless if stride == 1 else endless[::stride]


def line(start: Any, slope: Any, steps: int) -> Schedule:
    """`steps` steps of the straight line start + slope * k; after them the next value of it holds."""
    return linear(start, start + slope * steps, steps)


def between(low: Any, high: Any, share: Schedule) -> Schedule:
    """`low + (high - low) * share`."""
    height: Schedule = (high - low) * share
    return height + low if np.any(np.not_equal(low, 0)) else height


def called(value: Any, name: str) -> Schedule:
    """An argument that is a function of the step: a Schedule, a number, or any callable."""
    if callable(value) and not isinstance(value, Schedule):
        return function(value)
    if isinstance(value, list | tuple):
        raise InvalidSchedule(
            f"{name}: one function here; a list is for several groups, each with a schedule of its own"
        )
    return as_schedule(value, name)


def choice(value: Any, name: str, known: Iterable[Any]) -> Any:
    """One of the words that an argument may be."""
    words = list(known)
    if value not in words:
        raise InvalidSchedule(f"{name} must be one of {', '.join(map(repr, words))}; got {summary(value)}")
    return value


def needs_metric(what: str) -> str:
    """Why a schedule that looks at the training cannot be made."""
    return f"{what} follows a metric, so it is no function of the step and has no curve of its own"
