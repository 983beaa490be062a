"""How many lanes at once: a few updates are timed, and what is fastest is taken."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle, islice
from statistics import median
from typing import Any, final

from stepsize.optax.group import Group
from stepsize.optax.program import CHUNK
from stepsize.optax.stack import Stack, room_for

# Another variant is tried where the work left is worth this many compilations.
WORTH = 1.0
# An update shorter than this, in seconds, is mostly spent outside of the arithmetic, so lanes will pay.
SMALL = 2e-3
# A wider stack is tried in steps of this factor, as long as the last one was faster by at least `GAIN`.
WIDER = 8
GAIN = 1.1
# A compiled loop this much slower than single updates will not be mended by more lanes.
HOPELESS = 2.0
# Lanes that gain less than this leave a loop over single runs to be tried.
LITTLE = 2.0
TOO_SHORT = "; these runs are too short for compiling more to pay"
# How long one variant is timed, in seconds, and in how many parts: the middle one counts.
MOMENT = 0.05
PARTS = 3


@final
@dataclass(frozen=True)
class Layout:
    """How runs are made.

    Attributes:
        width: lanes at once; 1 is one after another in a compiled loop, 0 is each alone, update by update.
        reason: why.
    """

    width: int
    reason: str


@final
@dataclass(frozen=True)
class Cost:
    """What a variant costs, in seconds: an update of as many runs as it makes at once, and the first call."""

    update: float
    first: float


def chosen(group: Group) -> Layout:
    """The layout that takes the least time for the runs of a group, what it takes to compile it counted."""
    work = sum(lane.steps for lane in group.lanes)
    alone = _cost(group, 0)
    tried, compiling = {0: alone.update}, alone.first
    while (width := _next(tried, len(group.lanes))) is not None:
        if not _known(group, width) and min(tried.values()) * work < WORTH * compiling:
            break
        cost = _cost(group, width)
        compiling = cost.first
        tried[width] = cost.update * -(-len(group.lanes) // width) / len(group.lanes)
    best = min(tried, key=tried.__getitem__)
    found = ", ".join(f"{1e3 * each:.3g} ms {_words(width)}" for width, each in tried.items())
    return Layout(best, f"an update takes {found}" + ("" if width is None else TOO_SHORT))


def _next(tried: dict[int, float], lanes: int) -> int | None:
    """The width to try next, if there is one that may be faster than those tried."""
    widest, alone, most = max(tried), tried[0], room_for(lanes)
    if widest == 0:
        return 1 if alone > SMALL else min(WIDER, most)
    if widest == 1:
        return min(WIDER, most) if tried[1] < HOPELESS * alone and most > 1 else None
    if widest < most and tried[widest] * GAIN < min(each for width, each in tried.items() if width != widest):
        return min(widest * WIDER, most)
    return 1 if 1 not in tried and min(tried.values()) * LITTLE > alone else None


def _known(group: Group, width: int) -> bool:
    return (*group.key, width) in group.task.compiled.costs


def _cost(group: Group, width: int) -> Cost:
    costs = group.task.compiled.costs
    if not _known(group, width):
        costs[(*group.key, width)] = _timed(_side_by_side(group, width) if width else _alone(group))
    found: Cost = costs[(*group.key, width)]
    return found


def _timed(advance: Callable[[int], Any]) -> Cost:
    first, each = _seconds(advance, 1), _seconds(advance, 1)
    if each < MOMENT:
        count = int(min(CHUNK, 1 + MOMENT / PARTS / each))
        each = median(_seconds(advance, count) for _ in range(PARTS)) / count
    return Cost(each, first)


def _seconds(advance: Callable[[int], Any], count: int) -> float:
    begun = time.perf_counter()
    advance(count)
    return time.perf_counter() - begun


def _alone(group: Group) -> Callable[[int], Any]:
    """Updates by themselves, as `drive` makes them."""
    lane = group.lanes[0]
    session = group.task.session(lane.policy, lane.seed, lane.job.settings, measured=set(), last=-1)
    values = {name: schedule(0) for name, schedule in lane.policy.schedules.items()}
    return lambda count: [session.update(values) for _ in range(count)]


def _side_by_side(group: Group, width: int) -> Callable[[int], Any]:
    return Stack(group, list(islice(cycle(group.lanes), width))).advance


def _words(width: int) -> str:
    return {0: "by itself", 1: "in a compiled loop"}.get(width, f"in {width} lanes")
