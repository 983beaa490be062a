"""`Desk`: where a method buys runs of a task. It sees what it pays for, and everything it pays is counted."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple, final

import numpy as np

from benchmarks.chooser.tables import Answer, Table

# Every search has its own draw of how the range and the prior lie, so that nothing rests on where a grid happens
# to fall: the ends of the range move outwards by up to this many decades (rates beyond what is recorded are
# answered as the outermost one), the prior's centre by so many either way.
OUTWARDS, ASIDE = 0.25, 0.25


class Spent(Exception):
    """The budget does not pay for this run."""


class Mark(NamedTuple):
    """Where a search stood after a run: what was paid, how many runs were begun, what it would recommend."""

    cost: float
    trials: int
    rate: float


@final
@dataclass
class Desk:
    """One search of one table.

    Attributes:
        table: not to be looked into by a method; `low`, `high` and `optimizer` are what a user would know.
        seed: of the search.
        budget: in full runs.
        most: runs that may be begun.
    """

    table: Table
    seed: int
    budget: float
    most: int = 10_000
    spent: float = 0.0
    marks: list[Mark] = field(default_factory=list)
    _begun: dict[int, float] = field(default_factory=dict)  # what was paid for the runs that can go on

    def __post_init__(self) -> None:
        draws = np.random.default_rng([self.seed, 7]).uniform(size=3)
        self.low = self.table.low - OUTWARDS * draws[0]
        self.high = self.table.high + OUTWARDS * draws[1]
        self.aside = ASIDE * (2 * draws[2] - 1)
        self.trials = 0

    @property
    def optimizer(self) -> str:
        return self.table.optimizer

    def run(self, rate: float, share: float = 1.0, seed: int = 0) -> Answer:
        """A run of this share of the full length, with a whole schedule of its own. Raises Spent."""
        self._afford(share)
        answer = self.table.source(rate, share, seed + self.seed, False)
        self._pay(answer.cost)
        return answer

    def begin(self, rate: float, share: float, seed: int = 0) -> int:
        """Begin a full run that can be stopped and gone on with; its number."""
        self._afford(share)
        number = self.trials
        self.trials += 1
        self._begun[number] = 0.0
        return number

    def go_on(self, number: int, rate: float, share: float, seed: int = 0) -> Answer:
        """Go on with a full run until this share of it; only what is new is paid. Raises Spent."""
        already = self._begun[number]
        if self.spent + share - already > self.budget + 1e-9:
            raise Spent
        answer = self.table.source(rate, share, seed + self.seed, True)
        self.spent += max(0.0, answer.cost - already)
        self._begun[number] = max(answer.cost, already)
        return answer

    def recommend(self, rate: float) -> None:
        """What would be answered if the search ended here."""
        self.marks.append(Mark(self.spent, self.trials, rate))

    def _afford(self, share: float) -> None:
        if self.spent + share > self.budget + 1e-9 or self.trials >= self.most:
            raise Spent

    def _pay(self, cost: float) -> None:
        self.spent += cost
        self.trials += 1


class Best:
    """The run with the lowest loss so far; what most methods recommend."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.loss, self.rate = desk, math.inf, math.nan

    def saw(self, rate: float, loss: float) -> None:
        """Take note of a full run."""
        if loss < self.loss:
            self.loss, self.rate = loss, rate
        self.desk.recommend(self.rate)
