"""Fewer points, the same picture."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.intp]


def thin(x: NDArray[Any], y: NDArray[Any], limit: int, *, log: bool = False) -> Indices:
    """Which points of a curve to keep: at most `limit`, with the extremes of every stretch of the axis.

    The axis (logarithmic if `log`) is cut into equal stretches. Each keeps its first point, its lowest, its
    highest and, if there is one, a NaN; so spikes and gaps survive. `x` must be ascending.
    """
    if x.size <= limit:
        return np.arange(x.size)
    starts = stretches(np.log(x) if log else x, (limit - 1) // 4)
    ends = [*starts[1:], x.size]
    kept = [index for start, end in zip(starts, ends, strict=True) for index in landmarks(y, start, end)]
    return np.unique([*kept, x.size - 1])


def stretches(position: NDArray[Any], count: int) -> list[int]:
    """The index of the first point in each of `count` equal stretches, empty ones left out."""
    edges = np.linspace(position[0], position[-1], count + 1)[1:-1]
    bucket = np.searchsorted(edges, position, side="right")
    return [int(index) for index in np.flatnonzero(np.diff(bucket, prepend=-1))]


def landmarks(y: NDArray[Any], start: int, end: int) -> list[int]:
    """The points of one stretch that a reader would miss."""
    part = y[start:end]
    missing = np.isnan(part)
    if missing.all():
        return [start]
    found = [0, int(np.nanargmin(part)), int(np.nanargmax(part))]
    if missing.any():
        found.append(int(missing.argmax()))
    return [start + index for index in found]
