"""Compositions by name from point to point: staircases, milestones, broken lines."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from stepsize.errors import InvalidSchedule
from stepsize.schedule.algebra import Schedule
from stepsize.schedule.deferred import timed
from stepsize.schedule.joints import chain
from stepsize.schedule.kinds import Steps, constant, linear
from stepsize.schedule.node import Misfit, finite, number, positive, scalar, whole_steps


@timed("every")
def step_decay(start: Any, factor: float, every: Steps) -> Schedule:
    """A staircase without an end: the value is multiplied by `factor` every `every` steps.

    >>> step_decay(1.0, 0.5, every=10)([0, 9, 10, 20]).tolist()
    [1.0, 1.0, 0.5, 0.25]
    """
    stair = constant(finite(start, "start"), whole_steps(every, "every"))
    return stair.repeat(shrink=positive(factor, "factor"))


@timed("at")
def multistep(start: Any, factor: float, at: Sequence[Steps], inclusive: bool = False) -> Schedule:
    """The value is multiplied by `factor` at each of the steps `at`.

    Args:
        start: value of update 0.
        factor: multiplies the value at each milestone.
        at: milestones in steps or durations, rising; update `at[0]` is the first with the second value.
        inclusive: update `at[0]` is the last with the first value instead.

    >>> multistep(1.0, 0.1, at=[30, 60])([29, 30, 60]).round(3).tolist()
    [1.0, 0.1, 0.01]
    """
    first, factor = number(finite(start, "start"), np), scalar(factor, "factor")
    return piecewise_constant([first * factor**i for i in range(len(at) + 1)], at, inclusive)


@timed("at")
def piecewise_constant(values: Sequence[Any], at: Sequence[Steps], inclusive: bool = False) -> Schedule:
    """`values[0]` until step `at[0]`, then `values[1]` until `at[1]`, and so on; the last has no end.

    Args:
        values: one more than there are boundaries.
        at: boundaries in steps or durations, rising; update `at[i]` is the first with `values[i + 1]`.
        inclusive: update `at[i]` is the last with `values[i]` instead.

    >>> piecewise_constant([1.0, 0.1], at=[30])
    constant(1.0, 30) >> constant(0.1)
    """
    if len(values) != len(at) + 1:
        raise InvalidSchedule(f"values needs one entry more than at, got {len(values)} values for {len(at)} boundaries")
    ends = [_step(step, "at") + inclusive for step in at]
    spans = [_span(a, b, "at") for a, b in pairwise([0, *ends])]
    return _chain([*map(constant, values, spans), constant(values[-1])])


@timed("points")
def piecewise_linear(points: Sequence[tuple[Steps, Any]]) -> Schedule:
    """Straight lines through `(step, value)` points; the first is at step 0.

    >>> piecewise_linear([(0, 0.0), (10, 1.0), (30, 0.0)])
    linear(0.0, 1.0, 10) >> linear(1.0, 0.0, 20)
    """
    pairs = all(hasattr(point, "__len__") and len(point) == 2 for point in points)
    if not pairs or len(points) < 2 or points[0][0] != 0:
        raise InvalidSchedule(f"points needs at least two (step, value) pairs, the first at step 0; got {points!r}")
    return _chain([linear(a[1], b[1], _span(a[0], b[0], "points")) for a, b in pairwise(points)])


def _chain(parts: Sequence[Schedule]) -> Schedule:
    return Schedule(chain([part.node for part in parts]))


def _step(step: Any, name: str) -> int:
    return whole_steps(step, name, least=0)


def _span(begin: Any, end: Any, name: str) -> int:
    first, last = _step(begin, name), _step(end, name)
    if last <= first:
        raise Misfit(f"{name} must rise by whole steps, got {last} after {first}")
    return last - first
