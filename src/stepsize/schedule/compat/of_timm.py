"""`timm.scheduler`: update k uses the rate after `step_update(k)`; by epoch, k counts epochs.

`base_lr` is the group's. What update 0 uses was set at construction, by no formula.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any

from stepsize.errors import InvalidSchedule
from stepsize.schedule import (
    constant,
    cosine,
    exponential,
    k_decay,
    linear,
    one_minus_power,
    one_minus_sqrt,
    polynomial,
    power_law,
    tanh,
)
from stepsize.schedule.algebra import Schedule
from stepsize.schedule.compat.families import laid_out
from stepsize.schedule.compat.placing import choice, exact, joined, positive_span, staircase, stairs
from stepsize.schedule.node import whole_steps

# From a start to an end value in so many steps.
Curve = Callable[[Any, Any, int], Schedule]


def cosine_lr(
    base_lr: Any,
    t_initial: int,
    lr_min: float = 0.0,
    cycle_mul: float = 1.0,
    cycle_decay: float = 1.0,
    cycle_limit: int = 1,
    warmup_t: int = 0,
    warmup_lr_init: float = 0,
    warmup_prefix: bool = False,
    t_in_epochs: bool = True,
    noise_range_t: Any = None,
    k_decay: float = 1.0,
) -> Schedule:
    """Cosines to `lr_min`. Unless `warmup_prefix`, the warmup cuts the curve and hands over below `base_lr`."""
    _no_noise(noise_range_t)
    fall = _cycles(_cosine(k_decay), base_lr, lr_min, t_initial, cycle_mul, cycle_decay, cycle_limit)
    return _warmed(fall, base_lr, warmup_t, warmup_lr_init, warmup_prefix)


def poly_lr(
    base_lr: Any,
    t_initial: int,
    power: float = 0.5,
    lr_min: float = 0.0,
    cycle_mul: float = 1.0,
    cycle_decay: float = 1.0,
    cycle_limit: int = 1,
    warmup_t: int = 0,
    warmup_lr_init: float = 0,
    warmup_prefix: bool = False,
    t_in_epochs: bool = True,
    noise_range_t: Any = None,
    k_decay: float = 1.0,
) -> Schedule:
    """Polynomials to `lr_min`; warmup as in CosineLRScheduler."""
    _no_noise(noise_range_t)
    curve = _polynomial(power, k_decay)
    fall = _cycles(curve, base_lr, lr_min, t_initial, cycle_mul, cycle_decay, cycle_limit)
    return _warmed(fall, base_lr, warmup_t, warmup_lr_init, warmup_prefix)


def tanh_lr(
    base_lr: Any,
    t_initial: int,
    lb: float = -7.0,
    ub: float = 3.0,
    lr_min: float = 0.0,
    cycle_mul: float = 1.0,
    cycle_decay: float = 1.0,
    cycle_limit: int = 1,
    warmup_t: int = 0,
    warmup_lr_init: float = 0,
    warmup_prefix: bool = False,
    t_in_epochs: bool = True,
    noise_range_t: Any = None,
) -> Schedule:
    """The tangent itself, which misses both ends; then `lr_min`. Its warmup goes where the curve then is."""
    _no_noise(noise_range_t)
    first, last = (1 - math.tanh(lb)) / 2, (1 - math.tanh(ub)) / 2

    def curve(start: Any, end: Any, steps: int) -> Schedule:
        return tanh(end + (start - end) * first, end + (start - end) * last, steps, lb, ub)

    cycles = _cycles(curve, base_lr, lr_min, t_initial, cycle_mul, cycle_decay, cycle_limit)
    fall = joined([cycles, constant(float(lr_min))])
    peak = base_lr if warmup_prefix or not warmup_t else fall(warmup_t)
    return _warmed(fall, peak, warmup_t, warmup_lr_init, warmup_prefix)


def step_lr(
    base_lr: Any,
    decay_t: float,
    decay_rate: float = 1.0,
    warmup_t: int = 0,
    warmup_lr_init: float = 0,
    warmup_prefix: bool = True,
    t_in_epochs: bool = True,
    noise_range_t: Any = None,
) -> Schedule:
    """`base_lr * decay_rate ** (k // decay_t)`; without a `decay_rate` nothing decays."""
    _no_noise(noise_range_t)
    fall = staircase(base_lr, decay_rate, positive_span(decay_t, "decay_t"))
    return _warmed(fall, base_lr, warmup_t, warmup_lr_init, warmup_prefix)


def multi_step_lr(
    base_lr: Any,
    decay_t: Sequence[int],
    decay_rate: float = 1.0,
    warmup_t: int = 0,
    warmup_lr_init: float = 0,
    warmup_prefix: bool = True,
    t_in_epochs: bool = True,
    noise_range_t: Any = None,
) -> Schedule:
    """`base_lr * decay_rate ** i` from one update before milestone i on."""
    _no_noise(noise_range_t)
    at = sorted({max(math.ceil(milestone - 1), 0) for milestone in decay_t})
    fall = stairs([base_lr, *(base_lr * decay_rate ** bisect_right(decay_t, step + 1) for step in at)], at)
    return _warmed(fall, base_lr, warmup_t, warmup_lr_init, warmup_prefix)


def wsd_lr(
    base_lr: Any,
    t_initial: int,
    decay_t: int,
    lr_min: float = 0.0,
    stable_fn: str = "constant",
    stable_timescale: float | None = None,
    stable_power: float = 0.5,
    decay_fn: str = "1-sqrt",
    decay_power: float = 0.5,
    decay_ratio: float = 0.1,
    warmup_t: int = 0,
    warmup_lr_init: float = 0.0,
    t_in_epochs: bool = True,
    noise_range_t: Any = None,
) -> Schedule:
    """Up, level or falling slowly, and down to `lr_min` in the last `decay_t` of `t_initial`; the warmup is outside."""
    _no_noise(noise_range_t)
    decay = whole_steps(decay_t, "decay_t")
    level = whole_steps(t_initial, "t_initial") - decay
    if level < 0:
        raise InvalidSchedule(f"decay_t={decay_t} is longer than t_initial={t_initial}")
    leg = LEGS[choice(decay_fn, "decay_fn", LEGS)](decay, decay_power, decay_ratio)
    share = joined([constant(1.0, level), leg])
    high = max(base_lr, lr_min)
    if choice(stable_fn, "stable_fn", ("constant", "rsqrt", "power")) == "constant":
        fall = lr_min + (high - lr_min) * share
    else:
        power = 0.5 if stable_fn == "rsqrt" else stable_power
        timescale = warmup_t if stable_timescale is None else stable_timescale
        fall = lr_min + (power_law(base_lr, power, timescale).clip(lr_min, high) - lr_min) * share
    return _warmed(fall, base_lr, warmup_t, warmup_lr_init, prefix=True)


LEGS: dict[str, Callable[[int, float, float], Schedule]] = {
    "linear": lambda steps, power, ratio: linear(1.0, 0.0, steps),
    "1-sqrt": lambda steps, power, ratio: one_minus_sqrt(1.0, 0.0, steps),
    "cosine": lambda steps, power, ratio: cosine(1.0, 0.0, steps),
    "power": lambda steps, power, ratio: one_minus_power(1.0, 0.0, steps, power),
    "exp": lambda steps, power, ratio: (exponential(1.0, ratio, steps) - ratio) / (1 - ratio),
}


def create_scheduler_v2(
    base_lr: Any,
    sched: str = "cosine",
    num_epochs: int = 300,
    decay_epochs: float | None = None,
    decay_milestones: Sequence[int] = (90, 180, 270),
    cooldown_epochs: int = 0,
    patience_epochs: int = 10,
    decay_rate: float = 0.1,
    min_lr: float = 0,
    warmup_lr: float = 1e-5,
    warmup_epochs: int = 0,
    warmup_prefix: bool = False,
    noise: Any = None,
    cycle_mul: float = 1.0,
    cycle_decay: float = 0.1,
    cycle_limit: int = 1,
    k_decay: float = 1.0,
    decay_fn: str | None = None,
    stable_timescale: float | None = None,
    plateau_mode: str = "max",
    step_on_epochs: bool = True,
    updates_per_epoch: int = 0,
) -> Schedule:
    """What timm's training script builds; by epoch, or with step_on_epochs=False by update."""
    _no_noise(noise)
    unit = 1 if step_on_epochs else whole_steps(updates_per_epoch, "updates_per_epoch")
    total, warmup = num_epochs * unit, warmup_epochs * unit
    warm: dict[str, Any] = {"warmup_t": warmup, "warmup_lr_init": warmup_lr}
    prefix = {**warm, "warmup_prefix": warmup_prefix}
    cycles: dict[str, Any] = {
        "lr_min": min_lr,
        "cycle_mul": cycle_mul,
        "cycle_decay": cycle_decay,
        "cycle_limit": cycle_limit,
    }
    steps = (90 if decay_epochs is None else decay_epochs) * unit

    def stable(stable_fn: str, leg: str) -> Schedule:
        left = total if warmup_prefix else total - warmup
        share = 0.2 if decay_epochs is None else decay_epochs
        decay = round(share * left if 0 < share < 1 else share * unit)
        scale = None if stable_timescale is None else stable_timescale * unit
        return wsd_lr(base_lr, left, decay, min_lr, stable_fn, scale, decay_fn=decay_fn or leg, **warm)

    kinds: dict[str, Callable[[], Schedule]] = {
        "cosine": lambda: cosine_lr(base_lr, total, **cycles, **prefix, k_decay=k_decay),
        "tanh": lambda: tanh_lr(base_lr, total, **cycles, **prefix),
        "poly": lambda: poly_lr(base_lr, total, decay_rate, **cycles, **prefix, k_decay=k_decay),
        "step": lambda: step_lr(base_lr, steps, decay_rate, **prefix),
        "multistep": lambda: multi_step_lr(base_lr, [m * unit for m in decay_milestones], decay_rate, **prefix),
        "constant": lambda: step_lr(base_lr, 1, **prefix),
        "wsd": lambda: stable("constant", "1-sqrt"),
        "rsqrt": lambda: stable("rsqrt", "linear"),
    }
    return kinds[choice(sched, "sched", kinds)]()


