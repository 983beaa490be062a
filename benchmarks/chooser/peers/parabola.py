"""A coarse grid, then parabolas: four full runs, and each next one where three points say the bottom is."""

from __future__ import annotations

import math

import numpy as np

from benchmarks.chooser.desk import Best, Desk

COARSE = 4
# A rate closer than this to one that was run teaches nothing; the middle of the widest gap nearby is run instead.
SAME = 0.05


def search(desk: Desk) -> None:
    """Raises Spent."""
    draw, best = np.random.default_rng(desk.seed), Best(desk)
    rates = desk.low + (np.arange(COARSE) + draw.uniform(0.25, 0.75)) / COARSE * (desk.high - desk.low)
    seen: dict[float, float] = {}
    for rate in map(float, rates):
        seen[rate] = desk.run(rate).loss
        best.saw(rate, seen[rate])
    for _ in range(200):
        rate = bottom(seen, desk.low, desk.high)
        seen[rate] = desk.run(rate).loss
        best.saw(rate, seen[rate])


def bottom(seen: dict[float, float], low: float, high: float) -> float:
    """The bottom of the parabola through the best run and its neighbours, or the middle of the wider gap beside it."""
    rates = sorted(seen)
    place = min(range(len(rates)), key=lambda i: seen[rates[i]])
    left = rates[place - 1] if place else low
    right = rates[place + 1] if place + 1 < len(rates) else high
    middle = rates[place]
    losses = [seen.get(rate, math.inf) for rate in (left, middle, right)]
    if all(map(math.isfinite, losses)):
        curvature, slope, _ = np.polyfit(np.array([left, middle, right]) - middle, losses, 2)
        if curvature > 0:
            rate = middle - slope / (2 * curvature)
            if min(abs(rate - other) for other in rates) > SAME and left < rate < right:
                return float(rate)
    wider = left if middle - left > right - middle else right
    return (middle + wider) / 2
