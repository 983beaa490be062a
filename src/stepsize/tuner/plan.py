"""`Plan`, `Result`, `Decision`: what a search is given, what comes back of each trial, and what it concludes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

from stepsize.tuner.basin import Basin
from stepsize.tuner.space import Dimension
from stepsize.tuner.trial import Trial

# Horizons of the short and middle runs, as shares of the full one, and the fewest updates that say anything.
SHORT, MIDDLE, FEWEST = 1 / 8, 0.35, 10


@final
@dataclass(frozen=True)
class Plan:
    """What is searched, and for how much.

    Attributes:
        steps: updates of a full run.
        budget: in full-run equivalents, at least 1.
        low, high: bounds of log10 of the rate.
        prior: mean and standard deviation of log10 of the best rate.
        space: what varies besides the rate.
        seed: of the runs; the confirming run uses the next one.
    """

    steps: int
    budget: float
    low: float
    high: float
    prior: tuple[float, float]
    space: tuple[Dimension, ...] = ()
    seed: int = 0

    @property
    def short(self) -> int:
        """Updates of a short run."""
        return min(self.steps, max(FEWEST, round(SHORT * self.steps)))

    @property
    def middle(self) -> int:
        """Updates of a middle run."""
        return min(self.steps, max(2 * self.short, round(MIDDLE * self.steps)))


@final
@dataclass(frozen=True)
class Result:
    """What came out of a trial.

    Attributes:
        loss: the metric at the end; infinite if the run diverged.
        start: the metric, or the loss, at the beginning.
        cost: in full-run equivalents; less than its length where the run was cut short.
    """

    trial: Trial
    loss: float
    start: float
    cost: float


@final
@dataclass(frozen=True)
class Decision:
    """What a search concluded.

    Attributes:
        rate: log10 of the peak.
        settings: chosen for the other dimensions.
        basin: the posterior it rests on.
        confirmed: how many full-length runs were made at this rate and these settings.
        results: all of them, in order.
    """

    rate: float
    settings: tuple[tuple[str, Any], ...]
    basin: Basin
    confirmed: int
    results: tuple[Result, ...]
