"""`paddle.optimizer.lr`: update k uses `scheduler()` after k calls of `scheduler.step()`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import Any

from stepsize.errors import InvalidSchedule
from stepsize.schedule import constant, cosine, exponential_decay, inverse_sqrt, inverse_time, linear, polynomial
from stepsize.schedule.algebra import Schedule, as_schedule
from stepsize.schedule.compat.families import cycling_polynomial, one_cycle_through, running_product, scaled_triangles
from stepsize.schedule.compat.placing import called, exact, joined, needs_metric, positive_span, staircase, stairs
from stepsize.schedule.node import scalar, whole_steps


def noam_decay(d_model: float, warmup_steps: int, learning_rate: Any = 1.0) -> Schedule:
    """`learning_rate * d_model**-0.5 * min(k**-0.5, k * warmup_steps**-1.5)`; update 0 is at rate 0."""
    if not scalar(d_model, "d_model") > 0:
        raise InvalidSchedule(f"d_model must be above 0, got {d_model!r}")
    warmup = whole_steps(warmup_steps, "warmup_steps")
    peak = learning_rate * (d_model * warmup) ** -0.5
    return linear(0.0, peak, warmup) >> inverse_sqrt(peak, warmup)


def piecewise_decay(boundaries: Sequence[float], values: Sequence[Any]) -> Schedule:
    """`values[i]` until update `boundaries[i]`; then the last value, even if there are more in between."""
    if not 0 < len(boundaries) < len(values):
        raise InvalidSchedule(
            f"needs at least one boundary and more values, got {len(boundaries)} boundaries and {len(values)} values"
        )
    at = accumulate((max(math.ceil(scalar(one, "boundaries")), 0) for one in boundaries), max)
    return stairs([*values[: len(boundaries)], values[-1]], list(at))


def natural_exp_decay(learning_rate: Any, gamma: float) -> Schedule:
    """`learning_rate * e ** (-gamma * k)`."""
    if not scalar(gamma, "gamma") > 0:
        raise InvalidSchedule(f"gamma must be above 0, got {gamma!r}")
    return exponential_decay(learning_rate, math.exp(-1), 1 / gamma)


def inverse_time_decay(learning_rate: Any, gamma: float) -> Schedule:
    """`learning_rate / (1 + gamma * k)`."""
    return inverse_time(learning_rate, gamma, 1) if gamma else constant(learning_rate)


def exponential_decay_(learning_rate: Any, gamma: float) -> Schedule:
    """`learning_rate * gamma ** k`."""
    if not 0 < scalar(gamma, "gamma") < 1:
        raise InvalidSchedule(f"gamma is between 0 and 1, got {gamma!r}")
    return exponential_decay(learning_rate, gamma, 1)


def polynomial_decay(
    learning_rate: Any, decay_steps: int, end_lr: Any = 0.0001, power: float = 1.0, cycle: bool = False
) -> Schedule:
    """To `end_lr` in `decay_steps`; with `cycle` again and again, from lower and lower."""
    if cycle:
        return cycling_polynomial(learning_rate, decay_steps, end_lr, power)
    return polynomial(learning_rate, end_lr, whole_steps(decay_steps, "decay_steps"), power)


def linear_warmup(learning_rate: Any, warmup_steps: int, start_lr: Any, end_lr: Any) -> Schedule:
    """Straight from `start_lr` to `end_lr`, then `learning_rate`: a number, or a Schedule from its own update 0."""
    if not scalar(end_lr, "end_lr") > scalar(start_lr, "start_lr"):
        raise InvalidSchedule(f"end_lr must be above start_lr, got start_lr={start_lr!r}, end_lr={end_lr!r}")
    rise = linear(start_lr, end_lr, whole_steps(warmup_steps, "warmup_steps"))
    return joined([rise, as_schedule(learning_rate, "learning_rate")])


def multi_step_decay(learning_rate: Any, milestones: Sequence[float], gamma: float = 0.1) -> Schedule:
    """`learning_rate * gamma ** (how many milestones are <= k)`."""
    if not gamma < 1 or any(b <= a for a, b in pairwise(milestones)):
        raise InvalidSchedule(f"milestones must rise and gamma be below 1, got {milestones!r} and gamma={gamma!r}")
    at = [max(math.ceil(scalar(one, "milestones")), 0) for one in milestones]
    return stairs([learning_rate * gamma**i for i in range(len(at) + 1)], at)


def step_decay(learning_rate: Any, step_size: int, gamma: float = 0.1) -> Schedule:
    """`learning_rate * gamma ** (k // step_size)`."""
    if not gamma < 1:
        raise InvalidSchedule(f"gamma must be below 1, got {gamma!r}")
    return staircase(learning_rate, gamma, whole_steps(step_size, "step_size"))


def lambda_decay(learning_rate: Any, lr_lambda: Any) -> Schedule:
    """`learning_rate * lr_lambda(k)`."""
    scaled: Schedule = called(lr_lambda, "lr_lambda") * learning_rate
    return scaled


def multiplicative_decay(learning_rate: Any, lr_lambda: Any, updates: int | None = None) -> Schedule:
    """`learning_rate * lr_lambda(1) * ... * lr_lambda(k)`, written out for `updates` updates; a number needs none."""
    return running_product(learning_rate, lr_lambda, updates)


def cosine_annealing_decay(learning_rate: Any, T_max: int, eta_min: Any = 0) -> Schedule:  # noqa: N803
    """A cosine to `eta_min` in `T_max` updates; then it climbs back, again and again."""
    return cosine(learning_rate, eta_min, whole_steps(T_max, "T_max")).after("mirror")


def cosine_annealing_warm_restarts(learning_rate: Any, T_0: int, T_mult: int = 1, eta_min: Any = 0) -> Schedule:  # noqa: N803
    """A cosine to `eta_min`; cycle i lasts `T_0 * T_mult**i` updates."""
    return cosine(learning_rate, eta_min, whole_steps(T_0, "T_0")).repeat(stretch=whole_steps(T_mult, "T_mult"))


def linear_lr(
    learning_rate: Any, total_steps: float, start_factor: float = 1.0 / 3, end_factor: float = 1.0
) -> Schedule:
    """Straight between two shares of `learning_rate`; what is left of `total_steps` after whole updates is not gone."""
    if not (0 < scalar(start_factor, "start_factor") <= 1 and 0 <= scalar(end_factor, "end_factor") <= 1):
        raise InvalidSchedule(f"factors are at most 1, got start_factor={start_factor!r}, end_factor={end_factor!r}")
    span = positive_span(total_steps, "total_steps")
    last = start_factor + (end_factor - start_factor) * float(int(span) / span)
    return joined([linear(learning_rate * start_factor, learning_rate * last, int(span))])


def one_cycle_lr(
    max_learning_rate: Any,
    total_steps: int,
    divide_factor: float = 25.0,
    end_learning_rate: Any = 0.0001,
    phase_pct: float = 0.3,
    anneal_strategy: str = "cos",
    three_phase: bool = False,
) -> Schedule:
    """As torch's OneCycleLR, down to an absolute `end_learning_rate`."""
    total, initial = whole_steps(total_steps, "total_steps", least=2), max_learning_rate / divide_factor
    if not 0 <= scalar(phase_pct, "phase_pct") < (0.5 if three_phase else 1):
        raise InvalidSchedule(f"phase_pct is a share from 0 to 1, or to 0.5 with three phases; got {phase_pct!r}")
    peak = exact(phase_pct, "phase_pct") * total - 1
    joints = [(peak, max_learning_rate), (2 * peak, initial)] if three_phase else [(peak, max_learning_rate)]
    return one_cycle_through(initial, [*joints, (Fraction(total - 1), end_learning_rate)], anneal_strategy, total)


