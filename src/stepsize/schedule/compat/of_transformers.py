"""`transformers.get_scheduler` and its functions: what update k uses when `scheduler.step()` follows each update."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from stepsize.errors import InvalidSchedule
from stepsize.schedule import constant, cosine, inverse_sqrt, linear, one_minus_sqrt, polynomial
from stepsize.schedule.algebra import Schedule
from stepsize.schedule.compat.placing import choice, joined, line, needs_metric, waves
from stepsize.schedule.node import scalar, whole_steps


def get_constant_schedule(base_lr: Any) -> Schedule:
    """`base_lr`."""
    return constant(base_lr)


def get_constant_schedule_with_warmup(base_lr: Any, num_warmup_steps: int) -> Schedule:
    """Straight from 0, then `base_lr`."""
    return _warm(base_lr, num_warmup_steps) >> constant(base_lr)


def get_linear_schedule_with_warmup(base_lr: Any, num_warmup_steps: int, num_training_steps: int) -> Schedule:
    """Straight from 0 to `base_lr`, and straight to 0."""
    left = _left(num_warmup_steps, num_training_steps)
    return joined([_warm(base_lr, num_warmup_steps), linear(base_lr, 0.0, max(left, 0))])


def get_cosine_schedule_with_warmup(
    base_lr: Any, num_warmup_steps: int, num_training_steps: int, num_cycles: float = 0.5
) -> Schedule:
    """Straight from 0, then `num_cycles` waves of a cosine; past the end it waves on."""
    left = max(_left(num_warmup_steps, num_training_steps), 1)
    return _warm(base_lr, num_warmup_steps) >> waves(cosine(base_lr, 0.0, left), 2 * num_cycles)


def get_cosine_with_hard_restarts_schedule_with_warmup(
    base_lr: Any, num_warmup_steps: int, num_training_steps: int, num_cycles: float = 1
) -> Schedule:
    """Straight from 0, then `num_cycles` half cosines, each from `base_lr`; then 0."""
    left = max(_left(num_warmup_steps, num_training_steps), 1)
    half = cosine(base_lr, 0.0, left).repeat()
    cycles = half[: left * num_cycles : num_cycles] if num_cycles else constant(base_lr, left)
    return joined([_warm(base_lr, num_warmup_steps), cycles, constant(0.0)])


def get_polynomial_decay_schedule_with_warmup(
    base_lr: Any, num_warmup_steps: int, num_training_steps: int, lr_end: float = 1e-7, power: float = 1.0
) -> Schedule:
    """Straight from 0, then a polynomial to `lr_end`."""
    if not np.all(np.greater(base_lr, lr_end)):
        raise InvalidSchedule(f"lr_end must be below base_lr, got lr_end={lr_end!r}, base_lr={base_lr!r}")
    left = _left(num_warmup_steps, num_training_steps)
    if left == 0:
        raise InvalidSchedule(f"no update is left after num_warmup_steps={num_warmup_steps}: a division by zero")
    return joined([_warm(base_lr, num_warmup_steps), polynomial(base_lr, lr_end, max(left, 0), power)])


def get_inverse_sqrt_schedule(base_lr: Any, num_warmup_steps: int, timescale: Any = None) -> Schedule:
    """Straight from 0, then `base_lr * sqrt(timescale / (timescale + updates since the warmup))`."""
    scale = num_warmup_steps or 10_000 if timescale is None else timescale
    return _warm(base_lr, num_warmup_steps) >> inverse_sqrt(base_lr, scale)


def get_cosine_with_min_lr_schedule_with_warmup(
    base_lr: Any,
    num_warmup_steps: int,
    num_training_steps: int,
    num_cycles: float = 0.5,
    min_lr: Any = None,
    min_lr_rate: Any = None,
) -> Schedule:
    """As the cosine, down to `min_lr`, or to `base_lr * min_lr_rate`."""
    left = max(_left(num_warmup_steps, num_training_steps), 1)
    half = cosine(base_lr, _floor(base_lr, min_lr, min_lr_rate), left)
    return _warm(base_lr, num_warmup_steps) >> waves(half, 2 * num_cycles)


def get_cosine_with_min_lr_schedule_with_warmup_lr_rate(
    base_lr: Any,
    num_warmup_steps: int,
    num_training_steps: int,
    num_cycles: float = 0.5,
    min_lr: Any = None,
    min_lr_rate: Any = None,
    warmup_lr_rate: Any = None,
) -> Schedule:
    """As above, but one update ahead: it counts k + 1; with `warmup_lr_rate` the warmup begins there."""
    warmup = whole_steps(num_warmup_steps, "num_warmup_steps", least=0)
    left = max(_left(warmup, num_training_steps), 1)
    half = cosine(base_lr, _floor(base_lr, min_lr, min_lr_rate), left)
    ahead = waves(half, 2 * num_cycles)
    if num_cycles:
        ahead = half.after("mirror")[2 * num_cycles :: 2 * num_cycles]
    return joined([_early(base_lr, warmup, warmup_lr_rate), ahead])


def get_wsd_schedule(
    base_lr: Any,
    num_warmup_steps: int,
    num_decay_steps: int,
    num_training_steps: int | None = None,
    num_stable_steps: int | None = None,
    warmup_type: str = "linear",
    decay_type: str = "cosine",
    min_lr_ratio: float = 0,
    num_cycles: float = 0.5,
) -> Schedule:
    """Up from `base_lr * min_lr_ratio`, level, and down to it again."""
    warmup = whole_steps(num_warmup_steps, "num_warmup_steps", least=0)
    decay = whole_steps(num_decay_steps, "num_decay_steps", least=0)
    stable = _stable(num_training_steps, num_stable_steps, warmup + decay)
    floor = base_lr * scalar(min_lr_ratio, "min_lr_ratio")
    rise = RISES[choice(warmup_type, "warmup_type", RISES)](floor, base_lr, warmup)
    fall = FALLS[choice(decay_type, "decay_type", FALLS)](base_lr, floor, decay, num_cycles)
    # Without room for it, the decay begins inside the warmup.
    return joined([rise, constant(base_lr, max(stable, 0)), fall[max(-stable, 0) :], constant(floor)])


def _stable(num_training_steps: Any, num_stable_steps: Any, taken: int) -> int:
    if num_stable_steps is not None:
        return whole_steps(num_stable_steps, "num_stable_steps", least=0)
    if num_training_steps is None:
        raise InvalidSchedule("needs num_training_steps or num_stable_steps")
    return whole_steps(num_training_steps, "num_training_steps", least=0) - taken


def _cosine_fall(start: Any, end: Any, steps: int, num_cycles: float) -> Schedule:
    if num_cycles == 0.5 or steps == 0:
        return cosine(start, end, steps)
    return waves(cosine(start, end, steps), 2 * num_cycles)[:steps]


RISES: dict[str, Callable[..., Schedule]] = {
    "linear": linear,
    "cosine": cosine,
    "1-sqrt": lambda start, end, steps: polynomial(start, end, steps, 0.5),
}
FALLS: dict[str, Callable[..., Schedule]] = {
    "linear": lambda start, end, steps, cycles: linear(start, end, steps),
    "cosine": _cosine_fall,
    "1-sqrt": lambda start, end, steps, cycles: one_minus_sqrt(start, end, steps),
}


def _warm(base_lr: Any, num_warmup_steps: Any) -> Schedule:
    return linear(0.0, base_lr, whole_steps(num_warmup_steps, "num_warmup_steps", least=0))


def _early(base_lr: Any, warmup: int, rate: Any) -> Schedule:
    """A warmup whose last update has the peak already."""
    if rate is None:
        return line(base_lr / max(warmup, 1), base_lr / max(warmup, 1), warmup)
    first = base_lr * scalar(rate, "warmup_lr_rate")
    return line(first, (base_lr - first) / max(warmup - 1, 1), warmup)


def _left(num_warmup_steps: Any, num_training_steps: Any) -> int:
    warmup = whole_steps(num_warmup_steps, "num_warmup_steps", least=0)
    return whole_steps(num_training_steps, "num_training_steps", least=0) - warmup


def _floor(base_lr: Any, min_lr: Any, min_lr_rate: Any) -> Any:
    if (min_lr is None) == (min_lr_rate is None):
        raise InvalidSchedule(f"give min_lr or min_lr_rate; got min_lr={min_lr!r}, min_lr_rate={min_lr_rate!r}")
    return base_lr * min_lr_rate if min_lr is None else min_lr


FUNCTIONS: tuple[Callable[..., Schedule], ...] = (
    get_constant_schedule,
    get_constant_schedule_with_warmup,
    get_linear_schedule_with_warmup,
    get_cosine_schedule_with_warmup,
    get_cosine_with_hard_restarts_schedule_with_warmup,
    get_polynomial_decay_schedule_with_warmup,
    get_inverse_sqrt_schedule,
    get_cosine_with_min_lr_schedule_with_warmup,
    get_cosine_with_min_lr_schedule_with_warmup_lr_rate,
    get_wsd_schedule,
)
# By the functions' names, and by those of `SchedulerType`.
SCHEDULES: dict[str, Callable[..., Schedule]] = {
    **{make.__name__: make for make in FUNCTIONS},
    "constant": get_constant_schedule,
    "constant_with_warmup": get_constant_schedule_with_warmup,
    "linear": get_linear_schedule_with_warmup,
    "cosine": get_cosine_schedule_with_warmup,
    "cosine_with_restarts": get_cosine_with_hard_restarts_schedule_with_warmup,
    "polynomial": get_polynomial_decay_schedule_with_warmup,
    "inverse_sqrt": get_inverse_sqrt_schedule,
    "cosine_with_min_lr": get_cosine_with_min_lr_schedule_with_warmup,
    "cosine_warmup_with_min_lr": get_cosine_with_min_lr_schedule_with_warmup_lr_rate,
    "warmup_stable_decay": get_wsd_schedule,
}
REFUSED = {
    name: needs_metric(name)
    for name in ("reduce_lr_on_plateau", "greedy", "get_reduce_on_plateau_schedule", "get_greedy_schedule")
}
