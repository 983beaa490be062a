"""The response surface: which settings to try next when more than the rate is searched.

A quadratic in the rate and every setting, with the product of the rate and each setting, as the best
rate moves with the settings. Its coefficients have a Gaussian posterior in closed form; the next point is
the best one under a draw from it (Thompson sampling), so that what is uncertain gets tried.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepsize.tuner.space import Dimension, spread_points

Array = NDArray[np.float64]
Point = tuple[float, tuple[float, ...]]  # log10 of the rate; a share of the way through each dimension

NOISE = 0.15
PRIOR_SD = 0.7
# Rates considered around the best one known, in decades.
OFFSETS = np.linspace(-0.5, 0.5, 5)
CANDIDATES = 128


def propose(points: Sequence[Point], losses: Sequence[float], space: Sequence[Dimension], seed: int) -> Point:
    """The next point to try, given at least one finite loss.

    Args:
        points: those tried; `losses` their results, infinite where the run diverged.
        seed: of the draw; the same arguments give the same point.
    """
    centre = _best_rate(points, losses)
    mean, cholesky = _posterior(_features(points, space, centre), _ranks(losses))
    coefficients = mean + cholesky @ np.random.default_rng(seed).standard_normal(mean.size)
    candidates = _candidates(space, centre)
    drawn = _features(candidates, space, centre) @ coefficients
    return candidates[int(np.argmin(drawn))]


def likeliest(points: Sequence[Point], losses: Sequence[float], space: Sequence[Dimension]) -> Point:
    """The point tried whose expected rank is lowest: less swayed by luck than the lowest loss."""
    centre = _best_rate(points, losses)
    mean, _ = _posterior(_features(points, space, centre), _ranks(losses))
    expected = _features(points, space, centre) @ mean
    expected[~np.isfinite(np.asarray(losses))] = np.inf
    return points[int(np.argmin(expected))]


def _candidates(space: Sequence[Dimension], centre: float) -> list[Point]:
    shares = spread_points(CANDIDATES, len(space))
    return [(float(centre + offset), tuple(map(float, row))) for row in shares for offset in OFFSETS]


def _best_rate(points: Sequence[Point], losses: Sequence[float]) -> float:
    return points[int(np.argmin(losses))][0]


def _features(points: Sequence[Point], space: Sequence[Dimension], centre: float) -> Array:
    rows: list[list[float]] = []
    for rate, shares in points:
        x = float(np.clip(rate - centre, -2.0, 2.0))
        z = [value for d, share in zip(space, shares, strict=True) for value in d.features(share)]
        rows.append([1.0, x, x * x, *z, *(v * v for v in z), *(x * v for v in z)])
    return np.array(rows)


def _ranks(losses: Sequence[float]) -> Array:
    """Losses as ranks from -1 (best) to 1: a basin's walls and a divergence must not drown its floor."""
    order = np.argsort(np.argsort(np.asarray(losses, dtype=float), kind="stable"), kind="stable")
    return np.asarray(2 * order / max(len(losses) - 1, 1) - 1.0)


def _posterior(features: Array, values: Array) -> tuple[Array, Any]:
    precision = features.T @ features / NOISE**2 + np.eye(features.shape[1]) / PRIOR_SD**2
    covariance = np.linalg.inv(precision)
    return covariance @ features.T @ values / NOISE**2, np.linalg.cholesky(covariance)
