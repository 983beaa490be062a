"""`Table`: a recorded task that answers what a run would have given, and what a choice is worth."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import NamedTuple, final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Answer(NamedTuple):
    """What a run gave.

    Attributes:
        loss: at its end; infinite if it diverged.
        start: the loss before training.
        cost: in full runs; up to the update at which it diverged, if it did.
    """

    loss: float
    start: float
    cost: float


# log10 of the rate, share of the full run, seed, whether it is the first part of a full run rather than a
# shorter run with a whole schedule of its own.
Source = Callable[[float, float, int, bool], Answer]


@final
@dataclass(frozen=True, eq=False)
class Table:
    """One recorded task and optimizer.

    Attributes:
        name, family: of the task; of the recording it comes from.
        dev: whether the strategy was developed on it; the others judge it.
        optimizer, schedule: as `tune` names them.
        low, high: log10 of the rates at the ends of what is recorded.
        rates, losses: the truth at full length, on seeds that no method sees where there are such.
        start: the loss before training.
        source: what a run gives.
        discrete: only the recorded rates can be run.
        steps: updates of a full run.
        whole: the table that this one is a part of.
    """

    name: str
    family: str
    dev: bool
    optimizer: str
    schedule: str
    low: float
    high: float
    rates: Array
    losses: Array
    start: float
    source: Source = field(repr=False)
    discrete: bool = False
    steps: int = 1_000
    whole: Table | None = None

    @property
    def label(self) -> str:
        return f"{self.name}, {self.optimizer}"

    @property
    def best(self) -> float:
        """The lowest loss on the grid."""
        return float(np.min(self.losses))

    @property
    def best_rate(self) -> float:
        return float(self.rates[int(np.argmin(self.losses))])

    @property
    def bracketed(self) -> bool:
        """Whether rates on both sides of the best one are recorded; else nobody knows where the best one is."""
        return bool(self.rates[0] < self.best_rate < self.rates[-1])

    @property
    def median(self) -> float:
        """The median loss of the recorded rates that did not diverge: what choosing blindly gives."""
        if self.whole is not None:
            return self.whole.median
        return float(np.median(self.losses[np.isfinite(self.losses)]))

    def loss(self, rate: float) -> float:
        """The true loss at a rate."""
        if self.discrete:
            return float(self.losses[int(np.argmin(np.abs(self.rates - rate)))])
        return between(self.rates, self.losses, rate)

    def regret(self, rate: float) -> float:
        """The share of the gain of training that a rate forgoes; at most 1, as not training at all."""
        if not math.isfinite(rate):
            return 1.0
        return float(np.clip((self.loss(rate) - self.best) / (self.start - self.best), 0.0, 1.0))

    def median_regret(self, rate: float) -> float:
        """The same, as a share of what the best rate gains over the median one; at most 1."""
        reach = max(self.median - self.best, 1e-12)
        return float(np.clip((self.loss(rate) - self.best) / reach, 0.0, 1.0)) if math.isfinite(rate) else 1.0

    def lost(self, rate: float) -> bool:
        """Whether a full run at this rate ends without a number, or above where it began."""
        return not self.loss(rate) <= self.start


def between(rates: Array, losses: Array, rate: float) -> float:
    """The loss at a rate between recorded ones: linear in log rate, infinite beyond the middle to a diverged one."""
    rate = min(max(rate, float(rates[0])), float(rates[-1]))
    above = min(max(int(np.searchsorted(rates, rate)), 1), rates.size - 1)
    share = float((rate - rates[above - 1]) / (rates[above] - rates[above - 1]))
    pair = losses[above - 1], losses[above]
    if not all(map(math.isfinite, pair)):
        return float(pair[share > 0.5])
    return float((1 - share) * pair[0] + share * pair[1])


# Decades on either side of the edge of divergence in a range half of which diverges.
HALF = 2.5


def ridden(table: Table) -> Table | None:
    """The same task with the edge of divergence in the middle of its range, and NaN for every run that is lost.

    None where no rate above the best one is lost, or less than a decade on one side of the edge is recorded.
    """
    above = [float(rate) for rate in table.rates if rate > table.best_rate and table.lost(float(rate))]
    edge = min(above, default=math.inf)
    reach = min(HALF, float(table.rates[-1]) - edge, edge - table.low)
    if reach < 1:
        return None
    kept = np.abs(table.rates - edge) <= reach + 1e-6

    def source(rate: float, share: float, seed: int, whole: bool) -> Answer:
        answer = table.source(rate, share, seed, whole)
        return answer._replace(loss=math.inf) if table.lost(rate) and answer.loss > answer.start else answer

    rates, losses, ends = table.rates[kept], table.losses[kept], (edge - reach, edge + reach)
    narrow = replace(table, low=ends[0], high=ends[1], rates=rates, losses=losses)
    return replace(narrow, family="NaN-ridden", source=source, whole=table)
