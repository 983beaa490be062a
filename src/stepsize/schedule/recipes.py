"""Compositions by name: each recipe is made of leaves and joints only, and its repr shows them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from itertools import pairwise
from operator import rshift

from stepsize.errors import InvalidSchedule
from stepsize.schedule.algebra import Schedule, cooldown_shape
from stepsize.schedule.kinds import constant, cosine, linear
from stepsize.schedule.node import finite, positive, whole_steps
from stepsize.schedule.shapes import Constant, Ramp


def warmup_cosine(peak: float, steps: int, warmup: int, end: float = 0.0) -> Schedule:
    """A linear warmup to `peak`, then half a cosine to `end`.

    Args:
        peak: the highest value, reached by update `warmup`.
        steps: updates in all, the warmup included.
        warmup: updates of warmup. Update 0 uses `peak / (warmup + 1)`, not 0; 0 means none.
        end: the value after the last update.
    Raises:
        InvalidSchedule: the warmup leaves no step for the decay.

    >>> warmup_cosine(1.0, steps=10, warmup=4)
    linear(0.2, 1.0, 4) >> cosine(1.0, 0.0, 6)
    """
    return cosine(finite(peak, "peak"), end, _left(steps, warmup=warmup)).warmup(warmup)


def warmup_linear(peak: float, steps: int, warmup: int, end: float = 0.0) -> Schedule:
    """A linear warmup to `peak`, then a straight line to `end`; arguments as in `warmup_cosine`.

    >>> warmup_linear(1.0, steps=10, warmup=4)
    linear(0.2, 1.0, 4) >> linear(1.0, 0.0, 6)
    """
    return linear(finite(peak, "peak"), end, _left(steps, warmup=warmup)).warmup(warmup)


def wsd(peak: float, steps: int, warmup: int, cooldown: int, end: float = 0.0, shape: str = "1-sqrt") -> Schedule:
    """Warmup, stable, decay: a linear warmup, the peak held, then a cooldown.

    Hu et al., MiniCPM, 2024 (arXiv:2404.06395); the cooldown's default shape after Hägele et al.,
    2024 (arXiv:2405.18392).

    Args:
        peak: the highest value.
        steps: updates in all, warmup and cooldown included.
        warmup: updates of warmup; update 0 uses `peak / (warmup + 1)`, not 0.
        cooldown: updates of the decay at the end.
        end: the value after the last update.
        shape: "1-sqrt", "linear", "cosine", "exponential" or "rex".
    Raises:
        InvalidSchedule: warmup and cooldown together are longer than `steps`.

    >>> wsd(1.0, steps=10, warmup=1, cooldown=2)
    linear(0.5, 1.0, 1) >> constant(1.0, 7) >> one_minus_sqrt(1.0, 0.0, 2)
    """
    peak = finite(peak, "peak")
    stable = _left(steps, least=0, warmup=warmup, cooldown=cooldown)
    rise = Ramp("linear", peak / (warmup + 1), peak, warmup) if warmup else None
    hold = Constant(peak, stable) if stable else None
    fall = Ramp(cooldown_shape(shape), peak, end, cooldown) if cooldown else None
    return _chain([Schedule(node) for node in (rise, hold, fall) if node is not None])


def step_decay(start: float, factor: float, every: int) -> Schedule:
    """A staircase without an end: the value is multiplied by `factor` every `every` steps.

    >>> step_decay(1.0, 0.5, every=10)([0, 9, 10, 20]).tolist()
    [1.0, 1.0, 0.5, 0.25]
    """
    stair = constant(finite(start, "start"), whole_steps(every, "every"))
    return stair.repeat(shrink=positive(factor, "factor"))


def multistep(start: float, factor: float, at: Sequence[int]) -> Schedule:
    """The value is multiplied by `factor` at each of the steps `at`.

    Args:
        start: value of update 0.
        factor: multiplies the value at each milestone.
        at: milestones in steps, rising; update `at[0]` is the first with the second value.

    >>> multistep(1.0, 0.1, at=[30, 60])([29, 30, 60]).round(3).tolist()
    [1.0, 0.1, 0.01]
    """
    start, factor = finite(start, "start"), finite(factor, "factor")
    return piecewise_constant([start * factor**i for i in range(len(at) + 1)], at)


def piecewise_constant(values: Sequence[float], at: Sequence[int]) -> Schedule:
    """`values[0]` until step `at[0]`, then `values[1]` until `at[1]`, and so on; the last has no end.

    Args:
        values: one more than there are boundaries.
        at: boundaries in steps, rising; update `at[i]` is the first with `values[i + 1]`.

    >>> piecewise_constant([1.0, 0.1], at=[30])
    constant(1.0, 30) >> constant(0.1)
    """
    if len(values) != len(at) + 1:
        raise InvalidSchedule(f"values needs one entry more than at, got {len(values)} values for {len(at)} boundaries")
    spans = [_span(a, b, "at") for a, b in pairwise([0, *at])]
    return _chain([*map(constant, values, spans), constant(values[-1])])


def piecewise_linear(points: Sequence[tuple[int, float]]) -> Schedule:
    """Straight lines through `(step, value)` points; the first is at step 0.

    >>> piecewise_linear([(0, 0.0), (10, 1.0), (30, 0.0)])
    linear(0.0, 1.0, 10) >> linear(1.0, 0.0, 20)
    """
    pairs = all(hasattr(point, "__len__") and len(point) == 2 for point in points)
    if not pairs or len(points) < 2 or points[0][0] != 0:
        raise InvalidSchedule(f"points needs at least two (step, value) pairs, the first at step 0; got {points!r}")
    return _chain([linear(a[1], b[1], _span(a[0], b[0], "points")) for a, b in pairwise(points)])


def _chain(parts: Sequence[Schedule]) -> Schedule:
    return reduce(rshift, parts)


def _span(begin: int, end: int, name: str) -> int:
    try:
        return whole_steps(whole_steps(end, name) - begin, name)
    except InvalidSchedule:
        raise InvalidSchedule(f"{name} must rise by whole steps, got {end!r} after {begin!r}") from None


def _left(steps: int, least: int = 1, **parts: int) -> int:
    """What the named parts leave of `steps`, at least `least`."""
    total = whole_steps(steps, "steps")
    taken = {name: whole_steps(value, name, least=0) for name, value in parts.items()}
    left = total - sum(taken.values())
    if left < least:
        words = " and ".join(f"{name}={value}" for name, value in taken.items())
        raise InvalidSchedule(f"{words} do not fit into steps={total}: {least - left} too many")
    return left
