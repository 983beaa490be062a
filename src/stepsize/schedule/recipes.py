"""Compositions by name: each recipe is made of leaves and joints only, and its repr shows them.

What libraries leave unsaid is an argument here, and its default the safe choice: `start` is the value of
update 0 (not 0, unless asked), `outside` counts the warmup on top of `steps`, `end_ratio` is a floor
relative to the peak, where `end` is absolute. Steps may be durations, as in the leaves.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from stepsize._codec import summary
from stepsize.errors import InvalidSchedule
from stepsize.schedule.algebra import Schedule
from stepsize.schedule.deferred import timed
from stepsize.schedule.joints import chain
from stepsize.schedule.kinds import Steps, constant, cosine, linear, sine
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
    steps: Steps | None,
    warmup: Steps,
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


@timed("half_period", "down")
def cyclic(
    low: Any,
    high: Any,
    half_period: Steps,
    wave: str = "triangle",
    shrink: float = 1.0,
    gamma: float = 1.0,
    down: Steps | None = None,
) -> Schedule:
    """A wave between two values, without an end.

    Smith, Cyclical Learning Rates for Training Neural Networks, 2017 (arXiv:1506.01186): `shrink=0.5`
    is its triangular2, `gamma` its exp_range.

    Args:
        low: the value of update 0 and the foot of every wave.
        high: the crest of the first.
        half_period: steps from foot to crest, or a duration.
        wave: "triangle", "sine" (half a sine wave), "cosine" (smooth at the foot too) or "sawtooth"
            (rises, then falls at once).
        shrink: crest i above the foot is `shrink**i` times the first.
        gamma: a factor per step on the height above the foot.
        down: steps from crest to foot; by default as many as up.

    >>> cyclic(0.1, 1.0, 10)([0, 5, 10, 20, 30]).round(6).tolist()
    [0.1, 0.55, 1.0, 0.1, 1.0]
    """
    if wave not in WAVES:
        raise InvalidSchedule(f"wave must be one of {', '.join(WAVES)}; got {summary(wave)}")
    up = whole_steps(half_period, "half_period")
    height = number(finite(high, "high"), np) - number(finite(low, "low"), np)
    rising, falling = WAVES[wave]
    crest = Schedule(leg(rising, 0.0, height, up)) if rising != "sine" else _sine(height, up)
    if falling is not None:
        fall = up if down is None else whole_steps(down, "down")
        crest >>= _sine(height, fall).reverse() if falling == "sine" else Schedule(leg(falling, height, 0.0, fall))
    waves = crest.repeat(shrink=shrink)
    if gamma != 1:
        waves *= Schedule(Endless("exponential_decay", 1.0, (gamma, 1.0)))
    return waves + low if np.any(np.not_equal(low, 0)) else waves


@timed("period")
def sgdr(
    peak: Any, period: Steps, growth: float = 1, shrink: float = 1.0, end: Any = 0.0, cycles: int | None = None
) -> Schedule:
    """Half a cosine from `peak` to `end`, again and again: warm restarts.

    Loshchilov and Hutter, SGDR, 2017 (arXiv:1608.03983).

    Args:
        peak: the value at the start of the first cycle.
        period: steps of the first cycle, or a duration.
        growth: cycle i (from 0) lasts `growth**i` times as long; restarts fall on exact steps.
        shrink: cycle i starts at `shrink**i` times the peak.
        end: the floor of every cycle.
        cycles: how many; None restarts for ever.

    >>> sgdr(1.0, 10, growth=2, shrink=0.5)([0, 9, 10, 30]).round(3).tolist()
    [1.0, 0.024, 0.5, 0.25]
    """
    waves = cosine(peak, 0.0, period).repeat(cycles, shrink, growth)
    return waves + cosine(0.0, end, period).repeat(cycles, 1.0, growth) if np.any(np.not_equal(end, 0)) else waves


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


def chebyshev(low: float, high: float, steps: int) -> Schedule:
    """The step sizes of Chebyshev iteration in fractal order, one an update; some are far above the mean.

    Agarwal, Goel and Zhang, Acceleration via Fractal Learning Rate Schedules, 2021 (arXiv:2103.01338).

    Args:
        low, high: the range: the inverse of the largest and of the smallest curvature.
        steps: updates of one pass, a power of 2; `.repeat()` goes on.

    >>> chebyshev(0.1, 1.0, 4)([0, 1, 2, 3]).round(3).tolist()
    [0.104, 0.745, 0.138, 0.265]
    """
    steps = whole_steps(steps, "steps")
    low, high = positive(scalar(low, "low"), "low"), positive(scalar(high, "high"), "high")
    if steps & (steps - 1) or low > high:
        raise InvalidSchedule(f"needs steps a power of 2 and low <= high; got steps={steps}, low={low}, high={high}")
    order = [0]
    while len(order) < steps:
        order = [index for i in order for index in (i, 2 * len(order) - 1 - i)]
    middle, radius = (1 / low + 1 / high) / 2, (1 / low - 1 / high) / 2
    angles = [np.pi * (i + 0.5) / steps for i in order]
    return Schedule(chain([Constant(float(1 / (middle + radius * np.cos(angle))), 1) for angle in angles]))


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


# wave -> the leg up and the leg down of one period; None falls at once.
WAVES: dict[str, tuple[str, str | None]] = {
    "triangle": ("linear", "linear"),
    "sine": ("sine", "sine"),
    "cosine": ("cosine", "cosine"),
    "sawtooth": ("linear", None),
}


def _sine(height: Any, steps: int) -> Schedule:
    return sine(0.0, height, steps)


def _chain(parts: Sequence[Schedule]) -> Schedule:
    return Schedule(chain([part.node for part in parts]))


def _floor(peak: Any, end: Any, end_ratio: float | None) -> Any:
    if end_ratio is None:
        return end
    if np.any(np.not_equal(end, 0)):
        raise InvalidSchedule(f"give end or end_ratio, not both; got end={end!r}, end_ratio={end_ratio!r}")
    return number(finite(peak, "peak"), np) * scalar(end_ratio, "end_ratio")


def _step(step: Any, name: str) -> int:
    return whole_steps(step, name, least=0)


def _span(begin: Any, end: Any, name: str) -> int:
    first, last = _step(begin, name), _step(end, name)
    if last <= first:
        raise Misfit(f"{name} must rise by whole steps, got {last} after {first}")
    return last - first


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
