"""`Board`: what is known of a search while it runs: its runs in order, what they cost, and the best so far."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

from stepsize.tuner.plan import Result
from stepsize.tuner.trial import Trial


@final
@dataclass
class Row:
    """A run of the search, at work until it has a result.

    Attributes:
        number: 1, 2, … in the order in which the runs were first heard of.
        kept: the run was made before, so nothing is known of its speed.
        began, changed: when it was first and last heard of, in seconds.
        first, made: updates made at these times.
    """

    number: int
    trial: Trial
    began: float
    changed: float
    first: int = 0
    made: int = 0
    result: Result | None = None
    kept: bool = False

    @property
    def at_work(self) -> bool:
        return self.result is None

    @property
    def loss(self) -> float:
        """The metric at the end: infinite where the run diverged, NaN while it is at work."""
        return math.nan if self.result is None else self.result.loss


@final
class Board:
    """The runs of a search of `budget` full runs of `steps` updates, kept while they are made.

    Runs may be at work side by side. An update that was left out is no harm, nor is a run that begins again.
    """

    def __init__(self, budget: float, steps: int, now: float = 0.0) -> None:
        self.budget, self.steps, self.opened = budget, max(steps, 1), now
        self.rows, self.metric = list[Row](), ""
        self.best: Row | None = None
        self._at_work: dict[int, Row] = {}  # by identity: settings may be of any kind, and every update asks
        self._heard, self._paid = now, 0.0

    def seen(self, trial: Trial, step: int, now: float) -> None:
        """Update `step` of a trial has been made."""
        row = self._at_work.get(id(trial))
        if row is None:
            row = self._at_work[id(trial)] = self._new(trial, now, step + 1)
        elif step < row.made - 1:
            row.began, row.first = now, step + 1
        row.made, row.changed = step + 1, now

    def ended(self, result: Result, metric: str, kept: bool, now: float) -> Row:
        """A trial has ended, or was found in the study; its row."""
        row = self._leaving(result.trial) or self._new(result.trial, self._heard, 0)
        made = max(row.first - 1, 0) + round(result.cost * self.steps)
        row.made = max(row.made, min(made, row.trial.steps))
        row.result, row.kept, row.changed = result, kept, now
        self.metric, self._heard, self._paid = metric, now, self._paid + result.cost
        if math.isfinite(result.loss) and (self.best is None or result.loss < self.best.loss):
            self.best = row
        return row

    @property
    def at_work(self) -> list[Row]:
        """The runs that have not ended."""
        return list(self._at_work.values())

    @property
    def spent(self) -> float:
        """What all runs have cost so far, in full-run equivalents."""
        return self._paid + sum(map(self.cost, self._at_work.values()))

    def cost(self, row: Row) -> float:
        """What a run has cost so far, in full-run equivalents."""
        return (row.made - row.first + 1) / self.steps if row.result is None else row.result.cost

    def _new(self, trial: Trial, began: float, made: int) -> Row:
        row = Row(len(self.rows) + 1, trial, began, began, made, made)
        self.rows.append(row)
        return row

    def _leaving(self, trial: Trial) -> Row | None:
        """The row of a trial that was at work and is no more."""
        row = self._at_work.pop(id(trial), None)
        if row is None and (same := [key for key, other in self._at_work.items() if other.trial == trial]):
            row = self._at_work.pop(same[0])
        return row
