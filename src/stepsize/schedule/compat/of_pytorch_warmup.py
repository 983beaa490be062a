"""`pytorch_warmup`: update k uses the inner schedule's value times the warmup's factor, from `warmup.dampening()`.

Without `lr_scheduler`, the inner schedule is the optimizer's rate, `base_lr`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from stepsize.errors import InvalidSchedule
from stepsize.schedule import constant, exponential_decay, linear
from stepsize.schedule.algebra import Schedule, as_schedule
from stepsize.schedule.node import scalar, whole_steps

# Of torch's Adam.
BETAS = (0.9, 0.999)


def linear_warmup(warmup_period: int, base_lr: Any = None, lr_scheduler: Any = None) -> Schedule:
    """`min(1, (k + 1) / warmup_period)`."""
    period = whole_steps(warmup_period, "warmup_period")
    rise = linear(1 / period, 1.0, period - 1) if period > 1 else constant(1.0)
    return _damped(rise, base_lr, lr_scheduler)


def exponential_warmup(warmup_period: float, base_lr: Any = None, lr_scheduler: Any = None) -> Schedule:
    """`1 - exp(-(k + 1) / warmup_period)`."""
    if not (period := scalar(warmup_period, "warmup_period")) > 0:
        raise InvalidSchedule(f"warmup_period must be above 0, got {warmup_period!r}")
    left = exponential_decay(-math.exp(-1 / period), math.exp(-1), period)
    return _damped(left + 1.0, base_lr, lr_scheduler)


def untuned_linear_warmup(betas: Sequence[float] = BETAS, base_lr: Any = None, lr_scheduler: Any = None) -> Schedule:
    """`LinearWarmup` over 2 / (1 - beta2) updates, cut to a whole number: 39 of 40 for beta2 = 0.95."""
    return linear_warmup(int(2.0 / (1.0 - _second(betas))), base_lr, lr_scheduler)


def untuned_exponential_warmup(
    betas: Sequence[float] = BETAS, base_lr: Any = None, lr_scheduler: Any = None
) -> Schedule:
    """`ExponentialWarmup` over 1 / (1 - beta2) updates, cut to a whole number: 19 of 20 for beta2 = 0.95."""
    return exponential_warmup(int(1.0 / (1.0 - _second(betas))), base_lr, lr_scheduler)


def _second(betas: Sequence[float]) -> float:
    if len(betas) != 2 or not 0 <= scalar(betas[1], "beta2") < 1:
        raise InvalidSchedule(f"betas are the two of Adam, each of at least 0 and below 1; got {betas!r}")
    return float(betas[1])


def _damped(factor: Schedule, base_lr: Any, inner: Any) -> Schedule:
    if inner is not None:
        return as_schedule(inner, "lr_scheduler") * factor
    if base_lr is None:
        raise InvalidSchedule("needs base_lr, or lr_scheduler, the schedule that is warmed up")
    damped: Schedule = factor * base_lr
    return damped


SCHEDULES: dict[str, Callable[..., Schedule]] = {
    "LinearWarmup": linear_warmup,
    "ExponentialWarmup": exponential_warmup,
    "UntunedLinearWarmup": untuned_linear_warmup,
    "UntunedExponentialWarmup": untuned_exponential_warmup,
}
REFUSED = {
    "RAdamWarmup": "its factor is a square root of powers of beta2, which no schedule here is made of; give it as "
    "ss.function"
}
