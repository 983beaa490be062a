"""`optax.schedules`: update k uses `schedule(k)`, as the optimizer's count says. In numbers that are exact."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from stepsize.errors import InvalidSchedule
from stepsize.schedule import constant, cosine, exponential_decay, linear, polynomial, sine
from stepsize.schedule.algebra import Schedule
from stepsize.schedule.compat.placing import between, choice, in_turn, joined, placed, positive_span, stairs
from stepsize.schedule.compat.placing import staircase as falling_stairs
from stepsize.schedule.node import scalar, whole_steps


def constant_schedule(value: Any) -> Schedule:
    """`value`."""
    return constant(value)


def polynomial_schedule(
    init_value: Any, end_value: Any, power: float, transition_steps: int, transition_begin: int = 0
) -> Schedule:
    """A polynomial after `transition_begin` updates; with transition_steps <= 0 `init_value` for ever."""
    if transition_steps <= 0 or power == 0:
        return constant(init_value)
    begin = whole_steps(max(transition_begin, 0), "transition_begin", least=0)
    fall = linear(init_value, end_value, transition_steps)
    if power != 1:
        fall = polynomial(init_value, end_value, transition_steps, power)
    return constant(init_value, begin) >> fall


def linear_schedule(init_value: Any, end_value: Any, transition_steps: int, transition_begin: int = 0) -> Schedule:
    """A straight line after `transition_begin` updates; with transition_steps <= 0 `init_value` for ever."""
    return polynomial_schedule(init_value, end_value, 1, transition_steps, transition_begin)


def piecewise_constant_schedule(init_value: Any, boundaries_and_scales: Mapping[int, float] | None = None) -> Schedule:
    """Multiplied by a scale from each boundary on."""
    at, values = _scaled(init_value, boundaries_and_scales)
    return stairs(values, [max(math.ceil(step), 0) for step in at])


def piecewise_interpolate_schedule(
    interpolate_type: str, init_value: Any, boundaries_and_scales: Mapping[int, float] | None = None
) -> Schedule:
    """Through values, each the one before times a scale, at the boundaries."""
    leg = LEGS[choice(interpolate_type, "interpolate_type", LEGS)]
    at, values = _scaled(init_value, boundaries_and_scales)
    spans = [whole_steps(b - a, "a boundary's distance", least=0) for a, b in pairwise([0, *at])]
    legs = [leg(a, b, span) for (a, b), span in zip(pairwise(values), spans, strict=True)]
    return joined(legs) if legs else constant(init_value)


LEGS: dict[str, Callable[..., Schedule]] = {"linear": linear, "cosine": cosine}


def _scaled(init_value: Any, boundaries_and_scales: Mapping[Any, float] | None) -> tuple[list[float], list[Any]]:
    """The boundaries, rising, and the value before the first and from each on."""
    pairs = sorted((float(step), scalar(scale, "scale")) for step, scale in (boundaries_and_scales or {}).items())
    if any(scale < 0 for _, scale in pairs):
        raise InvalidSchedule(f"scales are not below 0, got {boundaries_and_scales!r}")
    values = accumulate([scale for _, scale in pairs], lambda value, scale: value * scale, initial=init_value)
    return [step for step, _ in pairs], list(values)


def exponential_decay_(
    init_value: Any,
    transition_steps: int,
    decay_rate: float,
    transition_begin: int = 0,
    staircase: bool = False,
    end_value: Any = None,
) -> Schedule:
    """`init_value * decay_rate ** (k / transition_steps)` after `transition_begin`, no further than `end_value`."""
    if transition_steps <= 0 or decay_rate == 0:
        return constant(init_value)
    decay = exponential_decay(init_value, decay_rate, transition_steps)
    if staircase:
        decay = falling_stairs(init_value, decay_rate, Fraction(transition_steps))
    begin = whole_steps(max(transition_begin, 0), "transition_begin", least=0)
    whole = constant(init_value, begin) >> decay
    if end_value is None:
        return whole
    least, most = np.minimum(np.minimum(init_value, end_value), 0.0), np.maximum(np.maximum(init_value, end_value), 0.0)
    return whole.clip(end_value, most) if decay_rate < 1 else whole.clip(least, end_value)


def cosine_decay_schedule(init_value: Any, decay_steps: Any, alpha: float = 0.0, exponent: float = 1.0) -> Schedule:
    """`init_value * ((1 - alpha) * c ** exponent + alpha)` with the half cosine c."""
    span = positive_span(decay_steps, "decay_steps")
    if exponent == 1:
        return placed((lambda n: cosine(init_value, alpha * init_value, n), span))
    return between(alpha * init_value, init_value, _cosine_power(span, exponent))


def _cosine_power(span: Fraction, exponent: float) -> Schedule:
    """A half cosine is the square of a quarter sine: powers that are whole or a half are products of it."""
    quarters = 2 * scalar(exponent, "exponent")
    if quarters == 0:
        return constant(1.0)
    if not (quarters > 0 and quarters.is_integer()):
        raise InvalidSchedule(f"exponent is a multiple of 0.5 here, got {exponent!r}")
    halves = [placed((lambda n: cosine(1.0, 0.0, n), span))] * int(quarters // 2)
    if quarters % 2:
        halves.append(placed((lambda n: sine(0.0, 1.0, n).reverse(), span)))
    return math.prod(halves[1:], start=halves[0])


def linear_onecycle_schedule(
    transition_steps: int,
    peak_value: Any,
    pct_start: float = 0.3,
    pct_final: float = 0.85,
    div_factor: float = 25.0,
    final_div_factor: float = 1e4,
) -> Schedule:
    """Three straight phases: up to the peak, down to where it began, and on to `final_div_factor` below."""
    steps = whole_steps(transition_steps, "transition_steps")
    scales = {
        int(pct_start * steps): div_factor,
        int(pct_final * steps): 1.0 / div_factor,
        steps: 1.0 / final_div_factor,
    }
    return piecewise_interpolate_schedule("linear", peak_value / div_factor, scales)


def cosine_onecycle_schedule(
    transition_steps: int,
    peak_value: Any,
    pct_start: float = 0.3,
    div_factor: float = 25.0,
    final_div_factor: float = 1e4,
) -> Schedule:
    """Two cosine phases: up to the peak, and down to the peak / (div_factor * final_div_factor)."""
    steps = whole_steps(transition_steps, "transition_steps")
    scales = {int(pct_start * steps): div_factor, steps: 1.0 / (div_factor * final_div_factor)}
    return piecewise_interpolate_schedule("cosine", peak_value / div_factor, scales)


def warmup_constant_schedule(init_value: Any, peak_value: Any, warmup_steps: int) -> Schedule:
    """Straight to the peak; with warmup_steps=0 it stays at `init_value`."""
    return linear_schedule(init_value, peak_value, warmup_steps)


def warmup_cosine_decay_schedule(
    init_value: Any,
    peak_value: Any,
    warmup_steps: int,
    decay_steps: int,
    end_value: Any = 0.0,
    exponent: float = 1.0,
) -> Schedule:
    """Straight to the peak, then a cosine to `end_value`; `decay_steps` counts the warmup."""
    warmup = whole_steps(warmup_steps, "warmup_steps", least=0)
    ratio = end_value / peak_value if peak_value else 0.0
    fall = cosine_decay_schedule(peak_value, decay_steps - warmup, ratio, exponent)
    return linear(init_value, peak_value, warmup) >> fall


def warmup_exponential_decay_schedule(
    init_value: Any,
    peak_value: Any,
    warmup_steps: int,
    transition_steps: int,
    decay_rate: float,
    transition_begin: int = 0,
    staircase: bool = False,
    end_value: Any = None,
) -> Schedule:
    """Straight to the peak, then `exponential_decay` from there."""
    fall = exponential_decay_(peak_value, transition_steps, decay_rate, transition_begin, staircase, end_value)
    return linear(init_value, peak_value, whole_steps(warmup_steps, "warmup_steps", least=0)) >> fall


def sgdr_schedule(cosine_kwargs: Iterable[Mapping[str, Any]]) -> Schedule:
    """One `warmup_cosine_decay_schedule` after another, each for its `decay_steps`."""
    cycles = [dict(one) for one in cosine_kwargs]
    ends = list(accumulate(one["decay_steps"] for one in cycles))
    return in_turn([warmup_cosine_decay_schedule(**one) for one in cycles], ends[:-1])


def join_schedules(schedules: Sequence[Any], boundaries: Sequence[int]) -> Schedule:
    """Schedule i from boundary i - 1 on, counting from its own 0."""
    return in_turn(schedules, boundaries)


SCHEDULES: dict[str, Callable[..., Schedule]] = {
    "constant_schedule": constant_schedule,
    "cosine_decay_schedule": cosine_decay_schedule,
    "cosine_onecycle_schedule": cosine_onecycle_schedule,
    "exponential_decay": exponential_decay_,
    "join_schedules": join_schedules,
    "linear_onecycle_schedule": linear_onecycle_schedule,
    "linear_schedule": linear_schedule,
    "piecewise_constant_schedule": piecewise_constant_schedule,
    "piecewise_interpolate_schedule": piecewise_interpolate_schedule,
    "polynomial_schedule": polynomial_schedule,
    "sgdr_schedule": sgdr_schedule,
    "warmup_constant_schedule": warmup_constant_schedule,
    "warmup_cosine_decay_schedule": warmup_cosine_decay_schedule,
    "warmup_exponential_decay_schedule": warmup_exponential_decay_schedule,
}
