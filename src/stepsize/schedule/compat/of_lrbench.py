"""LRBench's policies: update k uses `getLR(k)`. `k0` is the start, but the floor of waves and the end of POLY.

Where a policy of LRBench cannot be computed (POLY of a broken power after l is a complex number), its end holds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from typing import Any

from stepsize.errors import InvalidSchedule
from stepsize.schedule import (
    constant,
    cosine,
    exponential_decay,
    linear,
    logistic,
    polynomial,
    power_law,
    sine,
)
from stepsize.schedule.algebra import Schedule
from stepsize.schedule.compat.families import endless_line, endless_power
from stepsize.schedule.compat.placing import choice, in_turn, joined, placed, positive_span, staircase, stairs
from stepsize.schedule.node import scalar

# One rise, and one fall, between 0 and 1 in so many steps.
Wave = Callable[[int], Schedule]


def fix(k0: Any) -> Schedule:
    """`k0`."""
    return constant(k0)


def step(k0: Any, gamma: float, l: float) -> Schedule:  # noqa: E741
    """`k0 * gamma ** floor(k / l)`."""
    return staircase(k0, gamma, positive_span(l, "l"))


def nstep(k0: Any, gamma: float, l: Sequence[float]) -> Schedule:  # noqa: E741
    """`k0`, times `gamma` at each update in `l`; no update passes two of them, so the second is one later."""
    counted = accumulate((math.ceil(scalar(one, "l")) for one in l), lambda last, one: max(last + 1, one))
    at = [max(one, i) for i, one in enumerate(counted)]
    return stairs([k0 * gamma**i for i in range(len(at) + 1)], at)


def exp(k0: Any, gamma: float) -> Schedule:
    """`k0 * gamma ** k`."""
    return exponential_decay(k0, gamma, 1) if gamma else stairs([k0, 0.0], [1])


def inv(k0: Any, gamma: float, p: float) -> Schedule:
    """`k0 * (1 + gamma * k) ** -p`."""
    return power_law(k0, p, 1 / gamma) if gamma and p else constant(k0)


def poly(k0: Any, k1: Any, p: float, l: float) -> Schedule:  # noqa: E741
    """`k0 + (k1 - k0) * (1 - k / l) ** p`, which no end stops: after l it climbs if p is even and falls if odd."""
    span = positive_span(l, "l")
    if p == 1:
        return placed((lambda n: endless_line(k1, k0, n), span))
    fall = (lambda n: polynomial(k1, k0, n, p)), span
    if p != int(p):
        return placed(fall)
    beyond = k0 + (k1 - k0) * (-1.0) ** int(p)
    return placed(fall, (lambda n: endless_power(k0, beyond, n, p), span))


def sig(k0: Any, gamma: float, l: float) -> Schedule:  # noqa: E741
    """`k0 / (1 + e ** (-gamma * (k - l)))`: falls if `gamma` is below 0, else rises to `k0`."""
    if gamma == 0:
        return constant(k0 / 2)
    return logistic(k0, l, -1 / gamma) if gamma < 0 else k0 + -1.0 * logistic(k0, l, 1 / gamma)


def piecewise_lr(subRegions: Sequence[int], LRparams: Sequence[Any]) -> Schedule:  # noqa: N803
    """Piece i from boundary i - 1 on, counting from its own 0: Schedules, or LRBench's dictionaries."""
    if len(LRparams) <= len(subRegions):
        raise InvalidSchedule(f"needs one piece more than boundaries, got {len(LRparams)} for {len(subRegions)}")
    return in_turn([_policy(one) for one in LRparams[: len(subRegions) + 1]], subRegions)


def _policy(params: Any) -> Any:
    if not isinstance(params, Mapping):
        return params
    own = {key: value for key, value in params.items() if key != "lrPolicy"}
    return SCHEDULES[choice(params.get("lrPolicy"), "lrPolicy", SCHEDULES)](**own)


def wave(rise: Wave, fall: Wave, shrink: float = 1.0, from_peak: bool = False) -> Callable[[Any], Schedule]:
    """Up in l and down in l, for ever; from the peak on, the first half is left out."""

    def make(l: Any) -> Schedule:  # noqa: E741
        span = positive_span(l, "l")
        begin = span if from_peak else 0
        return placed((rise, span), (fall, span), begin=begin, then=lambda both: both.repeat(shrink=shrink))

    return make


def saw(fall: Wave, shrink: float = 1.0) -> Callable[[Any], Schedule]:
    """Down in l, for ever; each restart is still at the bottom, so the peak is never seen."""

    def make(l: Any) -> Schedule:  # noqa: E741
        def after_its_start(steps: int) -> Schedule:
            return joined([fall(steps)[1:], constant(0.0, 1)])

        whole = (after_its_start, positive_span(l, "l"))
        return placed(whole, then=lambda tooth: constant(0.0, 1) >> tooth.repeat(shrink=shrink))

    return make


def plain(shape: Callable[[Any], Schedule]) -> Callable[..., Schedule]:
    """`k0 + (k1 - k0) * wave`."""

    def policy(k0: Any, k1: Any, l: float) -> Schedule:  # noqa: E741
        result: Schedule = shape(l) * (k1 - k0) + k0
        return result

    return policy


def decaying(shape: Callable[[Any], Schedule]) -> Callable[..., Schedule]:
    """`k0 + (k1 - k0) * wave * gamma ** k`."""

    def policy(k0: Any, k1: Any, l: float, gamma: float) -> Schedule:  # noqa: E741
        result: Schedule = shape(l) * exponential_decay(1.0, gamma, 1) * (k1 - k0) + k0
        return result

    return policy


def straight_up(steps: int) -> Schedule:
    return linear(0.0, 1.0, steps)


def straight_down(steps: int) -> Schedule:
    return linear(1.0, 0.0, steps)


def sine_up(steps: int) -> Schedule:
    return sine(0.0, 1.0, steps)


def sine_down(steps: int) -> Schedule:
    return sine(0.0, 1.0, steps).reverse()


def cosine_up(steps: int) -> Schedule:
    return cosine(0.0, 1.0, steps)


def cosine_down(steps: int) -> Schedule:
    return cosine(1.0, 0.0, steps)


# name -> its wave, given the factor from one to the next
WAVES: dict[str, Callable[[float], Callable[[Any], Schedule]]] = {
    "TRI": lambda shrink: wave(straight_up, straight_down, shrink),
    "DTRI": lambda shrink: wave(straight_up, straight_down, shrink, from_peak=True),
    "SIN": lambda shrink: wave(sine_up, sine_down, shrink),
    "DSIN": lambda shrink: wave(sine_up, sine_down, shrink, from_peak=True),
    "COS": lambda shrink: wave(cosine_up, cosine_down, shrink, from_peak=True),
    "UPCOS": lambda shrink: wave(cosine_up, cosine_down, shrink),
    "RSW": lambda shrink: saw(straight_down, shrink),
    "SINRSW": lambda shrink: saw(sine_down, shrink),
    "COSRSW": lambda shrink: saw(cosine_down, shrink),
}
SCHEDULES: dict[str, Callable[..., Schedule]] = {
    "FIX": fix,
    "STEP": step,
    "NSTEP": nstep,
    "EXP": exp,
    "INV": inv,
    "POLY": poly,
    "SIG": sig,
    "piecewiseLR": piecewise_lr,
    **{name: plain(make(1.0)) for name, make in WAVES.items()},
    **{f"{name}2": plain(make(0.5)) for name, make in WAVES.items()},
    **{f"{name}EXP": decaying(make(1.0)) for name, make in WAVES.items()},
}
