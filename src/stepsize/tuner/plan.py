"""`Plan`, `Result`, `Decision`: what a search is given, what comes back of each trial, and what it concludes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

from stepsize.tuner.basin import SHIFT, Basin
from stepsize.tuner.space import Space
from stepsize.tuner.trial import Trial

# Horizons of the runs that bracket the rate, of those that compare other settings, and of those that show how the
# optimum moves, as shares of the full one; and the fewest updates that say anything.
FIRST, SHORT, MIDDLE, FEWEST = 1 / 16, 1 / 8, 1 / 4, 10


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
        shift: mean and standard deviation of how the best rate moves, in decades per decade of horizon.
        fixed: every run has the full length, as the training knows no other.
        widen: the bounds may be left where the best rate seems to lie beyond.
        parallel: trials asked for at once, where one need not wait for another.
    """

    steps: int
    budget: float
    low: float
    high: float
    prior: tuple[float, float]
    space: Space = Space()  # noqa: RUF009  # frozen
    seed: int = 0
    shift: tuple[float, float] = SHIFT
    fixed: bool = False
    widen: bool = True
    parallel: int = 1

    @property
    def first(self) -> int:
        """Updates of the runs that bracket the rate: where settings are compared, as many as there."""
        return self.short if self.space else self._length(FIRST)

    @property
    def short(self) -> int:
        """Updates of a run that compares settings."""
        return self._length(SHORT)

    @property
    def middle(self) -> int:
        """Updates of a middle run."""
        return self._length(MIDDLE)

    def _length(self, share: float) -> int:
        return self.steps if self.fixed else min(self.steps, max(FEWEST, round(share * self.steps)))


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
