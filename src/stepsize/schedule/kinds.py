"""The leaves by name that last a number of steps: one function for each row of the table of shapes.

Values may be arrays, as long as those of one schedule broadcast together: 64 peaks make a schedule of
64 values a step. Steps may be durations, "5%" or "2 epochs"; `Schedule.over` puts them on a run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stepsize.schedule.algebra import Schedule
from stepsize.schedule.chance import Function, importable
from stepsize.schedule.deferred import timed
from stepsize.schedule.durations import Duration
from stepsize.schedule.node import positive, whole_steps
from stepsize.schedule.shapes import Constant, Ramp

# A number of updates, or a duration that `Schedule.over` puts into updates.
Steps = int | str | Duration


def _ramp(shape: str, start: Any, end: Any, steps: Any, *params: Any) -> Schedule:
    """A row of `SHAPES` between two values; over no step it is absent from a sequence."""
    steps = whole_steps(steps, "steps", least=0)
    ramp = Ramp(shape, start, end, max(steps, 1), params)
    return Schedule(ramp if steps else Constant(ramp.end, 0))


@timed("steps")
def constant(value: Any, steps: Steps | None = None) -> Schedule:
    """One value.

    Args:
        value: the value.
        steps: updates it lasts when something follows, or a duration; None never ends.

    >>> constant(1e-3)(123_456)
    0.001
    """
    return Schedule(Constant(value, steps))  # type: ignore[arg-type]


@timed("steps")
def linear(start: Any, end: Any, steps: Steps) -> Schedule:
    """A straight line: `start + (end - start) * k / steps`.

    Args:
        start: value of update 0.
        end: value reached at update `steps` and held.
        steps: updates, or a duration such as "5%"; 0 makes the phase absent from a sequence.
    Raises:
        InvalidSchedule: a value is not finite, or `steps` is not a whole number of at least 0.

    >>> linear(0, 1, 4)([0, 1, 2, 3, 4]).tolist()
    [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    return _ramp("linear", start, end, steps)


@timed("steps")
def cosine(start: Any, end: Any, steps: Steps) -> Schedule:
    """Half a cosine wave: `end + (start - end) * (1 + cos(pi * k / steps)) / 2`.

    Loshchilov and Hutter, SGDR, 2017 (arXiv:1608.03983). Unlike the schedulers that climb back, the
    end value holds. Arguments and errors as in `linear`.

    >>> cosine(1, 0, 2)([0, 1, 2]).round(9).tolist()
    [1.0, 0.5, 0.0]
    """
    return _ramp("cosine", start, end, steps)


@timed("steps")
def polynomial(start: Any, end: Any, steps: Steps, power: Any) -> Schedule:
    """A power of the time left: `end + (start - end) * (1 - k / steps) ** power`.

    Args:
        start, end, steps: as in `linear`.
        power: above 0; 1 is linear, 2 falls fast first.

    >>> polynomial(1, 0, 4, power=2)([0, 1, 2, 4]).tolist()
    [1.0, 0.5625, 0.25, 0.0]
    """
    return _ramp("polynomial", start, end, steps, power)


@timed("steps")
def one_minus_power(start: Any, end: Any, steps: Steps, power: Any) -> Schedule:
    """A power of the time spent: `start + (end - start) * (k / steps) ** power`.

    With power 2 the "1-square" cooldown, gentle first; with 0.5, `one_minus_sqrt`.

    >>> one_minus_power(1, 0, 4, power=2)([0, 2, 4]).tolist()
    [1.0, 0.75, 0.0]
    """
    return _ramp("one_minus_power", start, end, steps, power)


@timed("steps")
def sine(start: Any, end: Any, steps: Steps) -> Schedule:
    """A quarter of a sine wave: `start + (end - start) * sin(pi / 2 * k / steps)`; arguments as in `linear`.

    >>> sine(0, 1, 3)([0, 1, 3]).round(9).tolist()
    [0.0, 0.5, 1.0]
    """
    return _ramp("sine", start, end, steps)


@timed("steps")
def mirror_cosine(start: Any, end: Any, steps: Steps) -> Schedule:
    """The half cosine mirrored at the straight line: steep at both ends, flat in the middle.

    A cooldown of Dremov et al., Training Dynamics of the Cooldown Stage in Warmup-Stable-Decay, 2025
    (arXiv:2508.01483). Arguments and errors as in `linear`.

    >>> mirror_cosine(1, 0, 4)([0, 2, 4]).round(9).tolist()
    [1.0, 0.5, 0.0]
    """
    return _ramp("mirror_cosine", start, end, steps)


@timed("steps")
def k_decay(start: Any, end: Any, steps: Steps, k: Any, power: Any = None) -> Schedule:
    """A cosine, or with `power` a polynomial, over the progress `(k_th power of u)`, u = step / steps.

    Zhang and Li, k-decay: A New Method for Learning Rate Schedule, 2020 (arXiv:2004.05909).

    Args:
        start, end, steps: as in `linear`.
        k: above 0; 1 changes nothing, more stays high for longer.
        power: of the polynomial; None is the cosine.

    >>> k_decay(1, 0, 4, k=2)([0, 2, 4]).round(6).tolist()
    [1.0, 0.853553, 0.0]
    """
    if power is None:
        return _ramp("k_cosine", start, end, steps, k)
    return _ramp("k_polynomial", start, end, steps, k, power)


@timed("steps")
def tanh(start: Any, end: Any, steps: Steps, lower: float = -6.0, upper: float = 3.0) -> Schedule:
    """Hyperbolic-tangent decay, from `tanh(lower)` to `tanh(upper)`, scaled to reach both values.

    Hsueh et al., Stochastic Gradient Descent with Hyperbolic-Tangent Decay, 2019 (arXiv:1806.01593),
    whose own formula misses both ends by little.

    Args:
        start, end, steps: as in `linear`.
        lower, upper: the stretch of the tangent that is passed, in its own units.

    >>> tanh(1, 0, 3)([0, 2, 3]).round(3).tolist()
    [1.0, 0.499, 0.0]
    """
    return _ramp("tanh", start, end, steps, lower, upper)


@timed("steps")
def sigmoid(start: Any, end: Any, steps: Steps, steepness: float = 10.0) -> Schedule:
    """A logistic curve from `-steepness / 2` to `steepness / 2`, scaled to reach both values.

    >>> sigmoid(1, 0, 4)([0, 2, 4]).round(9).tolist()
    [1.0, 0.5, 0.0]
    """
    quarter = positive(steepness, "steepness") / 4
    return _ramp("tanh", start, end, steps, -quarter, quarter)


@timed("steps")
def hyperbolic(start: Any, end: Any, steps: Steps, bound: Any = 1.0) -> Schedule:
    """A branch of a hyperbola, so that the early curve hardly depends on how long training lasts.

    Kim, HyperbolicLR, 2024 (arXiv:2407.15200).

    Args:
        start, end, steps: as in `linear`.
        bound: the paper's upper bound U as a multiple of `steps`, at least 1; larger is flatter.

    >>> hyperbolic(1, 0, 2, bound=2)([0, 1, 2]).round(6).tolist()
    [1.0, 0.645497, 0.0]
    """
    return _ramp("hyperbolic", start, end, steps, bound)


@timed("steps")
def exp_hyperbolic(start: Any, end: Any, steps: Steps, bound: Any = 1.0) -> Schedule:
    """As `hyperbolic`, but of the logarithm; both values are above 0.

    >>> exp_hyperbolic(1, 0.01, 2)([0, 2]).round(12).tolist()
    [1.0, 0.01]
    """
    return _ramp("exp_hyperbolic", start, end, steps, bound)


@timed("steps")
def exponential(start: Any, end: Any, steps: Steps) -> Schedule:
    """Equal ratios in equal times: `start * (end / start) ** (k / steps)`.

    Args:
        start, end, steps: as in `linear`, both values above 0.

    >>> exponential(1, 0.01, 2)([0, 1, 2]).round(12).tolist()
    [1.0, 0.1, 0.01]
    """
    return _ramp("exponential", start, end, steps)


@timed("steps")
def one_minus_sqrt(start: Any, end: Any, steps: Steps) -> Schedule:
    """The cooldown `start + (end - start) * sqrt(k / steps)`: steep first, then gentle.

    Hägele et al., Scaling Laws and Compute-Optimal Training Beyond Fixed Training Durations, 2024
    (arXiv:2405.18392). Arguments and errors as in `linear`.

    >>> one_minus_sqrt(1, 0, 4)([0, 1, 4]).tolist()
    [1.0, 0.5, 0.0]
    """
    return _ramp("one_minus_sqrt", start, end, steps)


@timed("steps")
def rex(start: Any, end: Any, steps: Steps) -> Schedule:
    """The reflected exponential: `end + (start - end) * (1 - u) / (1 - u / 2)` with u = k / steps.

    Chen, Wolfe and Kyrillidis, REX: Revisiting Budgeted Training, 2022 (arXiv:2107.04197).
    Arguments and errors as in `linear`.

    >>> rex(1, 0, 2)([0, 1, 2]).round(6).tolist()
    [1.0, 0.666667, 0.0]
    """
    return _ramp("rex", start, end, steps)


def function(call: Callable[[Any], Any] | str, steps: int | None = None) -> Schedule:
    """Any function of the step.

    Args:
        call: takes the number of the update (a whole number as int) and returns the value; or its
            place, "module:name". Under a tracing framework it gets that framework's array.
        steps: updates until its value holds; None asks it for ever.

    A document refers to the function by its place, and `Schedule.from_json` must be given it.

    >>> function(lambda step: 1 / (1 + step))(3)
    0.25
    """
    return Schedule(Function(importable(call) if isinstance(call, str) else call, steps))
