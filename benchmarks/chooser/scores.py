"""Scores of plays: regret against cost with its band, failures, the cost to reach one percent, calibration."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, final

import numpy as np

from benchmarks.chooser.plays import LONGEST, PLANNED, Play
from benchmarks.chooser.tables import Array, Table

# A choice that forgoes more than this share of the gain of training has failed; one within this is as good as any.
FAILED, GOOD = 0.10, 0.01
RESAMPLES = 1_000
# Where regret is read off.
COSTS = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0, 12.0, 16.0, 20.0, 24.0)
Regret = Callable[[Table, float], float]


class Score(NamedTuple):
    """A mean, its 90 % band over search seeds, and the share of failures."""

    mean: float
    low: float
    high: float
    failed: float
    cases: int


@final
@dataclass(frozen=True)
class Results:
    """All plays of a contest with the tables they were played on."""

    plays: Sequence[Play]
    tables: dict[tuple[str, str], Table]

    def of(self, method: str, family: str, split: str = "all") -> list[Play]:
        """The plays of one method on one family; `split` is all, dev or test."""
        wanted = {"all": (True, False), "dev": (True,), "test": (False,)}[split]
        return [one for one in self._by_name.get((method, family), ()) if one.dev in wanted]

    @functools.cached_property
    def _by_name(self) -> dict[tuple[str, str], list[Play]]:
        found: dict[tuple[str, str], list[Play]] = {}
        for one in self.plays:
            found.setdefault((one.method, one.family), []).append(one)
        return found

    def matrix(self, plays: Iterable[Play], rate_of: Callable[[Play], float], regret: Regret) -> Array:
        """The regret of each play: a row a table, a column a seed."""
        rows: dict[str, dict[int, float]] = {}
        for one in plays:
            table = self.tables[one.family, one.label]
            rows.setdefault(one.label, {})[one.seed] = regret(table, rate_of(one))
        return np.array([[row[seed] for seed in sorted(row)] for row in rows.values()])

    def at_cost(self, method: str, family: str, cost: float, split: str = "all", regret: Regret | None = None) -> Array:
        """The regrets where a method may spend `cost`; empty where it was not played so."""
        plays = self.of(method, family, split)
        if method in PLANNED:
            plays = [one for one in plays if one.budget == cost]
        elif cost > LONGEST:
            plays = []
        return self.matrix(plays, lambda one: one.after(cost), regret or Table.regret)

    def paid(self, method: str, family: str, budget: float, split: str = "all") -> float:
        """What a method that plans for its budget paid in the mean."""
        plays = [one for one in self.of(method, family, split) if one.budget == budget and one.marks]
        return float(np.mean([one.marks[-1].cost for one in plays])) if plays else math.nan

    def budgets(self, method: str, family: str) -> list[float]:
        """The costs at which a method can be judged."""
        if method in PLANNED:
            return sorted({one.budget for one in self.of(method, family)})
        return list(COSTS)


def score(regrets: Array) -> Score:
    """The mean and its band; the tables are what they are, the seeds are drawn again."""
    if not regrets.size:
        return Score(math.nan, math.nan, math.nan, math.nan, 0)
    draw = np.random.default_rng(0)
    seeds = draw.integers(regrets.shape[1], size=(RESAMPLES, regrets.shape[0], regrets.shape[1]))
    means = np.take_along_axis(regrets[None], seeds, axis=2).mean(axis=(1, 2))
    low, high = np.quantile(means, (0.05, 0.95))
    return Score(float(regrets.mean()), float(low), float(high), float((regrets > FAILED).mean()), int(regrets.size))


def cost_to_good(results: Results, method: str, family: str, split: str = "all") -> dict[str, float]:
    """For each table, what must be paid until the mean regret over seeds is within 1 %, and stays so.

    Infinite where that is never reached within the longest search played.
    """
    plays = results.of(method, family, split)
    costs = results.budgets(method, family) if method in PLANNED else list(np.arange(1, LONGEST + 0.1, 0.5))
    found = {}
    for label in dict.fromkeys(one.label for one in plays):
        own = [one for one in plays if one.label == label]
        reached: float = math.inf
        for cost in reversed(costs):
            there = [one for one in own if one.budget == cost] if method in PLANNED else own
            table = results.tables[family, label]
            if np.mean([table.regret(one.after(cost)) for one in there]) > GOOD:
                break
            reached = float(np.mean([one.marks[-1].cost for one in there])) if method in PLANNED else float(cost)
        found[label] = reached
    return found


def calibration(results: Results, method: str, family: str, budget: float, split: str = "all") -> tuple[float, int]:
    """How often the 80 % range holds the best rate, and of how many searches.

    The truth is the bottom of the parabola through the best recorded rate and its neighbours: the grid itself
    says only which of its points is best.
    """
    held = []
    for one in results.of(method, family, split):
        if one.budget == budget and one.range is not None:
            held.append(one.range[0] <= bottom(results.tables[family, one.label]) <= one.range[1])
    return (float(np.mean(held)) if held else math.nan), len(held)


def bottom(table: Table) -> float:
    """Where the best rate is, between the recorded ones."""
    place = int(np.argmin(table.losses))
    around = table.losses[place - 1 : place + 2]
    if not 0 < place < table.rates.size - 1 or not np.isfinite(around).all():
        return float(table.rates[place])
    left, middle, right = map(float, around)
    bend = left - 2 * middle + right
    step = float(table.rates[place + 1] - table.rates[place])
    return float(table.rates[place]) + (0.5 * step * (left - right) / bend if bend > 0 else 0.0)
