"""`ignite.handlers.param_scheduler`: update k uses what the scheduler's call k sets, attached to ITERATION_STARTED."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import Any

from stepsize.errors import InvalidSchedule
from stepsize.schedule import constant, cosine, linear
from stepsize.schedule.algebra import Schedule, as_schedule
from stepsize.schedule.compat.placing import LONG, in_turn, joined, placed
from stepsize.schedule.node import scalar, whole_steps

# A curve of one cycle: from a start to an end over whole steps.
Curve = Callable[[Any, Any, int], Schedule]


def linear_cyclical(
    start_value: Any,
    end_value: Any,
    cycle_size: int,
    cycle_mult: float = 1.0,
    start_value_mult: float = 1.0,
    end_value_mult: float = 1.0,
    warmup_duration: int = 0,
    monotonic: bool = False,
) -> Schedule:
    """Each cycle straight to `end_value` and back, or, if `monotonic`, there alone."""
    if warmup_duration and not monotonic:
        raise InvalidSchedule("warmup_duration needs monotonic=True: the cycle comes back by itself")
    curve = linear if monotonic else _there_and_back
    return _cyclical(
        curve, start_value, end_value, cycle_size, cycle_mult, start_value_mult, end_value_mult, warmup_duration
    )


def cosine_annealing(
    start_value: Any,
    end_value: Any,
    cycle_size: int,
    cycle_mult: float = 1.0,
    start_value_mult: float = 1.0,
    end_value_mult: float = 1.0,
    warmup_duration: int = 0,
) -> Schedule:
    """Each cycle half a cosine to `end_value`, then, with `warmup_duration`, straight back to the next start."""
    return _cyclical(
        cosine, start_value, end_value, cycle_size, cycle_mult, start_value_mult, end_value_mult, warmup_duration
    )


def _there_and_back(start: Any, end: Any, steps: int) -> Schedule:
    half = Fraction(whole_steps(steps, "cycle_size"), 2)
    return placed((lambda n: linear(start, end, n), half), (lambda n: linear(end, start, n), half))[:steps]


def _cyclical(
    curve: Curve, start: Any, end: Any, size: Any, growth: float, first: float, last: float, warmup: Any
) -> Schedule:
    """Cycle i from `start * first**i` to `end * last**i`, then straight to the next start."""
    steps = whole_steps(size, "cycle_size", least=2)
    back = whole_steps(warmup, "warmup_duration", least=0)
    for name, factor in (("cycle_mult", growth), ("start_value_mult", first), ("end_value_mult", last)):
        if not scalar(factor, name) > 0:
            raise InvalidSchedule(f"{name} must be above 0, got {factor!r}")
    parts: list[Schedule] = []
    taken = 0
    # Cycles are cut to whole steps, one by one, until they grow by a whole factor or no more.
    while not float(growth).is_integer() and steps and taken < LONG:
        following = int(steps * growth), int(back * growth)
        if following == (steps, back):
            growth = 1.0
            break
        parts.append(curve(start, end, steps) >> linear(end, start * first, back))
        start, end, taken = start * first, end * last, taken + steps + back
        steps, back = following
    if not float(growth).is_integer():
        return joined(parts)
    return joined([*parts, _for_ever(curve, start, end, steps, back, first, last, growth)])


def _for_ever(
    curve: Curve, start: Any, end: Any, steps: int, back: int, first: float, last: float, growth: float
) -> Schedule:
    """What the start adds and what the end adds are apart, since each shrinks by a factor of its own."""
    if first == last:
        return (curve(start, end, steps) >> linear(end, start * first, back)).repeat(None, first, growth)
    from_start = curve(start, 0.0, steps) >> linear(0.0, start * first, back)
    from_end = curve(0.0, end, steps) >> linear(end, 0.0, back)
    return from_start.repeat(None, first, growth) + from_end.repeat(None, last, growth)


def piecewise_linear(milestones_values: Sequence[tuple[int, Any]]) -> Schedule:
    """Straight through (call, value) points; the first value holds before them, the last after."""
    at = [whole_steps(one, "milestones_values", least=0) for one, _ in milestones_values]
    values = [value for _, value in milestones_values]
    if not at or any(b < a for a, b in pairwise(at)):
        raise InvalidSchedule(f"milestones_values needs (call, value) pairs that rise, got {milestones_values!r}")
    legs = [linear(*ends, b - a) for ends, (a, b) in zip(pairwise(values), pairwise(at), strict=True)]
    return joined([constant(values[0], at[0]), *legs, constant(values[-1])])


def concat(schedulers: Sequence[Any], durations: Sequence[int]) -> Schedule:
    """Each schedule from its own call 0 for its duration; the last goes on."""
    return in_turn(schedulers, list(accumulate(durations)))


def with_warmup(
    lr_scheduler: Any,
    warmup_start_value: Any,
    warmup_duration: int,
    warmup_end_value: Any = None,
    base_lr: Any = None,
) -> Schedule:
    """Up to the end value at call `warmup_duration - 1`, then one of ignite's own schedulers.

    Where that begins with the end value itself, it begins at that call, so that no value comes twice. Without an end
    value it is the optimizer's `base_lr`.
    """
    inner = as_schedule(lr_scheduler, "lr_scheduler")
    last = base_lr if warmup_end_value is None else warmup_end_value
    if last is None:
        raise InvalidSchedule("without warmup_end_value ignite takes the optimizer's rate; give base_lr")
    rise = linear(warmup_start_value, last, whole_steps(warmup_duration, "warmup_duration", least=2) - 1)
    return joined([rise, inner] if inner(0) == last else [rise, constant(last, 1), inner])


SCHEDULES: dict[str, Callable[..., Schedule]] = {
    "LinearCyclicalScheduler": linear_cyclical,
    "CosineAnnealingScheduler": cosine_annealing,
    "PiecewiseLinear": piecewise_linear,
    "ConcatScheduler": concat,
    "create_lr_scheduler_with_warmup": with_warmup,
}
REFUSED = {
    "ReduceLROnPlateauScheduler": "it follows a metric, so it is no function of the step and has no curve of its own"
}
