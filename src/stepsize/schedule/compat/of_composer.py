"""`composer.optim.scheduler`: update k uses `base_lr * scheduler(state at batch k)`.

Composer's own Trainer is one update late, since it asks before it counts the batch: `trainer=True` is what it
really uses. Times are its strings: "10ba", "3ep", "0.5dur", "320sp", "3e3tok".
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import wraps
from itertools import accumulate, takewhile
from typing import Any

from stepsize._codec import summary
from stepsize.errors import InvalidSchedule
from stepsize.schedule import constant, cosine, exponential_decay, linear, polynomial
from stepsize.schedule.algebra import Schedule
from stepsize.schedule.compat.families import laid_out
from stepsize.schedule.compat.placing import MANY, Leg, cycles_of, joined, placed, spanning, staircase, stairs

TIME = re.compile(r"(\d+(?:\.\d*)?(?:e[+-]?\d+)?)(ba|ep|dur|sp|tok)")


@dataclass(frozen=True)
class Run:
    """What the Trainer knows, and by it how many batches a time is."""

    max_duration: str
    dataloader_len: int
    scale_schedule_ratio: float = 1.0
    batch_size: int = 1
    tokens: int = 1

    def batches(self, time: Any, scaled: bool = True) -> Fraction:
        """A time in batches."""
        amount, unit = self.amount(time, scaled)
        return Fraction(amount, {"ba": 1, "sp": self.batch_size, "tok": self.tokens}[unit])

    def amount(self, time: Any, scaled: bool = True) -> tuple[int, str]:
        """A time in batches, samples or tokens, rounded down in that unit, as Composer does."""
        ratio = self.scale_schedule_ratio if scaled else 1.0
        amount, unit = _time(time)
        if unit == "dur":
            most, unit = _time(self.max_duration)
            most = int(most * self.scale_schedule_ratio)
            amount, unit = (amount * self.dataloader_len * most, "ba") if unit == "ep" else (amount * most, unit)
            ratio = 1.0  # the duration was scaled already
        elif unit == "ep":
            amount, unit = int(amount) * self.dataloader_len, "ba"
        return int(amount * ratio), unit


def _time(text: Any) -> tuple[float, str]:
    found = TIME.fullmatch(text) if isinstance(text, str) else None
    if not found:
        raise InvalidSchedule(f"a time is written '10ba', '3ep', '0.5dur', '320sp' or '3e3tok'; got {summary(text)}")
    amount = float(found[1])
    if found[2] != "dur" and amount != int(amount):
        raise InvalidSchedule(f"{text!r}: only dur takes fractions")
    return amount, found[2]


def in_run(factor: Callable[..., Schedule]) -> Callable[..., Schedule]:
    """The multiplier of a scheduler, put on a run: its signature gains what the Trainer knows."""

    @wraps(factor)
    def build(
        base_lr: Any,
        max_duration: str,
        dataloader_len: int,
        scale_schedule_ratio: float = 1.0,
        batch_size: int = 1,
        tokens: int = 1,
        trainer: bool = False,
        **own: Any,
    ) -> Schedule:
        run = Run(max_duration, dataloader_len, scale_schedule_ratio, batch_size, tokens)
        curve: Schedule = base_lr * factor(run, **own)
        return spanning(curve, 1) >> curve if trainer else curve

    own = list(inspect.signature(factor).parameters.values())[1:]
    shared = [one for one in inspect.signature(build, follow_wrapped=False).parameters.values() if one.name != "own"]
    build.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in (*own, *shared)]
    )
    return build


def step(run: Run, step_size: str, gamma: float = 0.1) -> Schedule:
    """`gamma ** (now // step_size)`."""
    return staircase(1.0, gamma, _above_0(run, step_size))


def multi_step(run: Run, milestones: Iterable[str], gamma: float = 0.1) -> Schedule:
    """`gamma ** (how many milestones are past)`."""
    at = sorted(_from(run.batches(one)) for one in milestones)
    return stairs([gamma**i for i in range(len(at) + 1)], at)


def constant_(run: Run, alpha: float = 1.0, t_max: str = "1dur") -> Schedule:
    """`alpha` until `t_max`, then 1: a temporary factor."""
    return stairs([alpha, 1.0], [_from(run.batches(t_max))])


def linear_(run: Run, alpha_i: float = 1.0, alpha_f: float = 0.0, t_max: str = "1dur") -> Schedule:
    """Straight from `alpha_i` to `alpha_f`."""
    return placed((lambda n: linear(alpha_i, alpha_f, n), _above_0(run, t_max)))


def exponential(run: Run, gamma: float, decay_period: str = "1ep") -> Schedule:
    """`gamma ** (now / decay_period)`, without an end."""
    return exponential_decay(1.0, gamma, float(_above_0(run, decay_period)))


def cosine_annealing(run: Run, t_max: str = "1dur", alpha_f: float = 0.0) -> Schedule:
    """A cosine to `alpha_f`."""
    return placed((lambda n: cosine(1.0, alpha_f, n), _above_0(run, t_max)))


def cosine_annealing_warm_restarts(run: Run, t_0: str, t_mult: float = 1.0, alpha_f: float = 0.0) -> Schedule:
    """Cosines to `alpha_f`; each interval is the last one times `t_mult`, rounded down."""
    size = _above_0(run, t_0)
    first, _ = run.amount(t_0)
    if int(t_mult * first) == first or float(t_mult).is_integer():
        growth = t_mult if int(t_mult * first) > first else 1.0
        return placed((lambda n: cosine(1.0, alpha_f, n), size), then=lambda whole: whole.repeat(stretch=growth))
    if size == first:
        return cycles_of(lambda i, n: cosine(1.0, alpha_f, n), first, lambda n: int(t_mult * n))
    lengths = accumulate(range(MANY - 1), lambda n, _: int(t_mult * n), initial=first)
    fall = cosine(1.0, alpha_f, 1)
    return laid_out((fall, n * size / first) for n in takewhile(bool, lengths))


def polynomial_(run: Run, power: float, t_max: str = "1dur", alpha_f: float = 0.0) -> Schedule:
    """A polynomial to `alpha_f`."""
    return placed((lambda n: polynomial(1.0, alpha_f, n, power), _above_0(run, t_max)))


def multi_step_with_warmup(
    run: Run, t_warmup: str, milestones: Iterable[str], gamma: float = 0.1, scale_warmup: bool = False
) -> Schedule:
    """Straight from 0; milestones count from update 0."""
    warmup = _from(run.batches(t_warmup, scaled=False))
    return joined([_ramp(run, t_warmup, 1.0, scale_warmup), multi_step(run, milestones, gamma)[warmup:]])


def linear_with_warmup(
    run: Run,
    t_warmup: str,
    alpha_i: float = 1.0,
    alpha_f: float = 0.0,
    t_max: str = "1dur",
    scale_warmup: bool = False,
) -> Schedule:
    """Straight from 0 to `alpha_i`, then to `alpha_f` by `t_max`, the warmup included."""
    return _warmed(run, t_warmup, t_max, scale_warmup, alpha_i, lambda n: linear(alpha_i, alpha_f, n))


def constant_with_warmup(
    run: Run, t_warmup: str, alpha: float = 1.0, t_max: str = "1dur", scale_warmup: bool = False
) -> Schedule:
    """Straight from 0 to `alpha`."""
    return linear_with_warmup(run, t_warmup, alpha, alpha, t_max, scale_warmup)


def cosine_annealing_with_warmup(
    run: Run, t_warmup: str, t_max: str = "1dur", alpha_f: float = 0.0, scale_warmup: bool = False
) -> Schedule:
    """Straight from 0, then a cosine to `alpha_f` by `t_max`."""
    return _warmed(run, t_warmup, t_max, scale_warmup, 1.0, lambda n: cosine(1.0, alpha_f, n))


def polynomial_with_warmup(
    run: Run,
    t_warmup: str,
    power: float = 2.0,
    t_max: str = "1dur",
    alpha_f: float = 0.0,
    scale_warmup: bool = False,
) -> Schedule:
    """Straight from 0, then a polynomial to `alpha_f` by `t_max`."""
    return _warmed(run, t_warmup, t_max, scale_warmup, 1.0, lambda n: polynomial(1.0, alpha_f, n, power))


def _warmed(run: Run, t_warmup: str, t_max: str, scale_warmup: bool, peak: float, leg: Leg) -> Schedule:
    _fits(run, t_warmup, t_max)
    warmup, end = run.batches(t_warmup, scaled=False), run.batches(t_max)
    ramp = _ramp(run, t_warmup, peak, scale_warmup)
    if end <= warmup:
        return joined([ramp, constant(peak)])
    late = _from(warmup) - warmup  # a warmup that ends between two updates: the first after it is in the fall
    return joined([ramp, placed((leg, end - warmup), begin=late)])


def _fits(run: Run, t_warmup: str, t_max: str) -> None:
    (_, unit), (end, other), (whole, last) = run.amount(t_warmup), run.amount(t_max), run.amount("1dur")
    if unit != other:
        raise InvalidSchedule(f"t_warmup={t_warmup!r} and t_max={t_max!r} are in different units, {unit} and {other}")
    if other == last and end < whole:
        raise InvalidSchedule(f"t_max={t_max!r} ends before max_duration={run.max_duration!r}, which Composer refuses")


def _ramp(run: Run, t_warmup: str, peak: float, scale_warmup: bool) -> Schedule:
    """As long as the warmup, but as steep as the scaled one."""
    steps = _from(run.batches(t_warmup, scaled=False))
    reached = run.batches(t_warmup, scaled=scale_warmup)
    if not steps or not reached:
        return constant(0.0, 0)
    return spanning(placed((lambda n: linear(0.0, peak, n), reached)), steps)


def _above_0(run: Run, time: str) -> Fraction:
    batches = run.batches(time)
    if batches <= 0:
        raise InvalidSchedule(f"{time!r} is {batches} batches: a division by zero")
    return batches


def _from(batches: Fraction) -> int:
    """The first update that is not before a time."""
    return -(-batches.numerator // batches.denominator)


SCHEDULES: dict[str, Callable[..., Schedule]] = {
    "StepScheduler": in_run(step),
    "MultiStepScheduler": in_run(multi_step),
    "ConstantScheduler": in_run(constant_),
    "LinearScheduler": in_run(linear_),
    "ExponentialScheduler": in_run(exponential),
    "CosineAnnealingScheduler": in_run(cosine_annealing),
    "CosineAnnealingWarmRestartsScheduler": in_run(cosine_annealing_warm_restarts),
    "PolynomialScheduler": in_run(polynomial_),
    "MultiStepWithWarmupScheduler": in_run(multi_step_with_warmup),
    "ConstantWithWarmupScheduler": in_run(constant_with_warmup),
    "LinearWithWarmupScheduler": in_run(linear_with_warmup),
    "CosineAnnealingWithWarmupScheduler": in_run(cosine_annealing_with_warmup),
    "PolynomialWithWarmupScheduler": in_run(polynomial_with_warmup),
}
