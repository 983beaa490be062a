"""Which part is in charge at a step: for a number, for a NumPy array, and for the arrays of any framework."""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np

from stepsize.schedule.node import Node, Scalars, floating


def select(t: Any, starts: Sequence[int], parts: Sequence[Node], xp: Any) -> Any:
    """The value of the part in charge at `t`: part i from `starts[i]` on, given its own local time."""
    if xp is Scalars:
        i = bisect_right(starts, t) - 1
        return parts[i].value(t - starts[i], xp)
    if xp is np:
        return _select_numpy(t, starts, parts)
    last = bisect_right(starts, largest(t)) - 1  # parts that no step of this kind reaches are left out
    result = _inside(t, t >= reachable(starts[last], t, xp), starts[last], parts[last], xp)
    for i in reversed(range(last)):
        start, stop = (reachable(edge, t, xp) for edge in starts[i : i + 2])
        inside = (t >= start) & (t < stop)
        result = xp.where(inside, _inside(t, inside, starts[i], parts[i], xp), result)
    return result


def _inside(t: Any, inside: Any, start: int, part: Node, xp: Any) -> Any:
    """The value of a part where it is in charge; elsewhere that of its middle: at ends a derivative may be infinite."""
    middle = 1 if math.isinf(part.length) else int(part.length) // 2
    return part.value(xp.where(inside, t - reachable(start, t, xp), reachable(middle, t, xp)), xp)


def _select_numpy(t: Any, starts: Sequence[int], parts: Sequence[Node]) -> Any:
    line = t.reshape(-1)  # the face asks with one axis of steps; those of array parameters have size 1
    out = np.empty(np.broadcast_shapes(t.shape, *(part.shape for part in parts)))
    for start, part, span in zip(starts, parts, _spans(line, starts), strict=True):
        if (local := t[span]).size:
            out[span] = part.value(local - start, np)
    return out


def _spans(line: Any, starts: Sequence[int]) -> list[Any]:
    """Which of the steps fall to each part, as indices: slices if the steps are in order."""
    if line.size and bool(np.all(line[1:] >= line[:-1])):
        cuts = [0, *np.searchsorted(line, starts[1:], side="left").tolist(), line.size]
        return [slice(a, b) for a, b in pairwise(cuts)]
    index = np.searchsorted(np.asarray(starts), line, side="right") - 1
    return [index == i for i in range(len(starts))]


def locate(t: Any, starts: Sequence[int], xp: Any) -> Any:
    """The index of the last of `starts` that is <= t."""
    if xp is Scalars:
        return bisect_right(starts, t) - 1
    return xp.searchsorted(as_table(starts, t, xp), t, side="right") - 1


def take(table: Sequence[float], index: Any, t: Any, xp: Any) -> Any:
    """`table[index]`, for a number or an array of indices, in the kind of numbers that `t` has."""
    return table[index] if xp is Scalars else xp.take(as_table(table, t, xp), index)


def as_table(table: Sequence[float], t: Any, xp: Any) -> Any:
    """`table` as an array of the dtype of `t`; what that cannot hold, no step of its kind can reach."""
    if xp is np:
        return np.asarray(table, dtype=np.float64)
    return xp.asarray([reachable(entry, t, xp) for entry in table], dtype=t.dtype)


def reachable(steps: Any, t: Any, xp: Any) -> Any:
    """A number of steps as arithmetic with `t` can take it: a float, or at most the largest integer of its dtype."""
    if xp is Scalars or xp is np:
        return steps
    most = largest(t)
    return float(steps) if math.isinf(most) else min(steps, most)


def largest(t: Any) -> float:
    """The largest whole number that the dtype of an array holds; infinity for a floating-point one."""
    return _largest(str(t.dtype))


@lru_cache
def _largest(dtype: str) -> float:
    integer = re.search(r"int(\d+)", dtype)
    return (1 << (int(integer[1]) - 1)) - 1 if integer else math.inf


def as_floats(values: Any, like: Any, xp: Any) -> Any:
    """Integers as the floats that steps like `like` have."""
    if xp is Scalars or xp is np:
        return values
    if "int" in str(like.dtype):
        return floating(values, xp)
    dtype = like.dtype
    return xp.astype(values, dtype) if hasattr(xp, "astype") else xp.cast(values, dtype)
