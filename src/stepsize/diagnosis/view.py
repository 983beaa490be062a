"""What part of a curve to show: which axis, between which limits, and the typical value along it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from stepsize.report.digits import number

Numbers = NDArray[Any]
# The share of the values that may lie beyond each edge, and how far beyond, of the height, before the axis is cut.
BEYOND, FAR = 0.02, 1.5
# What is left free above and below them then, of the height.
AIR = 0.25
# Values beyond this, of either sign, are taken for this: their differences stay finite.
HUGE = 1e150
# From this ratio of the largest to the smallest on, the axis is logarithmic.
WIDE = 3.0
# A loss this many times its start is past telling apart.
LOST = 30.0
# Stretches of which the typical value is shown, and the fewest values in one of them.
STRETCHES, FEWEST = 200, 3


@final
@dataclass(frozen=True)
class View:
    """The vertical axis of a chart: logarithmic or not, its limits where the curves have none, and what lies beyond."""

    log: bool
    limits: tuple[float, float] | None = None
    note: str = ""


def view_of(curves: Sequence[Numbers], lost: float = np.inf) -> View:
    """The axis on which the curves can be read: spikes do not flatten them, and a start far above does not either.

    Args:
        curves: what is drawn, each in its order.
        lost: values above so many times the start are left outside.
    """
    finite = [np.clip(curve[np.isfinite(curve)], -HUGE, HUGE) for curve in curves]
    finite = [curve for curve in finite if curve.size]
    if not finite:
        return View(False)
    low, top = min(map(_floor, finite)), max(_ceiling(curve, lost) for curve in finite)
    log = bool(low > 0 and WIDE * low < top)
    values = np.concatenate(finite)
    least, most = float(values[values > 0].min() if log else values.min()), float(values.max())
    limits = _limits(least, low, top, most, log)
    if limits is None:
        return View(log)
    outside = [f"up to {number(most, 3)}"] if most > limits[1] else []
    outside += [f"down to {number(least, 3)}"] if least < limits[0] else []
    return View(log, limits, f"Values {' and '.join(outside)} lie outside." if outside else "")


def _limits(least: float, low: float, top: float, most: float, log: bool) -> tuple[float, float] | None:
    """The limits that show `low` to `top` with some air, if `least` or `most` lies so far off that they are needed."""
    first, start, end, last = np.log10([least, low, top, most]) if log else (least, low, top, most)
    height = end - start
    if height <= 0 or (last <= end + FAR * height and first >= start - FAR * height):
        return None
    ends = max(first, start - AIR * height), min(last, end + AIR * height)
    bottom, lid = (float(10**edge if log else edge) for edge in ends)
    return (bottom, lid) if bottom < lid and (bottom > 0 or not log) else None


def _floor(curve: Numbers) -> float:
    positive = curve[curve > 0]
    # Zeros, as at the first update of a warmup, have no place on a logarithmic axis and need none.
    return float(np.quantile(positive if positive.size > 0.9 * curve.size else curve, BEYOND))


def _ceiling(curve: Numbers, lost: float) -> float:
    start = float(np.median(curve[: max(1, curve.size // 100)]))
    high = float(np.quantile(curve, 1 - BEYOND))
    low = float(curve.min())
    return max(min(high, lost * max(start, low)) if low > 0 else high, start)


def typical(x: Numbers, y: Numbers) -> tuple[Numbers, Numbers]:
    """The medians of equal shares of the finite values, where there are enough of them; else nothing."""
    known = np.isfinite(y)
    x, y = x[known], y[known]
    if y.size < FEWEST * STRETCHES:
        return x[:0], y[:0]
    edges = np.linspace(0, y.size, STRETCHES + 1).round().astype(int)
    shares = list(pairwise(edges))
    return x[[(first + last) // 2 for first, last in shares]], np.array([np.median(y[a:b]) for a, b in shares])
