"""The response surface: which settings to try next, given the least loss over rates at those tried.

A Gaussian process over the settings alone, as the rate is tuned anew at each of them. Half of what it expects
is a sum of effects of single settings, half is their interplay. The next point is the one with the largest
expected improvement (Jones et al. 1998); the same results always give the same point.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stepsize.tuner.space import Pairs, Space, features, spread_points
from stepsize.tuner.valley import Floor

Array = NDArray[np.float64]

# Floors are compared by the logarithm of their height above this much below the best: what is bad needs no detail.
OFFSET = 0.05
# Correlation length in coordinates that run from -1 to 1, and the standard deviation of the surface and its mean.
LENGTH, SURFACE_SD, MEAN_SD = 1.0, 0.7, 1.0
# Points considered: all over the space, and with some settings of the best point changed.
SPREAD, NEAR = 192, 128
# Points differ if some coordinate does by more than this.
APART = 0.4


class Told(NamedTuple):
    """Settings that were tried, and the least loss over rates there, as a height."""

    settings: Pairs
    floor: Floor


def propose(told: Sequence[Told], space: Space) -> Pairs | None:
    """The settings to try next; None if there are none left.

    Args:
        told: at least one.
    """
    tried = {known.settings for known in told}
    candidates = {c: shares for c, shares in _candidates(told, space).items() if c not in tried}
    if not candidates:
        return None
    candidates = _apart(candidates, told, space) or candidates
    mean, sd = _posterior(told, list(candidates.values()), space)
    best = min(expected(told, space))
    return list(candidates)[int(np.argmax(_improvement(best - mean, sd)))]


def expected(told: Sequence[Told], space: Space) -> list[float]:
    """What is expected of the settings tried, on the scale of the surface: less swayed by luck than what was seen."""
    return [float(value) for value in _posterior(told, [space.shares(known.settings) for known in told], space)[0]]


def _candidates(told: Sequence[Told], space: Space) -> dict[Pairs, Sequence[float]]:
    points = spread_points(SPREAD, len(space))
    centre = np.array(space.shares(min(told, key=lambda known: known.floor.mean).settings))
    # Some settings of the best point replaced, others than when fewer points were told.
    random = np.random.default_rng(len(told))
    kept = random.random((NEAR, len(space))) < random.random((NEAR, 1))
    near = np.where(kept, centre, random.random((NEAR, len(space))))
    return {space.settings(row): row for row in (*points.tolist(), *near.tolist())}


def _apart(
    candidates: dict[Pairs, Sequence[float]], told: Sequence[Told], space: Space
) -> dict[Pairs, Sequence[float]]:
    """Those that differ enough from everything tried to teach something."""
    points = list(candidates.values())
    theirs = _coordinates(points, space)
    ours = _coordinates([space.shares(known.settings) for known in told], space)
    gaps = [np.abs(a[:, None, :] - b[None, :, :]).max(axis=-1) for a, b in zip(theirs, ours, strict=True)]
    apart = np.max(gaps, axis=0).min(axis=1) > APART
    return {settings: point for (settings, point), far in zip(candidates.items(), apart, strict=True) if far}


def _posterior(told: Sequence[Told], at: Sequence[Sequence[float]], space: Space) -> tuple[Array, Array]:
    """Mean and standard deviation of the surface at points of the unit cube."""
    values = np.array([math.log(OFFSET + max(known.floor.mean, 0.0)) for known in told])
    noise = np.array([known.floor.sd / (OFFSET + max(known.floor.mean, 0.0)) for known in told])
    centre = float(values.mean())
    x, z = (_coordinates(points, space) for points in ([space.shares(known.settings) for known in told], at))
    solved = np.linalg.solve(_kernel(x, x) + np.diag(np.minimum(noise, 1.0) ** 2 + 0.05**2), np.eye(len(told)))
    cross = _kernel(z, x)
    variance = SURFACE_SD**2 + MEAN_SD**2 - np.einsum("ij,jk,ik->i", cross, solved, cross)
    return centre + cross @ solved @ (values - centre), np.sqrt(np.maximum(variance, 1e-9))


def _coordinates(points: Sequence[Sequence[float]], space: Space) -> list[Array]:
    """For each dimension, the coordinates of every point."""
    rows = [features(space, point) for point in points]
    return [np.array([row[i] for row in rows]) for i in range(len(space))]


def _kernel(a: list[Array], b: list[Array]) -> Array:
    squares = np.array([((p[:, None, :] - q[None, :, :]) ** 2).sum(axis=-1) for p, q in zip(a, b, strict=True)])
    alone = np.exp(-squares / (2 * LENGTH**2)).mean(axis=0)
    together = np.exp(-squares.sum(axis=0) / (2 * LENGTH**2 * len(a)))
    return np.asarray(MEAN_SD**2 + SURFACE_SD**2 * (alone + together) / 2)


def _improvement(gap: Array, sd: Array) -> Array:
    """The expected improvement of values whose mean lies `gap` below the best."""
    z = gap / sd
    density = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    below: Any = np.vectorize(math.erf)(z / math.sqrt(2))
    return np.asarray(gap * (1 + below) / 2 + sd * density)
