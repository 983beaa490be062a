"""`torch.optim.lr_scheduler`: what update k uses when `scheduler.step()` follows each update.

Step these by epoch and they count epochs. The curves are the closed forms; torch itself multiplies the current
rate, which is the same to rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import Any

from stepsize.errors import InvalidSchedule
from stepsize.schedule import constant, cosine, exponential_decay, linear, polynomial
from stepsize.schedule.algebra import Schedule, as_schedule
from stepsize.schedule.compat.families import ANNEAL, one_cycle_through, running_product, scaled_triangles
from stepsize.schedule.compat.placing import (
    between,
    called,
    choice,
    exact,
    in_turn,
    needs_metric,
    positive_span,
    staircase,
    stairs,
)
from stepsize.schedule.node import scalar, whole_steps


def lambda_lr(base_lr: Any, lr_lambda: Any) -> Schedule:
    """`base_lr * lr_lambda(k)`; a Schedule is as good as a function."""
    return between(0.0, base_lr, called(lr_lambda, "lr_lambda"))


def multiplicative_lr(base_lr: Any, lr_lambda: Any, updates: int | None = None) -> Schedule:
    """`base_lr * lr_lambda(1) * ... * lr_lambda(k)`, written out for `updates` updates; a number needs none."""
    return running_product(base_lr, lr_lambda, updates)


def step_lr(base_lr: Any, step_size: int, gamma: float = 0.1) -> Schedule:
    """`base_lr * gamma ** (k // step_size)`."""
    return staircase(base_lr, gamma, whole_steps(step_size, "step_size"))


def multi_step_lr(base_lr: Any, milestones: Iterable[int], gamma: float = 0.1) -> Schedule:
    """`base_lr * gamma ** (how many milestones are <= k)`; one that stands twice counts twice."""
    at = sorted(m for m in (whole_steps(one, "milestone", least=-(10**12)) for one in milestones) if m >= 0)
    return stairs([base_lr * gamma**i for i in range(len(at) + 1)], at)


def constant_lr(base_lr: Any, factor: float = 1.0 / 3, total_iters: int = 5) -> Schedule:
    """`base_lr * factor` for `total_iters` updates, then `base_lr`; with total_iters=0 the factor stays for ever."""
    if not 0 < scalar(factor, "factor") <= 1:
        raise InvalidSchedule(f"factor is above 0 and at most 1 (torch divides by it), got {factor!r}")
    steps = whole_steps(total_iters, "total_iters", least=0)
    return stairs([base_lr * factor, base_lr], [steps]) if steps else constant(base_lr * factor)


def linear_lr(base_lr: Any, start_factor: float = 1.0 / 3, end_factor: float = 1.0, total_iters: int = 5) -> Schedule:
    """From `base_lr * start_factor` straight to `base_lr * end_factor`; with total_iters=0 the start stays for ever."""
    if not (0 < scalar(start_factor, "start_factor") <= 1 and 0 <= scalar(end_factor, "end_factor") <= 1):
        raise InvalidSchedule(f"factors are at most 1, got start_factor={start_factor!r}, end_factor={end_factor!r}")
    steps = whole_steps(total_iters, "total_iters", least=0)
    first = base_lr * start_factor
    return linear(first, base_lr * end_factor, steps) if steps else constant(first)


def exponential_lr(base_lr: Any, gamma: float) -> Schedule:
    """`base_lr * gamma ** k`."""
    return exponential_decay(base_lr, gamma, 1) if gamma else stairs([base_lr, 0.0], [1])


def polynomial_lr(base_lr: Any, total_iters: int = 5, power: float = 1.0) -> Schedule:
    """`base_lr * (1 - k / total_iters) ** power`, then 0; with total_iters=0 it stays at `base_lr`."""
    steps = whole_steps(total_iters, "total_iters", least=0)
    return polynomial(base_lr, 0.0, steps, power) if steps and power else constant(base_lr)


def cosine_annealing_lr(base_lr: Any, T_max: int, eta_min: Any = 0.0) -> Schedule:  # noqa: N803
    """A cosine from `base_lr` to `eta_min` in `T_max` updates; then it climbs back, again and again."""
    return cosine(base_lr, eta_min, whole_steps(T_max, "T_max")).after("mirror")


def cosine_annealing_warm_restarts(base_lr: Any, T_0: int, T_mult: int = 1, eta_min: Any = 0.0) -> Schedule:  # noqa: N803
    """A cosine from `base_lr` to `eta_min`; cycle i lasts `T_0 * T_mult**i` updates."""
    growth = whole_steps(T_mult, "T_mult")
    return cosine(base_lr, eta_min, whole_steps(T_0, "T_0")).repeat(stretch=growth)


def cyclic_lr(
    base_lr: Any,
    max_lr: Any,
    step_size_up: Any = 2000,
    step_size_down: Any = None,
    mode: str = "triangular",
    gamma: float = 1.0,
    scale_fn: Any = None,
    scale_mode: str = "cycle",
    cycle_momentum: bool = True,
    base_momentum: Any = 0.8,
    max_momentum: Any = 0.9,
) -> Schedule:
    """Straight up from `base_lr` to `max_lr` and down again; for its momentum, call it with base and max exchanged."""
    up = positive_span(step_size_up, "step_size_up")
    down = up if step_size_down is None else positive_span(step_size_down, "step_size_down")
    wave = scaled_triangles(up, down, mode, gamma, scale_fn, scale_mode)
    return between(base_lr, max_lr, wave)


def one_cycle_lr(
    max_lr: Any,
    total_steps: int | None = None,
    epochs: int | None = None,
    steps_per_epoch: int | None = None,
    pct_start: float = 0.3,
    anneal_strategy: str = "cos",
    cycle_momentum: bool = True,
    base_momentum: Any = 0.85,
    max_momentum: Any = 0.95,
    div_factor: float = 25.0,
    final_div_factor: float = 1e4,
    three_phase: bool = False,
) -> Schedule:
    """Up to `max_lr` at update `pct_start * total_steps - 1`, whole or not, and down by `total_steps - 1`.

    Update `total_steps` still answers, a little beyond the end (below 0 if linear); torch raises after it.
    """
    total = cycle_steps(total_steps, epochs, steps_per_epoch)
    if not 0 <= scalar(pct_start, "pct_start") <= 1:
        raise InvalidSchedule(f"pct_start is a share from 0 to 1, got {pct_start!r}")
    initial = max_lr / div_factor
    final = initial / final_div_factor
    peak = exact(pct_start) * total - 1
    joints = [(peak, max_lr), (2 * peak, initial)] if three_phase else [(peak, max_lr)]
    return one_cycle_through(initial, [*joints, (Fraction(total - 1), final)], anneal_strategy, total)


def cycle_steps(total_steps: Any, epochs: Any, steps_per_epoch: Any) -> int:
    if total_steps is not None:
        return whole_steps(total_steps, "total_steps")
    if epochs is None or steps_per_epoch is None:
        raise InvalidSchedule("needs total_steps, or epochs and steps_per_epoch")
    return whole_steps(epochs, "epochs") * whole_steps(steps_per_epoch, "steps_per_epoch")


def sequential_lr(schedulers: Sequence[Any], milestones: Sequence[int]) -> Schedule:
    """Schedule i from milestone i - 1 on, counting from its own update 0."""
    return in_turn(schedulers, milestones)


def chained_scheduler(base_lr: Any, schedulers: Sequence[Any]) -> Schedule:
    """`base_lr` times what each schedule is of `base_lr`.

    So it is in torch for the kinds that multiply the current rate: MultiplicativeLR, StepLR, MultiStepLR, ConstantLR,
    LinearLR, ExponentialLR, PolynomialLR, and CosineAnnealingLR with eta_min=0 until it climbs. The others overwrite
    what stands before them in the list.
    """
    if not schedulers:
        raise InvalidSchedule("schedulers needs at least one")
    result = as_schedule(schedulers[0], "schedulers[0]")
    for i, one in enumerate(schedulers[1:], start=1):
        result *= as_schedule(one, f"schedulers[{i}]") * (1 / base_lr)
    return result


def swalr(base_lr: Any, swa_lr: Any, anneal_epochs: int = 10, anneal_strategy: str = "cos") -> Schedule:
    """From `base_lr` to `swa_lr` in `anneal_epochs` steps, by the scheduler alone."""
    leg, _ = ANNEAL[choice(anneal_strategy, "anneal_strategy", ANNEAL)]
    steps = whole_steps(anneal_epochs, "anneal_epochs", least=0)
    return leg(base_lr, swa_lr)(steps) if steps else constant(swa_lr)


SCHEDULES: dict[str, Callable[..., Schedule]] = {
    "LambdaLR": lambda_lr,
    "MultiplicativeLR": multiplicative_lr,
    "StepLR": step_lr,
    "MultiStepLR": multi_step_lr,
    "ConstantLR": constant_lr,
    "LinearLR": linear_lr,
    "ExponentialLR": exponential_lr,
    "PolynomialLR": polynomial_lr,
    "CosineAnnealingLR": cosine_annealing_lr,
    "CosineAnnealingWarmRestarts": cosine_annealing_warm_restarts,
    "CyclicLR": cyclic_lr,
    "OneCycleLR": one_cycle_lr,
    "SequentialLR": sequential_lr,
    "ChainedScheduler": chained_scheduler,
    "SWALR": swalr,
}
REFUSED = {"ReduceLROnPlateau": needs_metric("ReduceLROnPlateau")}
