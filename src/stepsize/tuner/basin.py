"""The basin: what the runs say about the loss as a function of the learning rate.

In log10 of the rate the final loss of a training is a basin: it falls to an optimum, rises more
steeply beyond it, and levels off on both sides. At horizon h (as a share of the full run),

    loss = floor_h + depth * g(rate - optimum_h),     g(d) = z^power / (1 + z^power),
    z = d / width_h below the optimum, d / (skew * width_h) above it,
    optimum_h = optimum + shift * log10(h),           width_h = width * widening^log10(h).

Everything is unknown. The posterior is computed on a grid of (optimum, shift, width, skew, widening,
power); floors and depth are linear and solved for. Nothing is sampled, so the same runs always give the same
answer. A run that diverged counts as one that gained nothing and then lost half as much again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Where a diverged run stands: 0 is the best loss seen, 1 the loss before training.
LOST = 1.5
# Noise of a score, in the same unit: this much at the bottom, and a share of the height above it, as
# the tails of a real basin follow no formula.
NOISE_FLOOR = 0.01
NOISE_SHARE = 0.2
# Prior of the shift of the optimum, in decades of rate per decade of horizon. Longer runs want smaller
# rates on small tasks (0.4 to 0.6 decades a decade measured), hardly so on large ones.
SHIFT_MEAN, SHIFT_SD = -0.3, 0.5

WIDTHS = np.array([0.4, 0.6, 0.9, 1.3, 1.9, 2.8])
SKEWS = np.array([0.25, 0.45, 0.8, 1.3])
SHIFTS = np.arange(-1.8, 1.01, 0.4)
# A longer training forgives more: low rates catch up, and the basin widens with the horizon.
WIDENINGS = np.array([1.5, 3.0, 6.0])
POWERS = np.array([2, 4])
# The depth is about 1 by the choice of unit: a prior of this weight keeps it defined.
DEPTH_WEIGHT = 4.0
# A floor may lie below the best loss seen, by about this much of the gain.
FLOOR_SD = 0.05
# Draws that stand for the posterior.
DRAWS = 2_000
STEP = 0.05  # decades, of everything read off
COARSE = 2 * STEP  # decades, of the grid of the optimum


class Score(NamedTuple):
    """The end of one run: where it stood, and what came out (infinite if it diverged)."""

    rate: float
    horizon: float
    loss: float


@final
@dataclass(frozen=True, eq=False)
class Basin:
    """The posterior over basins, given the scores of some runs.

    Attributes:
        rates: the grid of log10 rates on which everything is read off.
        best, gain: the smallest loss seen, and the loss before training less that.
    """

    rates: Array
    best: float
    gain: float
    _grid: tuple[Array, ...]  # optimum, shift, width, skew, widening, power of each draw
    _depth: Array
    _floors: dict[float, Array]  # by horizon
    _costs: dict[float, Array] = field(default_factory=dict)  # those asked for, by horizon

    def optimum(self, horizon: float = 1.0) -> Array:
        """The posterior of the best rate at a horizon, on `rates`."""
        index = np.round((_optimum(self._grid, horizon) - self.rates[0]) / STEP).astype(int)
        index = np.clip(index, 0, self.rates.size - 1)
        return np.asarray(np.bincount(index, minlength=self.rates.size) / index.size)

    def quantile(self, share: float, horizon: float = 1.0) -> float:
        """A quantile of the best rate at a horizon, in log10."""
        cumulative = np.cumsum(self.optimum(horizon))
        return float(self.rates[min(int(np.searchsorted(cumulative, share)), self.rates.size - 1)])

    def cost(self, horizon: float = 1.0) -> Array:
        """The expected cost of each rate: the share of the gain of training that it forgoes."""
        if horizon not in self._costs:
            heights = self._depth * _bowl(self.rates[:, None], self._grid, horizon)
            self._costs[horizon] = heights.mean(axis=1)
        return self._costs[horizon]

    def cost_at(self, rate: float, horizon: float = 1.0) -> float:
        """The expected cost of one rate, in log10."""
        return float(np.interp(rate, self.rates, self.cost(horizon)))

    def recommended(self, horizon: float = 1.0) -> float:
        """The rate of least expected cost, in log10. As too high is dearer, it lies below the optimum."""
        return float(self.rates[int(np.argmin(self.cost(horizon)))])

    def cheap(self, rate: float, extra: float, horizon: float = 1.0) -> tuple[float, float]:
        """The rates around `rate` that are expected to cost at most `extra` more than it does."""
        dear = self.cost(horizon) > self.cost_at(rate, horizon) + extra
        below, above = self.rates[dear & (self.rates < rate)], self.rates[dear & (self.rates > rate)]
        low = below[-1] + STEP if below.size else self.rates[0]
        high = above[0] - STEP if above.size else self.rates[-1]
        return min(float(low), rate), max(float(high), rate)

    def band(self, horizon: float, shares: Sequence[float] = (0.1, 0.5, 0.9)) -> Array:
        """Quantiles of the loss at each rate: one row for each share, in the unit of the loss."""
        heights = self._floors[horizon] + self._depth * _bowl(self.rates[:, None], self._grid, horizon)
        return np.asarray(self.best + self.gain * np.quantile(heights, shares, axis=1))

    @property
    def shift(self) -> tuple[float, float]:
        """Mean and standard deviation of the shift of the optimum, in decades per decade of horizon."""
        return float(self._grid[1].mean()), float(self._grid[1].std())


def fit(scores: Sequence[Score], start: float, prior: tuple[float, float]) -> Basin:
    """The posterior over basins.

    Args:
        scores: at least one of them finite.
        start: the loss before training.
        prior: mean and standard deviation of log10 of the best rate, from before any run.
    """
    finite = [score.loss for score in scores if np.isfinite(score.loss)]
    best = min(finite)
    # Without a loss from before training, or one that nothing improved on, the worst run stands in.
    gain = start - best if start > best else max(finite) - best
    gain = max(gain, 1e-12 * max(1.0, abs(best)))
    heights = np.array([min((s.loss - best) / gain, LOST) if np.isfinite(s.loss) else LOST for s in scores])
    where = np.array([s.rate for s in scores])
    horizons = np.array([s.horizon for s in scores])
    reach = min(where.min(), prior[0]) - 1.5, max(where.max(), prior[0]) + 1.5
    optima = np.arange(*reach, COARSE)
    grid = tuple(axis.ravel() for axis in np.meshgrid(optima, SHIFTS, WIDTHS, SKEWS, WIDENINGS, POWERS, indexing="ij"))
    misfit, depth, floors = _solve(grid, where, horizons, heights)
    from_prior = ((grid[0] - prior[0]) / prior[1]) ** 2 + ((grid[1] - SHIFT_MEAN) / SHIFT_SD) ** 2
    evidence = -(misfit + from_prior) / 2
    # Systematic resampling: as many copies of each combination as its weight is worth, and no dice.
    cumulative = np.cumsum(np.exp(evidence - evidence.max()))
    kept = np.searchsorted(cumulative, (np.arange(DRAWS) + 0.5) / DRAWS * cumulative[-1])
    return Basin(
        np.arange(*reach, STEP),
        best,
        gain,
        tuple(axis[kept] for axis in grid),
        depth[kept],
        {horizon: floor[kept] for horizon, floor in floors.items()},
    )


def _solve(
    grid: tuple[Array, ...], where: Array, horizons: Array, heights: Array
) -> tuple[Array, Array, dict[float, Array]]:
    """Weighted least squares for a floor at each horizon and the depth, on every combination at once.

    Returns the misfit (the weighted sum of squares), the depth, and the floors by horizon.
    """
    weights = 1 / (NOISE_FLOOR**2 + (NOISE_SHARE * heights) ** 2)
    residual, shapes = np.empty_like(heights), np.empty((where.size, grid[0].size))
    means: dict[float, tuple[float, Array]] = {}
    for horizon in np.unique(horizons):
        at = horizons == horizon
        share = weights[at] / weights[at].sum()
        rows = _bowl(where[at][:, None], grid, horizon)
        means[float(horizon)] = (float(share @ heights[at]), share @ rows)
        residual[at], shapes[at] = heights[at] - share @ heights[at], rows - share @ rows
    depth = ((weights * residual) @ shapes + DEPTH_WEIGHT) / (weights @ shapes**2 + DEPTH_WEIGHT)
    depth = np.clip(depth, 0.05, 4.0)
    misfit = weights @ (residual[:, None] - depth * shapes) ** 2 + DEPTH_WEIGHT * (depth - 1) ** 2
    floors = {horizon: height - depth * row for horizon, (height, row) in means.items()}
    for floor in floors.values():
        misfit += (np.minimum(floor, 0.0) / FLOOR_SD) ** 2
    return misfit, depth, floors


def _bowl(rate: Array, grid: tuple[Array, ...], horizon: float) -> Array:
    """The height of each combination's basin, of depth 1, at `rate`."""
    _, _, width, skew, widening, power = grid
    distance = rate - _optimum(grid, horizon)
    z2 = (distance / (width * widening ** np.log10(horizon) * np.where(distance < 0, 1.0, skew))) ** 2
    z2 = np.where(power == 4, z2 * z2, z2)
    return np.asarray(z2 / (1 + z2))


def _optimum(grid: tuple[Array, ...], horizon: float) -> Array:
    return np.asarray(grid[0] + grid[1] * np.log10(horizon))
