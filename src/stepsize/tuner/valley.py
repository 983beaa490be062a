"""The valley: what a few short runs at one choice of the settings say of the least loss over rates.

In log10 of the rate the height of a run, 0 for the best loss seen and 1 for the loss before training, is

    height = bowl + floor * (1 - bowl),     bowl = z^p / (1 + z^p),     z = (rate - optimum) / width

with half the width above the optimum. The floor, which is what settings are compared by, is linear, so that it
is solved for on a grid of the optimum and the shape (width, p). The shape is common to all settings: each
teaches the others.
Where the optimum of settings that nobody has run may lie follows from those that were run, by a linear
regression whose prior is that of the optimizer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from stepsize.tuner.beforehand import Rate, rate_prior
from stepsize.tuner.space import Pairs, Space, features

Array = NDArray[np.float64]

# The floor of settings that only ever diverged.
LOST = 1.5
# Width and power.
SHAPES = np.array([(0.5, 2), (0.9, 2), (1.6, 2), (2.8, 2), (0.6, 4), (1.0, 4), (1.6, 4), (2.6, 4)]).T
ABOVE = 0.5  # the width above the optimum, as a share of that below
# The noise of a height: at the bottom, and as a share of the height, as the walls of a real valley are rough.
NOISE_FLOOR, NOISE_SHARE = 0.015, 0.2
# What floors are like before any run.
FLOOR_MEAN, FLOOR_SD = 0.1, 0.3
# How far a floor may lie below the best loss seen.
BELOW_SD = 0.04
# A run diverges no further below the optimum than this, in decades.
DIVERGED_SD = 0.1
# How far below and above the best rate tried another one is trusted to be better, in decades.
STRAY = (0.3, 0.15)
# The optimum on a grid of this many standard deviations of its prior to either side.
GRID = np.linspace(-3.0, 3.0, 61)
# How the best rate moves: per unit of a setting's feature, and for no reason that is known. In decades.
SLOPE_SD, RESIDUAL_SD = 0.4, 0.25
# Priors of the rate are for a momentum of 0.9.
USUAL_LEFT = 0.1
BATCH_EXPONENT = 0.6


class Seen(NamedTuple):
    """One short run: its settings, log10 of its rate, and its loss (infinite if it diverged)."""

    settings: Pairs
    rate: float
    loss: float


class Floor(NamedTuple):
    """The least loss over rates, as a height: mean and standard deviation."""

    mean: float
    sd: float


@final
@dataclass(frozen=True, eq=False)
class Valley:
    """The posterior of the optimum, the shape and the floor at one choice of the settings."""

    rates: Array  # the grid of the optimum
    weights: Array  # of each (optimum, shape)
    floor: Floor
    tried: tuple[float, ...]
    best_tried: float  # of them, the rate with the least loss

    def recommended(self) -> float:
        """The rate of least expected height."""
        heights = _bowl(self.rates[:, None], self.rates)
        return float(self.rates[int(np.argmin(np.einsum("ros,os->r", heights, self.weights)))])

    def near(self) -> float:
        """The recommended rate, where the runs tried have something to say of it."""
        if not self.tried:
            return self.recommended()
        return min(max(self.recommended(), self.best_tried - STRAY[0]), self.best_tried + STRAY[1])

    def left(self) -> float:
        """The height that the best rate tried is expected to lie above the floor."""
        return (1 - self.floor.mean) * float((self._least() * self.weights).sum())

    def next_rate(self) -> float:
        """The rate that is expected to leave least, together with those tried."""
        if not self.tried:
            return self.recommended()
        lower = np.minimum(_bowl(self.rates[:, None], self.rates), self._least())
        return float(self.rates[int(np.argmin(np.einsum("ros,os->r", lower, self.weights)))])

    def _least(self) -> Array:
        """The bowl at the best rate tried, by optimum and shape."""
        return np.asarray(_bowl(np.array(self.tried)[:, None], self.rates).min(axis=0))


def _weights(evidence: Array) -> Array:
    return np.asarray(np.exp(evidence - evidence.max()))


def _normal(weights: Array) -> Array:
    return np.asarray(weights / weights.sum())


def _known_shift(settings: Mapping[str, Any], start: Mapping[str, Any]) -> float:
    """How the best rate moves with settings by what everybody knows, in decades.

    The step of a heavy ball is rate / (1 - momentum); a batch of four times the examples takes about twice
    the rate (Adam; Malladi et al. 2022), up to four times (SGD; Goyal et al. 2017).
    """
    momentum = math.log10((1 - settings["momentum"]) / USUAL_LEFT) if "momentum" in settings else 0.0
    if "batch_size" not in settings or "batch_size" not in start:
        return momentum
    return momentum + BATCH_EXPONENT * math.log10(settings["batch_size"] / start["batch_size"])


def _bowl(rate: Array, optima: Array) -> Array:
    """The bowl at each rate, for each optimum and shape: one axis each, after those of `rate` but its last."""
    distance = (rate - optima)[..., None]
    widths, powers = SHAPES
    z2 = (distance / (widths * np.where(distance < 0, 1.0, ABOVE))) ** 2
    zp = np.where(powers == 4, z2 * z2, z2)
    return np.asarray(zp / (1 + zp))


class Fit(NamedTuple):
    """What some runs say: by optimum and shape the evidence, and mean and variance of the floor."""

    optima: Array
    evidence: Array
    means: Array
    variances: Array


@final
class Valleys:
    """The valleys of all settings that were run, and of any that may be.

    Args:
        seen: the runs, all of one length.
        start: the loss before training.
        space: what varies.
        prior: of the rate, for the optimizer that the search starts with.
    """

    def __init__(self, seen: Sequence[Seen], start: float, space: Space, prior: Rate) -> None:
        self._space, self._prior = space, prior
        finite = [run.loss for run in seen if np.isfinite(run.loss)]
        self.best = min(finite, default=0.0)
        gain = start - self.best if start > self.best else max(finite, default=1.0) - self.best
        self.gain = max(gain, 1e-12 * max(1.0, abs(self.best)))
        self._runs: dict[Pairs, list[Seen]] = {}
        self._known: dict[Pairs, Valley] = {}
        for run in seen:
            self._runs.setdefault(run.settings, []).append(run)
        optimizers: Sequence[Any] = next((d.choices for d in space if d.name == "optimizer"), (None,))
        self._spreads = {name: rate_prior(space, (("optimizer", name),), prior)[1] for name in optimizers}
        alone = {settings: self._fit(settings, self._wide(settings)) for settings in self._runs}
        self._shapes = _normal(np.prod([_normal(_weights(fit.evidence).sum(axis=0)) for fit in alone.values()], axis=0))
        self._optima = {settings: self._taught(settings, fit) for settings, fit in alone.items()}

    def at(self, settings: Pairs) -> Valley:
        """What is known at these settings, by their own runs and by those at others."""
        if settings not in self._known:
            self._known[settings] = self._at(settings)
        return self._known[settings]

    def _at(self, settings: Pairs) -> Valley:
        fit = self._fit(settings, self.expected(settings))
        weights = _normal(_weights(fit.evidence) * self._shapes)
        mean = float((weights * fit.means).sum())
        variance = float((weights * (fit.variances + (fit.means - mean) ** 2)).sum())
        runs = self._runs.get(settings, [])
        if runs and not any(np.isfinite(run.loss) for run in runs):
            mean = LOST
        best = min(runs, key=lambda run: run.loss).rate if runs else math.nan
        return Valley(fit.optima, weights, Floor(mean, variance**0.5), tuple(run.rate for run in runs), best)

    def expected(self, settings: Pairs) -> Rate:
        """Where the optimum of these settings is to be expected, by the runs at all others."""
        row, precision = self._row(settings)
        gram, moved = np.diag(precision), np.zeros(row.size)
        for other, (optimum, variance) in self._optima.items():
            if other != settings:
                weighted = self._row(other)[0] / (variance + RESIDUAL_SD**2)
                gram += np.outer(weighted, self._row(other)[0])
                moved += weighted * (optimum - self._wide(other)[0])
        covariance = np.linalg.inv(gram)
        mean = self._wide(settings)[0] + row @ covariance @ moved
        return float(mean), float(np.sqrt(row @ covariance @ row + RESIDUAL_SD**2))

    def _wide(self, settings: Pairs) -> Rate:
        """The prior of the optimum, from before any run."""
        mean, sd = rate_prior(self._space, settings, self._prior)
        return mean + _known_shift(dict(settings), dict(self._space.start)), sd

    def _row(self, settings: Pairs) -> tuple[Array, Array]:
        """What the optimum depends on: an offset for each optimizer, slopes for the rest; and their precisions."""
        chosen = dict(settings).get("optimizer")
        offsets = [1.0 if choice == chosen else 0.0 for choice in self._spreads]
        rows = zip(self._space, features(self._space, self._space.shares(settings)), strict=True)
        slopes = [value for d, row in rows if d.name != "optimizer" for value in row]
        spreads = [*self._spreads.values(), *([SLOPE_SD] * len(slopes))]
        return np.array(offsets + slopes), np.array(spreads) ** -2.0

    def _fit(self, settings: Pairs, prior: Rate) -> Fit:
        """The evidence of each optimum and shape, and the floor under each, by the settings' own runs."""
        optima = prior[0] + prior[1] * GRID
        evidence = np.broadcast_to(-(GRID[:, None] ** 2) / 2, (GRID.size, SHAPES.shape[1]))
        precision = np.full(evidence.shape, FLOOR_SD**-2)
        moved = FLOOR_MEAN * precision
        for run in self._runs.get(settings, []):
            height = min((run.loss - self.best) / self.gain, 1.0) if np.isfinite(run.loss) else 1.0
            if not np.isfinite(run.loss):
                # What diverges lies above the optimum, whatever its height.
                evidence = evidence - (np.maximum(optima - run.rate, 0.0)[:, None] / DIVERGED_SD) ** 2 / 2
            weight = 1 / (NOISE_FLOOR**2 + (NOISE_SHARE * height) ** 2)
            bowl = _bowl(np.array(run.rate), optima)
            evidence = evidence - weight * (height - bowl) ** 2 / 2
            precision = precision + weight * (1 - bowl) ** 2
            moved = moved + weight * (1 - bowl) * (height - bowl)
        means = moved / precision
        evidence = evidence + (precision * means**2 - np.log(precision)) / 2
        below = np.minimum(means, 0.0)
        return Fit(optima, evidence - (below / BELOW_SD) ** 2 / 2, means - below / 2, 1 / precision)

    def _taught(self, settings: Pairs, fit: Fit) -> Rate:
        """The optimum that these settings' own runs speak for, their prior taken out again: mean and variance."""
        weights = _normal(_weights(fit.evidence) * self._shapes).sum(axis=1)
        mean = float(weights @ fit.optima)
        variance = float(weights @ (fit.optima - mean) ** 2)
        before, sd = self._wide(settings)
        precision = max(1 / variance - 1 / sd**2, 1e-6)
        return (mean / variance - before / sd**2) / precision, 1 / precision
