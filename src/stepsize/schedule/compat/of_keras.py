"""`keras.optimizers.schedules`: update k uses `schedule(k)`, as the optimizer's iterations count.

In numbers that are exact: Keras computes in float32, and in whole numbers if the first argument is one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from stepsize.errors import InvalidSchedule
from stepsize.schedule import cosine, exponential_decay, inverse_time, linear, polynomial
from stepsize.schedule.algebra import Schedule
from stepsize.schedule.compat.families import cycling_polynomial
from stepsize.schedule.compat.placing import growing, held_for, placed, positive_span, stairs
from stepsize.schedule.compat.placing import staircase as falling_stairs


def exponential_decay_(
    initial_learning_rate: Any,
    decay_steps: Any,
    decay_rate: float,
    staircase: bool = False,
    name: str = "ExponentialDecay",
) -> Schedule:
    """`initial_learning_rate * decay_rate ** (k / decay_steps)`; the exponent rounded down if `staircase`."""
    if staircase:
        return falling_stairs(initial_learning_rate, decay_rate, positive_span(decay_steps, "decay_steps"))
    return exponential_decay(initial_learning_rate, decay_rate, decay_steps)


def piecewise_constant_decay(
    boundaries: Sequence[Any], values: Sequence[Any], name: str = "PiecewiseConstant"
) -> Schedule:
    """`values[i]` up to and with update `boundaries[i]`."""
    if len(boundaries) != len(values) - 1:
        raise InvalidSchedule(f"values needs one entry more than boundaries, got {len(values)} and {len(boundaries)}")
    return stairs(values, [max(int(boundary) + 1, 0) for boundary in boundaries])


def polynomial_decay(
    initial_learning_rate: Any,
    decay_steps: Any,
    end_learning_rate: Any = 0.0001,
    power: float = 1.0,
    cycle: bool = False,
    name: str = "PolynomialDecay",
) -> Schedule:
    """To `end_learning_rate` in `decay_steps`; with `cycle` again and again, from lower and lower."""
    span = positive_span(decay_steps, "decay_steps")
    if not cycle:
        return placed((lambda n: polynomial(initial_learning_rate, end_learning_rate, n, power), span))
    return cycling_polynomial(initial_learning_rate, decay_steps, end_learning_rate, power)


def inverse_time_decay(
    initial_learning_rate: Any,
    decay_steps: Any,
    decay_rate: float,
    staircase: bool = False,
    name: str = "InverseTimeDecay",
) -> Schedule:
    """`initial_learning_rate / (1 + decay_rate * k / decay_steps)`; the quotient rounded down if `staircase`."""
    if staircase:
        span = positive_span(decay_steps, "decay_steps")
        return held_for(inverse_time(initial_learning_rate, decay_rate, 1), span)
    return inverse_time(initial_learning_rate, decay_rate, decay_steps)


def cosine_decay(
    initial_learning_rate: Any,
    decay_steps: Any,
    alpha: float = 0.0,
    name: str = "CosineDecay",
    warmup_target: Any = None,
    warmup_steps: Any = 0,
) -> Schedule:
    """A cosine to `alpha` times its start; with `warmup_target` straight up to that first, outside `decay_steps`."""
    span = positive_span(decay_steps, "decay_steps")
    if warmup_target is None:
        return placed((lambda n: cosine(initial_learning_rate, alpha * initial_learning_rate, n), span))
    rise = positive_span(warmup_steps, "warmup_steps") if warmup_steps else 0
    return placed(
        (lambda n: linear(initial_learning_rate, warmup_target, n), rise),
        (lambda n: cosine(warmup_target, alpha * warmup_target, n), span),
    )


def cosine_decay_restarts(
    initial_learning_rate: Any,
    first_decay_steps: Any,
    t_mul: float = 2.0,
    m_mul: float = 1.0,
    alpha: float = 0.0,
    name: str = "SGDRDecay",
) -> Schedule:
    """Cosines, each `t_mul` times as long and `m_mul` times as high above the floor `alpha` as the one before."""
    span = positive_span(first_decay_steps, "first_decay_steps")
    height = initial_learning_rate * (1 - alpha)
    cycles = growing(lambda n: cosine(height, 0.0, n), span, t_mul, m_mul)
    return cycles + alpha * initial_learning_rate if alpha else cycles


SCHEDULES: dict[str, Callable[..., Schedule]] = {
    "ExponentialDecay": exponential_decay_,
    "PiecewiseConstantDecay": piecewise_constant_decay,
    "PolynomialDecay": polynomial_decay,
    "InverseTimeDecay": inverse_time_decay,
    "CosineDecay": cosine_decay,
    "CosineDecayRestarts": cosine_decay_restarts,
}
REFUSED = {"LearningRateSchedule": "an abstract class has no curve; a subclass is a function: ss.function(schedule)"}
