"""`fvcore.common.param_scheduler`: update k uses `scheduler(k / max_iter)`, as in detectron2.

Without `max_iter` the step is the position itself, which is how `CompositeParamScheduler` takes its parts. Where fvcore
raises, at or past position 1, the last value holds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import accumulate
from typing import Any

from stepsize.errors import InvalidSchedule
from stepsize.schedule import constant, cosine, exponential_decay, polynomial
from stepsize.schedule.algebra import Schedule, as_schedule
from stepsize.schedule.compat.families import endless_line
from stepsize.schedule.compat.placing import choice, exact, joined, spanning, stairs
from stepsize.schedule.node import whole_steps

# A boundary acts so much of the run before it is there, against rounding.
EPSILON = Fraction(1, 10**6)


def constant_(value: Any, max_iter: int = 1) -> Schedule:
    """`value`."""
    return constant(value)


def cosine_(start_value: Any, end_value: Any, max_iter: int = 1) -> Schedule:
    """Half a cosine; past the end it climbs back."""
    return cosine(start_value, end_value, whole_steps(max_iter, "max_iter")).after("mirror")


def exponential(start_value: Any, decay: float, max_iter: int = 1) -> Schedule:
    """`start_value * decay ** (k / max_iter)`: the factor of the whole run."""
    return exponential_decay(start_value, decay, whole_steps(max_iter, "max_iter"))


def linear(start_value: Any, end_value: Any, max_iter: int = 1) -> Schedule:
    """A straight line, which goes on past the end."""
    return endless_line(start_value, end_value, whole_steps(max_iter, "max_iter"))


def polynomial_decay(base_value: Any, power: float, max_iter: int = 1) -> Schedule:
    """`base_value * (1 - k / max_iter) ** power`."""
    return polynomial(base_value, 0.0, whole_steps(max_iter, "max_iter"), power)


def multi_step(
    values: Sequence[Any],
    max_iter: int,
    num_updates: int | None = None,
    milestones: Sequence[int] | None = None,
) -> Schedule:
    """`values[i]` until milestone i of `num_updates`; without that number the last milestone is the end."""
    if milestones is None and num_updates is not None:
        width = math.ceil(num_updates / len(values))
        milestones = [width * i for i in range(1, len(values))]
    elif milestones is not None and num_updates is None:
        *milestones, num_updates = milestones
    if milestones is None or num_updates is None:
        raise InvalidSchedule("needs num_updates, or milestones whose last one is the end, or both")
    rises = all(a < b for a, b in zip([0, *milestones], [*milestones, num_updates], strict=True))
    if len(milestones) != len(values) - 1 or not rises:
        raise InvalidSchedule(
            f"milestones must rise to num_updates={num_updates}, one fewer than values; got {list(milestones)} for "
            f"{len(values)} values"
        )
    return _stairs(values, [Fraction(one, num_updates) for one in milestones], max_iter)


def step(num_updates: Any, values: Sequence[Any], max_iter: int) -> Schedule:
    """Each value for as long as the others; `num_updates` is not used."""
    return _stairs(values, [Fraction(i, len(values)) for i in range(1, len(values))], max_iter)


def step_with_fixed_gamma(base_value: Any, num_decays: int, gamma: float, num_updates: Any, max_iter: int) -> Schedule:
    """`num_decays` times less by `gamma`, evenly over the run."""
    decays = whole_steps(num_decays, "num_decays")
    return step(num_updates, [base_value * gamma**i for i in range(decays + 1)], max_iter)


def _stairs(values: Sequence[Any], at: Sequence[Fraction], max_iter: int) -> Schedule:
    total = whole_steps(max_iter, "max_iter")
    return stairs(values, [max(math.ceil((one - EPSILON) * total), 0) for one in at])


def composite(
    schedulers: Sequence[Any], lengths: Sequence[float], interval_scaling: Sequence[str], max_iter: int
) -> Schedule:
    """Schedules of a position one after another; "rescaled" ones run whole, of "fixed" ones a part is seen."""
    shares, total = _shares(lengths), whole_steps(max_iter, "max_iter")
    if not len(schedulers) == len(shares) == len(interval_scaling):
        raise InvalidSchedule(
            f"needs a length and a scaling for each schedule, got {lengths!r} and {interval_scaling!r} for "
            f"{len(schedulers)} schedules"
        )
    begins = [Fraction(0), *accumulate(shares[:-1])]
    first = [0, *(math.floor((one - EPSILON) * total) + 1 for one in begins[1:])]
    parts = []
    for i, one in enumerate(schedulers):
        rescaled = choice(interval_scaling[i], "interval_scaling", ("rescaled", "fixed")) == "rescaled"
        begin, share = (begins[i], shares[i]) if rescaled else (Fraction(0), Fraction(1))
        at, stride = max((first[i] / Fraction(total) - begin) / share, Fraction(0)), 1 / (share * total)
        curve = as_schedule(one, f"schedulers[{i}]")[float(at) :: float(stride)]
        parts.append(curve if i == len(shares) - 1 else spanning(curve, first[i + 1] - first[i]))
    return joined(parts)


def _shares(lengths: Sequence[float]) -> list[Fraction]:
    """Shares of the run, 1 in all; the last is what the others leave."""
    shares = [exact(one, "lengths") for one in lengths]
    if not shares or any(one <= 0 for one in shares) or abs(float(sum(shares)) - 1) >= 1e-3:
        raise InvalidSchedule(f"lengths must be above 0 and 1 in all, got {lengths!r}")
    return [*shares[:-1], 1 - sum(shares[:-1], Fraction(0))]


SCHEDULES: dict[str, Callable[..., Schedule]] = {
    "ConstantParamScheduler": constant_,
    "CosineParamScheduler": cosine_,
    "ExponentialParamScheduler": exponential,
    "LinearParamScheduler": linear,
    "PolynomialDecayParamScheduler": polynomial_decay,
    "MultiStepParamScheduler": multi_step,
    "StepParamScheduler": step,
    "StepWithFixedGammaParamScheduler": step_with_fixed_gamma,
    "CompositeParamScheduler": composite,
}