def cyclic_lr(
    base_learning_rate: Any,
    max_learning_rate: Any,
    step_size_up: int,
    step_size_down: int | None = None,
    mode: str = "triangular",
    exp_gamma: float = 1.0,
    scale_fn: Any = None,
    scale_mode: str = "cycle",
) -> Schedule:
    """Straight up and down again, as torch's CyclicLR."""
    up = Fraction(whole_steps(step_size_up, "step_size_up"))
    down = up if step_size_down is None else Fraction(whole_steps(step_size_down, "step_size_down"))
    wave = scaled_triangles(up, down, mode, exp_gamma, scale_fn, scale_mode)
    result: Schedule = wave * (max_learning_rate - base_learning_rate) + base_learning_rate
    return result


SCHEDULES: dict[str, Callable[..., Schedule]] = {
    "NoamDecay": noam_decay,
    "PiecewiseDecay": piecewise_decay,
    "NaturalExpDecay": natural_exp_decay,
    "InverseTimeDecay": inverse_time_decay,
    "ExponentialDecay": exponential_decay_,
    "PolynomialDecay": polynomial_decay,
    "LinearWarmup": linear_warmup,
    "MultiStepDecay": multi_step_decay,
    "StepDecay": step_decay,
    "LambdaDecay": lambda_decay,
    "MultiplicativeDecay": multiplicative_decay,
    "CosineAnnealingDecay": cosine_annealing_decay,
    "CosineAnnealingWarmRestarts": cosine_annealing_warm_restarts,
    "LinearLR": linear_lr,
    "OneCycleLR": one_cycle_lr,
    "CyclicLR": cyclic_lr,
}
REFUSED = {"ReduceOnPlateau": needs_metric("ReduceOnPlateau")}
