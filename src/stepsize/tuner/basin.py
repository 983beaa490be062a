"""The basin: what the runs say about the loss as a function of the learning rate and the horizon.

A bowl (`bowl`), a floor for each horizon, and what they leave unexplained (`scatter`). Everything is unknown.
The posterior of the bowl's parameters and of the noise is computed on a grid; depth and floors are linear and
solved for; the rest is conditioned on in closed form. The grid is resampled systematically and the rest drawn
with one fixed seed, so the same runs always give the same answer. A run that diverged counts as one that gained
nothing and then lost half as much again, and no rate above it is thought to do better over as long a run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from stepsize.tuner.bowl import SHIFT_CELL, Bowls, all_bowls, some_bowls
from stepsize.tuner.scatter import NOISE_PRIOR, NOISES, alike, noise, scale

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

# Where a diverged run stands: 0 is the best loss seen, 1 the loss before training.
LOST = 1.5
# Shift of the optimum where nobody says better, in decades of rate per decade of horizon.
SHIFT = (-0.3, 0.3)
# The depth is about 1 by the choice of unit: a prior of this weight keeps it defined.
DEPTH_WEIGHT = 1.0
# A floor may lie below the best loss seen at its horizon, by about this much of the gain.
FLOOR_SD = 0.05
# Draws that stand for the posterior; combinations less likely than the best by this many nats are left out.
DRAWS, UNLIKELY = 1_000, 14.0
# A run that blows up is cheap and says much: in choosing what to try first it counts no more than this.
BLOWN = 0.1
STEP = 0.05  # decades, of everything read off
# The luck of a training blurs where its best rate lies, by this many decades: without, the 80 % range held the best
# rate of recorded trainings 55 to 75 times in 100 (benchmarks/chooser, the tasks of development).
LUCK = 0.17
BLUR = np.exp(-((np.arange(-12, 13) * STEP / LUCK) ** 2) / 2)
BLUR /= BLUR.sum()
COARSE = 2 * STEP  # decades, of the grid of the optimum
REACH = 1.5  # decades, of the grid beyond what was tried


class Score(NamedTuple):
    """The end of one run: where it stood, and what came out (infinite if it diverged)."""

    rate: float
    horizon: float
    loss: float


class _Runs(NamedTuple):
    """The scores as arrays: heights in units of the gain, above the lowest loss of their horizon."""

    rates: Array
    horizons: Array
    heights: Array
    floors: dict[float, float]

    @property
    def indicators(self) -> Array:
        """A column for each horizon, in their order."""
        return np.asarray(self.horizons[:, None] == np.array(list(self.floors))).astype(float)

    def below(self, bowls: Bowls) -> Array:
        """The height of each bowl at each run."""
        return np.stack([bowls.height(r, h) for r, h in zip(self.rates, self.horizons, strict=True)])


class _Level(NamedTuple):
    """What one level of noise makes of a list of bowls: a number for each."""

    evidence: Array
    depth: Array
    floors: Array  # a row for each horizon
    whitening: Array  # of the runs: the inverse of the Cholesky factor of their covariance


class _Part(NamedTuple):
    """The draws with one level of noise."""

    drawn: Whole
    whitening: Array
    residuals: Array


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
    _runs: _Runs
    _bowls: Bowls  # of each draw
    _depth: Array
    _floors: Array
    _parts: list[_Part]
    _lost: list[tuple[float, float]]
    _drawn: dict[float, Array] = field(default_factory=dict)  # by horizon

    def heights(self, horizon: float = 1.0) -> Array:
        """Draws of the loss above its floor, in units of the gain: a row for each of `rates`, a column a draw."""
        if horizon not in self._drawn:
            bowl = self._depth * self._bowls.height(self.rates[:, None], horizon)
            rest = self._rest(horizon)
            heights = bowl + scale(bowl) * rest
            for rate, lost in self._lost:
                beyond = self.rates >= rate - 1e-9
                if lost <= horizon + 1e-9:
                    heights[beyond] = np.maximum(heights[beyond], LOST)
            self._drawn[horizon] = heights
        return self._drawn[horizon]

    def _rest(self, horizon: float) -> Array:
        """Draws of the process, in units of its scale."""
        rest = np.empty((self.rates.size, self._depth.size))
        dice = np.random.default_rng(0)
        here = np.full(self.rates.size, horizon)
        prior = alike(self.rates, here, self.rates, here)
        to_runs = alike(self.rates, here, self._runs.rates, self._runs.horizons)
        below = self._depth * self._runs.below(self._bowls)
        for drawn, whitening, residuals in self._parts:
            seen = whitening * scale(self._runs.heights)
            projected = seen @ to_runs.T
            mean = projected.T @ (seen @ (residuals / scale(below[:, drawn])))
            spread = np.linalg.cholesky(prior - projected.T @ projected + 1e-6 * np.eye(len(prior)))
            rest[:, drawn] = mean + spread @ dice.standard_normal((self.rates.size, drawn.size))
        return rest

    def optimum(self, horizon: float = 1.0) -> Array:
        """The posterior of the best rate at a horizon, on `rates`."""
        best = np.argmin(self.heights(horizon), axis=0)
        blurred = np.convolve(np.bincount(best, minlength=self.rates.size), BLUR, mode="same")
        return np.asarray(blurred / blurred.sum())

    @property
    def horizons(self) -> list[float]:
        """Those of the runs that it rests on, which have a band."""
        return list(self._runs.floors)

    def quantile(self, share: float, horizon: float = 1.0) -> float:
        """A quantile of the best rate at a horizon, in log10."""
        cumulative = np.cumsum(self.optimum(horizon))
        return float(self.rates[min(int(np.searchsorted(cumulative, share)), self.rates.size - 1)])

    def cost(self, horizon: float = 1.0) -> Array:
        """The expected cost of each rate: the share of the gain of training that it forgoes."""
        heights = self.heights(horizon)
        return np.asarray((heights - heights.min(axis=0)).mean(axis=1))

    def cost_at(self, rate: float, horizon: float = 1.0) -> float:
        """The expected cost of one rate, in log10."""
        return float(np.interp(rate, self.rates, self.cost(horizon)))

    def recommended(self, horizon: float = 1.0) -> float:
        """The rate of least expected cost, in log10. As too high is dearer, it lies below the optimum."""
        return float(self.rates[int(np.argmin(self.cost(horizon)))])

    def improvement(self, known: Sequence[float], horizon: float = 1.0) -> Array:
        """By how much each rate is expected to beat the best of the `known` ones, as a share of the gain.

        Without a known rate: minus what the rate is expected to cost, a blow-up counting a tenth.
        """
        heights = self.heights(horizon)
        if not len(known):
            return -np.asarray(np.minimum(heights - heights.min(axis=0), BLOWN).mean(axis=1))
        rows = heights[[int(np.argmin(np.abs(self.rates - rate))) for rate in known]]
        best = rows[int(np.argmin(rows.mean(axis=1)))]
        return np.asarray(np.maximum(best - heights, 0.0).mean(axis=1))

    def cheap(self, rate: float, extra: float, horizon: float = 1.0) -> tuple[float, float]:
        """The rates around `rate` that are expected to cost at most `extra` more than it does."""
        dear = self.cost(horizon) > self.cost_at(rate, horizon) + extra
        below, above = self.rates[dear & (self.rates < rate)], self.rates[dear & (self.rates > rate)]
        low = below[-1] + STEP if below.size else self.rates[0]
        high = above[0] - STEP if above.size else self.rates[-1]
        return min(float(low), rate), max(float(high), rate)

    def band(self, horizon: float, shares: Sequence[float] = (0.1, 0.5, 0.9)) -> Array:
        """Quantiles of the loss at each rate: one row for each share, in the unit of the loss."""
        place = list(self._runs.floors).index(horizon)
        heights = self._floors[place] + self.heights(horizon)
        return np.asarray(self._runs.floors[horizon] + self.gain * np.quantile(heights, shares, axis=1))

    @property
    def shift(self) -> tuple[float, float]:
        """Mean and standard deviation of the shift of the optimum, in decades per decade of horizon."""
        return float(self._bowls.shift.mean()), float(self._bowls.shift.std())


def fit(scores: Sequence[Score], start: float, prior: tuple[float, float], shift: tuple[float, float] = SHIFT) -> Basin:
    """The posterior over basins.

    Args:
        scores: at least one of them finite.
        start: the loss before training.
        prior: mean and standard deviation of log10 of the best rate, from before any run.
        shift: the same of how it moves, in decades per decade of horizon.
    """
    finite = [score.loss for score in scores if np.isfinite(score.loss)]
    best = min(finite)
    # Without a loss from before training, or one that nothing improved on, the worst run stands in.
    gain = start - best if start > best else max(finite) - best
    gain = max(gain, 1e-12 * max(1.0, abs(best)))
    runs = _gathered(scores, best, gain)
    bowls = all_bowls(_window(runs, prior, shift), shift)
    below = runs.below(bowls)
    likely = _kept(_level(runs, bowls, below, NOISES[-1], prior, shift).evidence)
    bowls, below = bowls.at(likely), below[:, likely]
    levels = [_level(runs, bowls, below, level, prior, shift) for level in NOISES]
    evidence = np.concatenate(
        [level.evidence + np.log(share) for level, share in zip(levels, NOISE_PRIOR, strict=True)]
    )
    which, drawn = np.divmod(_resampled(evidence), likely.size)
    depth = np.stack([level.depth for level in levels])[which, drawn]
    floors = np.stack([level.floors for level in levels], axis=1)[:, which, drawn]
    bowls = _between(bowls.at(drawn), runs, shift[1])
    residuals = runs.heights[:, None] - runs.indicators @ floors - depth * runs.below(bowls)
    parts = [
        _Part(at, levels[i].whitening, residuals[:, at])
        for i in range(len(NOISES))
        if (at := np.flatnonzero(which == i)).size
    ]
    rates = np.arange(min(runs.rates.min(), prior[0]) - REACH, max(runs.rates.max(), prior[0]) + REACH, STEP)
    lost = [(score.rate, score.horizon) for score in scores if not np.isfinite(score.loss)]
    return Basin(rates, best, gain, runs, bowls, depth, floors, parts, lost)


def _gathered(scores: Sequence[Score], best: float, gain: float) -> _Runs:
    horizons = np.array([score.horizon for score in scores])
    losses = np.array([score.loss for score in scores])
    floors = {}
    heights = np.full(losses.size, LOST)
    for horizon in np.unique(horizons):
        at = (horizons == horizon) & np.isfinite(losses)
        floors[float(horizon)] = float(losses[at].min()) if at.any() else best
        heights[at] = np.minimum((losses[at] - floors[float(horizon)]) / gain, LOST)
    return _Runs(np.array([score.rate for score in scores]), horizons, heights, floors)


def _window(runs: _Runs, prior: tuple[float, float], shift: tuple[float, float]) -> Array:
    """The optima worth a fine grid: those that a coarse one of fewer shapes does not rule out."""
    lowest, highest = min(runs.rates.min(), prior[0]) - REACH, max(runs.rates.max(), prior[0]) + REACH
    optima = np.arange(lowest, highest, 2 * COARSE)
    bowls = some_bowls(optima, shift)
    evidence = _level(runs, bowls, runs.below(bowls), NOISES[-1], prior, shift).evidence.reshape(optima.size, -1)
    likely = optima[evidence.max(axis=1) > evidence.max() - UNLIKELY]
    return np.arange(likely[0] - COARSE, likely[-1] + 1.5 * COARSE, COARSE)


def _kept(evidence: Array) -> Whole:
    return np.flatnonzero(evidence > evidence.max() - UNLIKELY)


def _resampled(evidence: Array) -> Whole:
    """Systematic resampling: as many copies of each combination as its weight is worth, and no dice."""
    cumulative = np.cumsum(np.exp(evidence - evidence.max()))
    return np.asarray(np.searchsorted(cumulative, (np.arange(DRAWS) + 0.5) / DRAWS * cumulative[-1]))


def _between(bowls: Bowls, runs: _Runs, shift_sd: float) -> Bowls:
    """The draws spread evenly over their cells of the grid, or what is read off would be a comb."""
    count = np.arange(bowls.optimum.size)
    # Multiples of the golden ratio and of the square root of 2 fill the square evenly, and are no dice.
    across, along = (count * 0.6180339887 % 1 - 0.5), (count * 0.4142135624 % 1 - 0.5)
    turn = shift_sd * SHIFT_CELL * across
    # Turned around where the runs are: what they say of the optimum there is not touched.
    pivot = np.log10(runs.horizons).mean()
    return bowls._replace(optimum=bowls.optimum + COARSE * along - turn * pivot, shift=bowls.shift + turn)


def _level(
    runs: _Runs, bowls: Bowls, below: Array, level: float, prior: tuple[float, float], shift: tuple[float, float]
) -> _Level:
    """Generalised least squares for the depth and the floors of every bowl at once, and what speaks for each."""
    scales = scale(runs.heights)
    covariance = alike(runs.rates, runs.horizons, runs.rates, runs.horizons) * np.outer(scales, scales)
    factor = np.linalg.cholesky(covariance + np.diag(noise(level, runs.heights) ** 2))
    whitening = np.linalg.inv(factor)
    basis, triangle = np.linalg.qr(whitening @ runs.indicators)
    heights, shapes = whitening @ runs.heights, whitening @ below
    on_floors, of_floors = basis.T @ heights, basis.T @ shapes
    heights = heights - basis @ on_floors
    weight = (shapes**2).sum(axis=0) - (of_floors**2).sum(axis=0) + DEPTH_WEIGHT
    agreement = heights @ shapes + DEPTH_WEIGHT
    depth = np.clip(agreement / weight, 0.05, 4.0)
    floors = np.linalg.inv(triangle) @ (on_floors[:, None] - depth * of_floors)
    misfit = heights @ heights - 2 * depth * agreement + depth**2 * weight
    misfit += (np.minimum(floors, 0.0) ** 2).sum(axis=0) / FLOOR_SD**2
    misfit += ((bowls.optimum - prior[0]) / prior[1]) ** 2 + ((bowls.shift - shift[0]) / shift[1]) ** 2
    volume = np.log(np.diag(factor)).sum() + np.log(np.abs(np.diag(triangle))).sum()
    return _Level(-misfit / 2 - volume - np.log(weight) / 2, depth, floors, whitening)
