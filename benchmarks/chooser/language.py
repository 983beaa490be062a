"""The language-model runs of fabian-sp/lr-scheduling: the right rate for the long run from shorter ones.

From Schaipp et al., The Surprising Agreement Between Convex Optimization Theory and Learning-Rate Scheduling
for Large Model Training, 2025 (arXiv:2501.18965; MIT): Llamas of 124 M parameters on SlimPajama with AdamW, each
rate and length with a complete schedule of its own. A case is a family of schedules and the longest length that
may be looked at. What Hyperband, ASHA and pruners see of it is the long run itself, cut off at that length.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, final

import numpy as np
import pandas as pd

from stepsize.tuner.order import order
from stepsize.tuner.plan import Result
from stepsize.tuner.strategy import conclude
from stepsize.tuner.trial import Trial

LONG = 50_000
SEEN = (15_000, 25_000, 35_000)
PARAMETERS, DATASET = 123_587_328, "slimpajama"
# Families by their cooldown; the strategy was looked at on the first ones.
DEV = frozenset({0.1, 0.4, 0.8})
START = math.log(50_304)  # the loss of a model that knows nothing of GPT-2's tokens


@final
@dataclass(frozen=True)
class Case:
    """A family of schedules and how far one may look.

    Attributes:
        name: of the family; `seen` is the longest length that may be looked at, in updates.
        own: (log10 of the rate, updates) -> the loss at the end of a run of that length, with a whole schedule.
        cut: log10 of the rate -> the loss of the long run after `seen` updates.
    """

    name: str
    dev: bool
    seen: int
    own: dict[tuple[float, int], float]
    cut: dict[float, float]

    @property
    def truth(self) -> dict[float, float]:
        """log10 of the rate -> the loss at the end of the long run."""
        return {rate: loss for (rate, steps), loss in self.own.items() if steps == LONG}

    def regret(self, rate: float) -> float:
        """In nats."""
        return self.truth[rate] - min(self.truth.values())


class Verdict(NamedTuple):
    """What a way of choosing chose for a case."""

    way: str
    case: str
    dev: bool
    seen: int
    right: bool
    regret: float


def cases(folder: Path) -> list[Case]:
    """Every case in `folder`, the directory that holds `runs.csv`."""
    runs = pd.read_csv(folder / "runs.csv")
    kept = (runs.params == PARAMETERS) & (runs.dataset == DATASET) & (runs.decay_type.notna())
    runs = runs[kept & runs.final_val_loss.notna()]
    curves = _curves(folder / "curves.csv.gz")
    # A cooldown is recorded from where it branches off; before that there is the trunk at a constant rate.
    trunks = {row.lr: curves[row.curve] for row in runs.itertuples() if str(row.tag).startswith("stable")}
    found = []
    for (tag, scheduler, decay, cooldown), family in runs.groupby(["tag", "scheduler", "decay_type", "cooldown_frac"]):
        name = f"{scheduler} {decay}" + (f" {cooldown:g}" if cooldown else f" {tag.split('-')[1]}")
        for seen in SEEN:
            if case := _case(name, bool(cooldown in DEV), seen, family, curves, trunks):
                found.append(case)
    return found


def _case(
    name: str, dev: bool, seen: int, family: pd.DataFrame, curves: dict[int, pd.Series], trunks: dict[float, pd.Series]
) -> Case | None:
    """None where fewer than three rates were run at both lengths."""
    own = {
        (round(math.log10(lr), 4), int(steps)): float(group.final_val_loss.median())
        for (lr, steps), group in family.groupby(["lr", "iterations"])
        if steps == LONG or steps <= seen
    }
    rates = {rate for rate, steps in own if steps == seen} & {rate for rate, steps in own if steps == LONG}
    if len(rates) < 3:
        return None
    own = {key: loss for key, loss in own.items() if key[0] in rates}
    cut = {}
    for row in family[family.iterations == LONG].itertuples():
        curve = curves[row.curve]
        curve = curve if curve.index[0] <= seen else trunks[row.lr]
        cut[round(math.log10(row.lr), 4)] = float(np.interp(seen, curve.index, curve))
    return Case(name, dev, seen, own, {rate: cut[rate] for rate in rates})


def _curves(path: Path) -> dict[int, pd.Series]:
    """The validation losses of each run by update; where a run was resumed, those that it went on from."""
    rows = pd.read_csv(path)
    rows = rows[rows.split == "val"]
    return {
        int(number): rows.loc[of].groupby("iter").loss.last() for number, of in rows.groupby("curve").groups.items()
    }


def truncated(case: Case) -> float:
    """The rate whose long run is best when it is cut off."""
    return min(case.cut, key=lambda rate: case.cut[rate])


def own_horizon(case: Case) -> float:
    """The rate whose shorter run, with a schedule of its own, is best."""
    return min((rate for rate, steps in case.own if steps == case.seen), key=lambda rate: case.own[rate, case.seen])


def ours(case: Case) -> float:
    """Of the recorded rates, the one that our posterior expects to cost least in the long run."""
    rates = sorted(case.truth)
    schedule = "wsd" if case.name.startswith("wsd") else "warmup_cosine"
    low, high = 10 ** rates[0], 10 ** rates[-1]
    asked = order("", "loss", steps=LONG, budget=10, optimizer="adamw", schedule=schedule, low=low, high=high).plan
    results = [
        Result(Trial(rate, steps, 0), loss, START, steps / LONG)
        for (rate, steps), loss in sorted(case.own.items(), key=lambda item: item[0][1])
        if steps < LONG
    ]
    decision: Any = conclude(asked, results, ())
    return min(rates, key=decision.basin.cost_at)


WAYS = {"cut off (pruners, Hyperband, ASHA)": truncated, "own horizon": own_horizon, "stepsize": ours}


def verdicts(folder: Path) -> list[Verdict]:
    """What each way of choosing makes of each case."""
    found = []
    for case in cases(folder):
        for way, choose in WAYS.items():
            regret = case.regret(choose(case))
            found.append(Verdict(way, case.name, case.dev, case.seen, regret == 0, regret))
    return found
