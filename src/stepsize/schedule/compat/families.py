"""Curves that several libraries have, under names of their own."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from itertools import accumulate
from typing import Any

from stepsize.errors import InvalidSchedule
from stepsize.schedule import constant, cosine, exponential_decay, linear, one_minus_power, polynomial, power_law
from stepsize.schedule.algebra import Schedule
from stepsize.schedule.compat.placing import LONG, Leg, between, by_cycle, called, choice, joined, placed, stairs
from stepsize.schedule.node import whole_steps

# A curve that goes on beyond its end is drawn so many times as long.
BEYOND = 10**6


def running_product(start: Any, factor: Any, updates: int | None) -> Schedule:
    """`start * factor(1) * ... * factor(k)`, written out for `updates` updates; a number needs none."""
    if not callable(factor):
        return exponential_decay(start, factor, 1)
    if updates is None:
        raise InvalidSchedule("a product of a function's values has no formula; updates=... says how many to write out")
    last = whole_steps(updates, "updates")
    factors = accumulate((factor(k) for k in range(1, last + 1)), lambda one, other: one * other, initial=1.0)
    values = [start * product for product in factors]
    at = [k for k in range(1, len(values)) if values[k] != values[k - 1]]
    return stairs([values[k] for k in (0, *at)], at)


def scaled_triangles(
    up: Fraction, down: Fraction, mode: str, gamma: float, scale_fn: Any = None, scale_mode: str = "cycle"
) -> Schedule:
    """The wave of CyclicLR between 0 and 1, under one of its envelopes."""
    choice(scale_mode, "scale_mode", ("cycle", "iterations"))
    if scale_fn is None:
        shrink, factor = MODES[choice(mode, "mode", MODES)](gamma)
    elif scale_mode == "iterations":
        shrink, factor = 1.0, called(scale_fn, "scale_fn")
    else:
        shrink, factor = 1.0, by_cycle(lambda i: scale_fn(i + 1), up + down)
    wave = triangles(up, down, shrink)
    return wave if factor is None else wave * factor


def triangles(up: Fraction, down: Fraction, shrink: float = 1.0) -> Schedule:
    """From 0 to 1 and back, for ever."""
    legs = (lambda n: linear(0.0, 1.0, n), up), (lambda n: linear(1.0, 0.0, n), down)
    return placed(*legs, then=lambda wave: wave.repeat(shrink=shrink))


# mode -> the factor from cycle to cycle, and one that is a schedule
MODES: dict[str, Callable[[float], tuple[float, Schedule | None]]] = {
    "triangular": lambda gamma: (1.0, None),
    "triangular2": lambda gamma: (0.5, None),
    "exp_range": lambda gamma: (1.0, exponential_decay(1.0, gamma, 1)),
}


def one_cycle_through(start: Any, joints: Sequence[tuple[Fraction, Any]], strategy: str, total: int) -> Schedule:
    """Through (update, value) joints, each leg from the joint before it; a joint below 0 is passed before update 0."""
    leg, beyond = ANNEAL[choice(strategy, "anneal_strategy", ANNEAL)]
    legs: list[tuple[Leg, Fraction]] = []
    at, value, begin = Fraction(0), start, Fraction(0)
    for joint, end in joints:
        if joint < 0:
            legs, begin = [], -joint  # no update lies in this leg: the next has begun before update 0
        elif joint == total - 1 > at:
            legs.append((beyond(value, end, joint - at), joint - at + 1))
        elif joint > at:
            legs.append((leg(value, end), joint - at))
        elif joint < total - 1:
            raise InvalidSchedule(
                f"the phase from update {float(at):g} to {float(joint):g} divides by zero; move its share"
            )
        at, value = joint, end
    return placed(*legs, begin=begin)[:total]


def cos_leg(start: Any, end: Any) -> Leg:
    return lambda n: cosine(start, end, n)


def linear_leg(start: Any, end: Any) -> Leg:
    return lambda n: linear(start, end, n)


def cos_beyond(start: Any, end: Any, span: Fraction) -> Leg:
    """A leg of `span` updates and one more, on its way back."""
    return lambda n: cosine(start, end, int(n * span / (span + 1))).after("mirror")[:n]


def linear_beyond(start: Any, end: Any, span: Fraction) -> Leg:
    """A leg of `span` updates and one more, further down."""
    return lambda n: linear(start, start + (end - start) * float((span + 1) / span), n)


# strategy -> a leg, and one that goes on for an update
ANNEAL: dict[str, tuple[Callable[..., Leg], Callable[..., Leg]]] = {
    "cos": (cos_leg, cos_beyond),
    "linear": (linear_leg, linear_beyond),
}


def cycling_polynomial(start: Any, steps: Any, end: Any, power: float) -> Schedule:
    """Cycle i, from 1: the polynomial over i * steps; a boundary still belongs to the cycle before.

    Within a cycle 1 - k / (i * steps) is 1 / i of what the first cycle has there, so all are the first, lowered.
    """
    size = whole_steps(steps, "decay_steps")
    fall = polynomial(1.0, 0.0, size, power)
    later = joined([fall[1:], constant(0.0, 1)]).repeat()
    lowered = power_law(1.0, power, 1).hold(size)
    return between(end, start, constant(1.0, 1) >> later * lowered)


def endless_line(start: Any, end: Any, steps: int) -> Schedule:
    """The straight line through both, which does not stop at `end`."""
    return linear(start, start + (end - start) * BEYOND, steps * BEYOND)


def endless_power(start: Any, end: Any, steps: int, power: float) -> Schedule:
    """`start + (end - start) * (k / steps) ** power`, which does not stop at `end`."""
    far = start + (end - start) * float(BEYOND) ** power
    return one_minus_power(start, far, steps * BEYOND, power)


def laid_out(pieces: Iterable[tuple[Schedule, Fraction]]) -> Schedule:
    """Curves from step 0 to 1, one after another, each over so many updates, whole or not; an update on a boundary
    belongs to the next. Pieces beyond `LONG` are left out.
    """
    parts, start = [], Fraction(0)
    for curve, span in pieces:
        first, last = math.ceil(start), math.ceil(start + span)
        at, stride = float((first - start) / span), float(1 / span)
        parts.append(curve[at : at + (last - first) * stride : stride] if last > first else curve[1:])
        start += span
        if start > LONG:
            break
    return joined(parts)
