"""`pytorch_optimizer.lr_scheduler`: update k uses the rate after k calls of `scheduler.step()`.

Most of these set `min_lr` when they are made, so that update 0 has it and, in the first three, all else is one late.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from stepsize.errors import InvalidSchedule
from stepsize.schedule import constant, cosine, linear, one_minus_power, one_minus_sqrt, rex
from stepsize.schedule.algebra import Schedule
from stepsize.schedule.compat.families import BEYOND, endless_line
from stepsize.schedule.compat.placing import LONG, choice, joined, stairs, waves
from stepsize.schedule.node import scalar, whole_steps


def linear_(t_max: int, max_lr: Any, min_lr: Any = 0.0, init_lr: Any = 0.0, warmup_steps: int = 0) -> Schedule:
    """`min_lr`; then straight up, and straight down to `min_lr` and on below it."""
    left, warmup = _steps(t_max, warmup_steps)
    return _late(min_lr, linear(init_lr, max_lr, warmup), endless_line(max_lr, min_lr, left))


def cosine_(t_max: int, max_lr: Any, min_lr: Any = 0.0, init_lr: Any = 0.0, warmup_steps: int = 0) -> Schedule:
    """`min_lr`; then straight up, and a cosine down to `min_lr`, which climbs back."""
    left, warmup = _steps(t_max, warmup_steps)
    return _late(min_lr, linear(init_lr, max_lr, warmup), cosine(max_lr, min_lr, left).after("mirror"))


def poly(
    t_max: int,
    max_lr: Any,
    min_lr: Any = 0.0,
    init_lr: Any = 0.0,
    warmup_steps: int = 0,
    poly_order: float = 0.5,
) -> Schedule:
    """`min_lr`; straight up to `max_lr`; n updates later `min_lr + (max_lr - min_lr) * n ** poly_order`."""
    _, warmup = _steps(t_max, warmup_steps)
    if not scalar(poly_order, "poly_order") > 0:
        raise InvalidSchedule(f"poly_order must be above 0, got {poly_order!r}")
    far = min_lr + (max_lr - min_lr) * float(BEYOND) ** poly_order
    growth = one_minus_power(min_lr, far, BEYOND, poly_order)
    return _late(min_lr, linear(init_lr, max_lr, warmup), constant(max_lr, 1), growth[1:])


def _steps(t_max: Any, warmup_steps: Any) -> tuple[int, int]:
    """The steps after the warmup, and those of it."""
    warmup = whole_steps(warmup_steps, "warmup_steps", least=0)
    return whole_steps(whole_steps(t_max, "t_max") - warmup, "t_max less warmup_steps"), warmup


def _late(first: Any, *parts: Schedule) -> Schedule:
    return joined([constant(first, 1), *parts])


def cosine_annealing_warmup_restarts(
    first_cycle_steps: int,
    cycle_mult: float = 1.0,
    max_lr: Any = 1e-4,
    min_lr: Any = 1e-6,
    warmup_steps: int = 0,
    gamma: float = 0.9,
) -> Schedule:
    """Cycles of a straight rise and a cosine fall; only the fall grows by `cycle_mult`, the peak shrinks by `gamma`."""
    warmup = whole_steps(warmup_steps, "warmup_steps", least=0)
    size = whole_steps(first_cycle_steps, "first_cycle_steps")
    if warmup >= size:
        raise InvalidSchedule(f"warmup_steps must be below first_cycle_steps={size}, got {warmup}")

    parts: list[Schedule] = []
    peak, end = max_lr, 0
    while (following := max(1, int((size - warmup) * cycle_mult)) + warmup) != size and end < LONG:
        parts.append(linear(min_lr, peak, warmup) >> cosine(peak, min_lr, size - warmup))
        peak, end, size = peak * gamma, end + size, following
    high = linear(0.0, peak, warmup) >> cosine(peak, 0.0, size - warmup)
    low = linear(min_lr, 0.0, warmup) >> cosine(0.0, min_lr, size - warmup)
    cycles = joined([*parts, high.repeat(shrink=gamma) + low.repeat()])
    return cycles if warmup else _late(min_lr, cycles[1:])


def rex_(total_steps: int, max_lr: Any = 1.0, min_lr: Any = 0.0) -> Schedule:
    """`min_lr`; then the reflected exponential, in its place: its first value is never used."""
    return _late(min_lr, rex(max_lr, min_lr, whole_steps(total_steps, "total_steps"))[1:])


def wsd(
    base_lr: Any,
    num_warmup_steps: int,
    num_stable_steps: int,
    num_decay_steps: int,
    min_lr_ratio: float = 0.0,
    num_cycles: float = 0.5,
    cooldown_type: str = "1-sqrt",
) -> Schedule:
    """Up from 0, level, and down: to 0, and then at once up to `min_lr_ratio`; only the cosine ends there itself."""
    fall = COOLDOWNS[choice(cooldown_type, "cooldown_type", COOLDOWNS)]
    floor = base_lr * min_lr_ratio
    decay = whole_steps(num_decay_steps, "num_decay_steps", least=0)
    rise = linear(0.0, base_lr, whole_steps(num_warmup_steps, "num_warmup_steps", least=0))
    level = constant(base_lr, whole_steps(num_stable_steps, "num_stable_steps", least=0))
    legs = [fall(base_lr, floor, decay, num_cycles)] if decay else []
    return joined([rise, level, *legs, constant(floor)])


# type -> from the peak in so many steps, given the floor and the cycles
COOLDOWNS: dict[str, Callable[[Any, Any, int, float], Schedule]] = {
    "1-sqrt": lambda peak, floor, steps, cycles: one_minus_sqrt(peak, 0.0, steps),
    "linear": lambda peak, floor, steps, cycles: linear(peak, 0.0, steps),
    "1-square": lambda peak, floor, steps, cycles: one_minus_power(peak, 0.0, steps, 2),
    "cosine": lambda peak, floor, steps, cycles: waves(cosine(peak, floor, steps), 2 * cycles)[:steps],
}


def chebyshev(base_lr: Any, num_epochs: int, is_warmup: bool = False) -> Schedule:
    """Inverse Chebyshev nodes between 0.05 and 1 in fractal order; updates 0, 1 and 2 all have the first."""
    epochs = whole_steps(num_epochs, "num_epochs")
    if is_warmup:
        return constant(base_lr)
    size = 1 << (epochs - 1).bit_length()
    order = [0]
    while len(order) < size - 2:
        order = [index for i in order for index in (i, 2 * len(order) - 1 - i)]
    angles = [(i + 0.5) * math.pi / size for i in order]
    values = [base_lr / (0.525 - 0.475 * math.cos(angle)) for angle in angles]
    return stairs(values, range(3, len(values) + 2))


SCHEDULES: dict[str, Callable[..., Schedule]] = {
    "LinearScheduler": linear_,
    "CosineScheduler": cosine_,
    "PolyScheduler": poly,
    "CosineAnnealingWarmupRestarts": cosine_annealing_warmup_restarts,
    "REXScheduler": rex_,
    "get_wsd_schedule": wsd,
    "get_chebyshev_schedule": chebyshev,
}
