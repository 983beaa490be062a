"""Compositions by name for a budget of steps: made of leaves and joints only, and the repr shows them.

What libraries leave unsaid is an argument here, and its default the safe choice: `start` is the value of
update 0 (not 0, unless asked), `outside` counts the warmup on top of `steps`, `end_ratio` is a floor
relative to the peak, where `end` is absolute. Steps may be durations, as in the leaves.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from stepsize.errors import InvalidSchedule
from stepsize.schedule.algebra import Schedule
from stepsize.schedule.deferred import timed
from stepsize.schedule.joints import chain
from stepsize.schedule.kinds import Steps, constant, cosine, linear
from stepsize.schedule.legs import leg
from stepsize.schedule.node import Misfit, finite, number, positive, scalar, whole_steps
from stepsize.schedule.shapes import Constant, Endless


@timed("steps", "warmup")
def warmup_cosine(
    peak: Any,
    steps: Steps,
    warmup: Steps,
    end: Any = 0.0,
    *,
    start: Any = None,
    outside: bool = False,
    end_ratio: float | None = None,
) -> Schedule:
    """A linear warmup to `peak`, then half a cosine to `end`.

    Args:
        peak: the highest value, reached by update `warmup`.
        steps: updates in all, the warmup included; or a duration.
        warmup: updates of warmup, or a duration; 0 means none.
        end: the value after the last update.
        start: value of update 0; by default `peak / (warmup + 1)`, so that no update is wasted.
        outside: the warmup comes on top of `steps`.
        end_ratio: the end value as a share of the peak, in place of `end`.
    Raises:
        InvalidSchedule: the warmup leaves no step for the decay.

    >>> warmup_cosine(1.0, steps=10, warmup=4)
    linear(0.2, 1.0, 4) >> cosine(1.0, 0.0, 6)
    """
    left = _left(steps, outside=outside, warmup=warmup)
    return cosine(finite(peak, "peak"), _floor(peak, end, end_ratio), left).warmup(warmup, start)


@timed("steps", "warmup")
def warmup_linear(
    peak: Any,
    steps: Steps,
    warmup: Steps,
    end: Any = 0.0,
    *,
    start: Any = None,
    outside: bool = False,
    end_ratio: float | None = None,
) -> Schedule:
    """A linear warmup to `peak`, then a straight line to `end`; arguments as in `warmup_cosine`.

    >>> warmup_linear(1.0, steps=10, warmup=4)
    linear(0.2, 1.0, 4) >> linear(1.0, 0.0, 6)
    """
    left = _left(steps, outside=outside, warmup=warmup)
    return linear(finite(peak, "peak"), _floor(peak, end, end_ratio), left).warmup(warmup, start)


@timed("steps", "warmup", "cooldown")
def wsd(
    peak: Any,
    steps: Steps | None = None,
    warmup: Steps = 0,
    cooldown: Steps = 0,
    end: Any = 0.0,
    shape: str = "1-sqrt",
    *,
    start: Any = None,
    outside: bool = False,
    end_ratio: float | None = None,
) -> Schedule:
    """Warmup, stable, decay: a linear warmup, the peak held, then a cooldown.

    Hu et al., MiniCPM, 2024 (arXiv:2404.06395); the cooldown's default shape after Hägele et al.,
    2024 (arXiv:2405.18392).

    Args:
        peak: the highest value.
        steps: updates in all, warmup and cooldown included; or a duration. None has no horizon: the
            peak holds until `lr[:step].cooldown(...)`, or `cooldown` of an adapter, ends it.
        warmup: updates of warmup, or a duration.
        cooldown: updates of the decay at the end, or a duration; 0 means none.
        end: the value after the last update.
        shape: "linear", "cosine", "mirror-cosine", "exponential", "1-sqrt", "sqrt", "1-square",
            "square" or "rex".
        start, outside, end_ratio: as in `warmup_cosine`.
    Raises:
        InvalidSchedule: warmup and cooldown together are longer than `steps`; or a cooldown without
            a horizon, where nobody knows when it begins.

    >>> wsd(1.0, steps=10, warmup=1, cooldown=2)
    linear(0.5, 1.0, 1) >> constant(1.0, 7) >> one_minus_sqrt(1.0, 0.0, 2)
    """
    peak = finite(peak, "peak")
    floor = _floor(peak, end, end_ratio)
    if steps is None:
        if cooldown:
            raise InvalidSchedule(f"without steps nobody knows when the cooldown={cooldown!r} begins; give steps")
        return constant(peak).warmup(warmup, start)
    stable = Constant(peak, _left(steps, least=0, outside=outside, warmup=warmup, cooldown=cooldown))
    cooldown = whole_steps(cooldown, "cooldown", least=0)
    fall = leg(shape, peak, floor, max(cooldown, 1))
    return Schedule(chain((stable, fall) if cooldown else (stable,))).warmup(warmup, start)


@timed("steps", "explore", "warmup")
def knee(peak: Any, steps: Steps, explore: Steps, warmup: Steps = 0, end: Any = 0.0) -> Schedule:
    """Explore at the peak, then exploit on a straight line down to `end`.

    Iyer et al., Wide-minima Density Hypothesis and the Explore-Exploit Learning Rate Schedule, 2021
    (arXiv:2003.03977).

    Args:
        peak, steps, warmup, end: as in `wsd`.
        explore: updates at the peak, after the warmup.

    >>> knee(1.0, steps=10, explore=4)
    constant(1.0, 4) >> linear(1.0, 0.0, 6)
    """
    left = _left(steps, least=0, explore=explore, warmup=warmup)
    return wsd(peak, steps, warmup, left, end, "linear")


@timed("steps")
def one_cycle(
    peak: Any,
    steps: Steps,
    rise: float = 0.3,
    start: Any = None,
    end: Any = None,
    shape: str = "cosine",
    three_phase: bool = False,
) -> Schedule:
    """Up to the peak and down again, far below the start.

    Smith and Topin, Super-Convergence, 2018 (arXiv:1708.07120). For the momentum that goes the other
    way: `one_cycle(0.85, steps, start=0.95, end=0.95)`.

    Args:
        peak: reached after the share `rise` of the steps.
        steps: updates in all, or a duration.
        rise: share of the steps until the peak, rounded to whole steps.
        start: value of update 0; by default peak / 25.
        end: the last value; by default start / 10,000.
        shape: "cosine" or "linear", or another of `Schedule.cooldown`, up and down.
        three_phase: come down to `start` in as many steps as up, then go on to `end`.

    >>> one_cycle(1.0, 10, start=0.1, end=0.0, shape="linear")
    linear(0.1, 1.0, 3) >> linear(1.0, 0.0, 7)
    """
    if not 0 < scalar(rise, "rise") < (0.5 if three_phase else 1):
        raise InvalidSchedule(f"rise is a share between 0 and {0.5 if three_phase else 1}, got {rise!r}")
    peak = number(finite(peak, "peak"), np)
    start = peak / 25 if start is None else start
    end = number(finite(start, "start"), np) / 1e4 if end is None else end
    steps = whole_steps(steps, "steps", least=2)
    up = min(max(round(steps * rise), 1), steps - 1)
    rising = Schedule(leg(shape, start, peak, up))
    if not three_phase:
        return rising >> Schedule(leg(shape, peak, end, steps - up))
    if steps < 2 * up + 1:
        raise Misfit(f"three phases need at least {2 * up + 1} steps, got steps={steps}")
    return rising >> Schedule(leg(shape, peak, start, up)) >> Schedule(leg(shape, start, end, steps - 2 * up))


def noam(width: int, warmup: int, factor: float = 1.0) -> Schedule:
    """`factor * width**-0.5 * min((k + 1)**-0.5, (k + 1) * warmup**-1.5)`, without an end.

    Vaswani et al., Attention Is All You Need, 2017 (arXiv:1706.03762); it counts updates from 1.

    Args:
        width: the width of the model, d_model.
        warmup: updates of warmup, at least 1.
        factor: multiplies the whole.

    >>> noam(512, 4000)(3999)
    0.0006987712429686843
    """
    warmup = whole_steps(warmup, "warmup")
    peak = scalar(factor, "factor") * (positive(scalar(width, "width"), "width") * warmup) ** -0.5
    return linear(peak / warmup, peak, warmup - 1) >> Schedule(Endless("inverse_sqrt", peak, (warmup,)))


@timed("steps")
def slanted_triangular(peak: Any, steps: Steps, rise: float = 0.1, ratio: float = 32.0) -> Schedule:
    """A short rise and a long fall, straight, from and to `peak / ratio`.

    Howard and Ruder, Universal Language Model Fine-tuning, 2018 (arXiv:1801.06146).

    Args:
        peak: reached after the share `rise` of the steps, rounded down to whole steps.
        steps: updates in all, or a duration.
        rise: the paper's cut_frac.
        ratio: how many times the peak is above both ends.

    >>> slanted_triangular(1.0, 20, ratio=4)
    linear(0.25, 1.0, 2) >> linear(1.0, 0.25, 18)
    """
    steps = whole_steps(steps, "steps", least=2)
    foot = number(finite(peak, "peak"), np) / positive(scalar(ratio, "ratio"), "ratio")
    up = int(steps * scalar(rise, "rise") + 1e-9)
    if not 0 < up < steps:
        raise Misfit(f"rise={rise!r} of steps={steps} is {up} steps; it must leave at least one up and one down")
    return linear(foot, peak, up) >> linear(peak, foot, steps - up)


def _floor(peak: Any, end: Any, end_ratio: float | None) -> Any:
    if end_ratio is None:
        return end
    if np.any(np.not_equal(end, 0)):
        raise InvalidSchedule(f"give end or end_ratio, not both; got end={end!r}, end_ratio={end_ratio!r}")
    return number(finite(peak, "peak"), np) * scalar(end_ratio, "end_ratio")


def _left(steps: Any, least: int = 1, outside: bool = False, **parts: Any) -> int:
    """What the named parts leave of `steps`, at least `least`; with `outside`, the warmup takes nothing."""
    total = whole_steps(steps, "steps")
    taken = {name: whole_steps(value, name, least=0) for name, value in parts.items()}
    if outside:
        taken.pop("warmup")
    left = total - sum(taken.values())
    if left < least:
        words = " and ".join(f"{name}={value}" for name, value in taken.items())
        raise Misfit(f"{words} do not fit into steps={total}: {least - left} too many")
    return left