def _cycles(
    curve: Curve, base_lr: Any, lr_min: Any, t_initial: Any, growth: float, shrink: float, limit: int
) -> Schedule:
    """`limit` cycles; each falls from its own start to the one `lr_min`."""
    span, ratio = positive_span(t_initial, "t_initial"), exact(growth, "cycle_mul")
    times = whole_steps(limit, "cycle_limit", least=0)
    if ratio < 1:
        raise InvalidSchedule(f"cycle_mul below 1 fails in timm at t_initial / (1 - cycle_mul), got {growth!r}")
    if times == 0:
        return constant(lr_min)
    if span.denominator > 1 or (ratio.denominator > 1 and times > 1) or shrink <= 0:
        return laid_out((curve(base_lr * shrink**i, lr_min, 1), span * ratio**i) for i in range(times))

    def repeated(start: Any, end: Any, factor: float) -> Schedule:
        whole = curve(start, end, int(span))
        return whole if times == 1 else whole.repeat(times, factor, float(ratio))

    if shrink == 1 or times == 1 or not lr_min:
        return repeated(base_lr, lr_min, shrink)
    return repeated(base_lr, 0.0, shrink) + repeated(0.0, lr_min, 1.0)


def _cosine(k: float) -> Curve:
    return cosine if k == 1 else lambda start, end, steps: k_decay(start, end, steps, k)


