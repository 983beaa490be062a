"""Questions about a schedule as a whole: sums over a span, and the first step beyond a value."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from stepsize.errors import InvalidSchedule
from stepsize.schedule.joints import held_bounds, held_total
from stepsize.schedule.node import Length, Node, finite_at, sample, whole_steps
from stepsize.schedule.repeat import MAX_STEPS

# Spans this short are looked at step by step.
SHORT = 1024
# After so many spans of a schedule without useful bounds (a function, say): some million steps.
LOOKS = 2_000


def total(node: Node, start: int, stop: int | None) -> Any:
    """The sum of the values of the updates start, ..., stop - 1."""
    start = whole_steps(start, "start", least=0)
    if stop is None:
        if math.isinf(node.length):
            raise InvalidSchedule(f"{node.code()} never ends, so its sum needs a stop")
        stop = int(node.length)
    stop = whole_steps(stop, "stop", least=0)
    with np.errstate(over="ignore", invalid="ignore"):
        result = held_total(node, start, stop) if start < stop else np.zeros(node.shape)
    return np.broadcast_to(result, node.shape).copy() if node.shape else float(result)


def first_where(node: Node, value: Any, start: int, above: bool) -> Length:
    """The first step from `start` on whose value is above (or below) `value`, or infinity.

    Halves the spans whose bounds allow such a value, so a million million steps cost a few looks.
    """
    if node.shape or not isinstance(value, float):
        raise InvalidSchedule("the first step is asked of one value; this schedule or value is an array")
    start, last = whole_steps(start, "start", least=0), MAX_STEPS if math.isinf(node.length) else int(node.length)
    if start > last:
        end_value = finite_at(node, last)
        return start if (end_value > value if above else end_value < value) else math.inf
    spans, looks = [(start, last + 1)], 0
    while spans:
        begin, end = spans.pop()
        low, high = held_bounds(node, begin, end - 1)
        if high <= value if above else low >= value:
            continue
        if end - begin <= SHORT:
            found = _look(node, value, begin, end, above)
            if found is not None:
                return found
            continue
        looks += 1
        if looks > LOOKS:
            raise InvalidSchedule(
                f"{node.code()} was looked through up to step {begin} without an answer; cut it shorter, lr[:steps]"
            )
        # Near steps first: an endless schedule is halved by ratio.
        middle = (begin + end) // 2 if end < 4 * (begin + SHORT) else 2 * (begin + SHORT)
        spans += [(middle, end), (begin, middle)]
    return math.inf


def _look(node: Node, value: float, begin: int, end: int, above: bool) -> int | None:
    steps = np.arange(begin, end, dtype=np.float64)
    values = sample(node, np.minimum(steps, node.length))
    hits = np.flatnonzero(values > value if above else values < value)
    return begin + int(hits[0]) if hits.size else None