def _polynomial(power: float, k: float) -> Curve:
    if k == 1:
        return lambda start, end, steps: polynomial(start, end, steps, power)
    return lambda start, end, steps: k_decay(start, end, steps, k, power)


def _warmed(fall: Schedule, peak: Any, warmup_t: Any, begin: Any, prefix: bool) -> Schedule:
    """A straight line from `begin` to `peak`, in front of the curve or over its beginning.

    Without it update 0 has the rate that the optimizer was made with.
    """
    warmup = whole_steps(warmup_t, "warmup_t", least=0)
    if not warmup and fall(0) != peak:
        return joined([constant(peak, 1), fall[1:]])
    return joined([linear(begin, peak, warmup), fall if prefix else fall[warmup:]])


def _no_noise(noise: Any) -> None:
    if noise is not None:
        raise InvalidSchedule("noise is drawn by torch's generator and cannot be drawn here; see Schedule.noise")


SCHEDULES: dict[str, Callable[..., Schedule]] = {
    "CosineLRScheduler": cosine_lr,
    "PolyLRScheduler": poly_lr,
    "TanhLRScheduler": tanh_lr,
    "StepLRScheduler": step_lr,
    "MultiStepLRScheduler": multi_step_lr,
    "WSDLRScheduler": wsd_lr,
    "create_scheduler_v2": create_scheduler_v2,
}
REFUSED = {"PlateauLRScheduler": "it follows a metric, so it is no function of the step and has no curve of its own"}
# They matter to noise alone, and to how the scheduler is held.
WITHOUT_EFFECT = ("noise_pct", "noise_std", "noise_seed", "noise_type", "initialize", "param_group_field")
