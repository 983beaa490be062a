"""The rows of the target table: what, the peers beside ours, the target, and whether it is met."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, final

import numpy as np

from benchmarks.chooser.finders import Suggestion, by_finder
from benchmarks.chooser.joint import BUDGET, Choice
from benchmarks.chooser.language import Verdict
from benchmarks.chooser.plays import MOST, OURS, PLANNED, most
from benchmarks.chooser.scores import Results, calibration, cost_to_good, score
from benchmarks.chooser.tables import Table

SPLITS = ("all", "dev", "test")


@final
@dataclass(frozen=True)
class Row:
    """One row. `figures` holds a number a method; `met` is None where nothing was measured."""

    what: str
    split: str
    unit: str
    figures: dict[str, float]
    target: str
    met: bool | None

    def document(self) -> dict[str, Any]:
        """The row as a JSON value."""
        told = asdict(self)
        told["figures"] = {name: value if math.isfinite(value) else None for name, value in self.figures.items()}
        return told


def rows(
    results: Results,
    methods: Sequence[str],
    verdicts: Sequence[Verdict],
    found: Sequence[Suggestion],
    judges: Sequence[Table],
    chosen: Sequence[Choice],
) -> list[Row]:
    """Every row that the plays give, on all tables, on those of the development and on the others."""
    makers: list[Callable[[str], Row | None]] = [
        lambda split: _finders_fail(found, judges, split),
        lambda split: _finders_regret(found, judges, split),
        lambda split: _finders_cost(found, split),
        lambda split: _deepobs(results, methods, split),
        lambda split: _deepobs_trials(results, methods, split),
        lambda split: _recorded(results, methods, split),
        lambda split: _ridden(results, methods, split),
        lambda split: _live(results, methods, split),
        lambda split: _calibrated(results, "DeepOBS", split),
        lambda split: _calibrated(results, "live", split),
        lambda split: _language(verdicts, split, right=True),
        lambda split: _language(verdicts, split, right=False),
        lambda split: _joint(chosen, split),
    ]
    return [row for make in makers for split in SPLITS if (row := make(split)) is not None]


def _finders_fail(found: Sequence[Suggestion], judges: Sequence[Table], split: str) -> Row | None:
    figures = {name: score(regrets).failed for name, regrets in by_finder(found, judges, split).items()}
    what = "find: share of cases that lose > 10 % of the achievable gain"
    return _row(what, split, "share", figures, "≤ 0.05", lambda own, _: own <= 0.05)


def _finders_regret(found: Sequence[Suggestion], judges: Sequence[Table], split: str) -> Row | None:
    figures = {name: score(regrets).mean for name, regrets in by_finder(found, judges, split).items()}
    what = "find: mean regret"
    return _row(what, split, "share of the gain", figures, "≤ 0.03", lambda own, _: own <= 0.03)


def _finders_cost(found: Sequence[Suggestion], split: str) -> Row | None:
    if split != "all" or not found:
        return None
    names = dict.fromkeys(one.finder for one in found)
    figures = {name: float(np.mean([one.cost for one in found if one.finder == name])) for name in names}
    return _row("find: cost", split, "full runs", figures, "≤ 1", lambda own, _: own <= 1)


def _deepobs(results: Results, methods: Sequence[str], split: str) -> Row | None:
    figures = {
        method: score(results.at_cost(method, "DeepOBS", 6.0, split, Table.median_regret)).mean for method in methods
    }
    what = "DeepOBS, rate only, 6 full-run equivalents: mean regret"
    return _row(what, split, "share of median − best", figures, "≤ 0.03", lambda own, _: own <= 0.03)


def _deepobs_trials(results: Results, methods: Sequence[str], split: str) -> Row | None:
    what = (
        "DeepOBS, 6 trials, diverged ones as dear as others (ours, grid, pruners: 6 full-run equivalents): mean regret"
    )
    figures = _at_trials(results, methods, "DeepOBS", split, 6)
    return _row(what, split, "share of median − best", figures, "≤ 0.03", lambda own, _: own <= 0.03)


def _at_trials(
    results: Results, methods: Sequence[str], family: str, split: str, trials: int = MOST
) -> dict[str, float]:
    """The mean regret after so many runs; of methods that plan or stop runs early, after the cost of as many."""
    figures = {}
    for method in methods:
        plays = results.of(method, family, split)
        if most(method) != MOST:
            if method in PLANNED:
                plays = [one for one in plays if one.budget == trials]
            told = results.matrix(plays, lambda one: one.after(float(trials)), Table.median_regret)
            figures[method] = score(told).mean
            continue
        told = results.matrix(plays, lambda one: one.after(trials=trials), Table.median_regret)
        figures[method] = score(told).mean
    return figures


def _recorded(results: Results, methods: Sequence[str], split: str) -> Row | None:
    figures = _at_trials(results, methods, "DeepOBS", split)
    what = f"ranges as recorded (a quarter diverges), {MOST} trials (ours, grid, pruners: their cost): mean regret"
    return _row(what, split, "share of median − best", figures, "≤ 0.01", lambda own, _: own <= 0.01)


def _ridden(results: Results, methods: Sequence[str], split: str) -> Row | None:
    figures = _at_trials(results, methods, "NaN-ridden", split)
    what = f"NaN-ridden ranges (half diverges), {MOST} trials (ours, grid, pruners: their cost): mean regret"
    return _row(what, split, "share of median − best", figures, "≤ 0.01", lambda own, _: own <= 0.01)


def _live(results: Results, methods: Sequence[str], split: str) -> Row | None:
    reached = {method: cost_to_good(results, method, "live", split) for method in methods}
    figures = {name: float(np.median(list(costs.values()))) for name, costs in reached.items() if costs}
    what = "live tasks: cost until the mean regret stays within 1 %, median over tasks"
    target = "≤ 3 and ≥ 4× cheaper than the best peer"
    return _row(what, split, "full runs", figures, target, lambda own, peers: own <= 3 and 4 * own <= min(peers))


def _calibrated(results: Results, family: str, split: str) -> Row | None:
    budgets = [budget for budget in results.budgets(OURS, family) if 2 <= budget <= 6]
    held = [calibration(results, OURS, family, budget, split) for budget in budgets]
    if not any(count for _, count in held):
        return None
    figures = {f"budget {b:g}": share for b, (share, _) in zip(budgets, held, strict=True)}
    figures |= {OURS: float(np.average([s for s, _ in held], weights=[n for _, n in held]))}
    what = f"{family}: the 80 % range holds the best rate"
    return _row(what, split, "share of searches", figures, "75–90 %", lambda own, _: 0.75 <= own <= 0.90)


def _language(verdicts: Sequence[Verdict], split: str, right: bool) -> Row | None:
    wanted = {"all": (True, False), "dev": (True,), "test": (False,)}[split]
    figures = {}
    for way in dict.fromkeys(verdict.way for verdict in verdicts):
        kept = [v for v in verdicts if v.way == way and v.dev in wanted and v.seen <= 25_000]
        if kept:
            figures[way] = float(np.mean([v.right if right else v.regret for v in kept]))
    if right:
        what = "language models, horizons ≤ 50 %: share of cases with the right rate for the long run"
        return _row(what, split, "share", figures, "≥ 0.95", lambda own, _: own >= 0.95)
    what = "language models, horizons ≤ 50 %: mean regret"
    return _row(what, split, "nats", figures, "≤ 0.0005", lambda own, _: own <= 0.0005)


def _joint(chosen: Sequence[Choice], split: str) -> Row | None:
    wanted = {"all": (True, False), "dev": (True,), "test": (False,)}[split]
    figures = {
        method: float(np.mean([one.regret for one in chosen if one.method == method and one.dev in wanted]))
        for method in dict.fromkeys(one.method for one in chosen)
    }
    what = f"TaskSet, rate and seven settings of Adam, {BUDGET:g} full-run equivalents: mean regret"
    return _row(what, split, "share of the gain", figures, "below the peers", lambda own, peers: own < min(peers))


def _row(
    what: str,
    split: str,
    unit: str,
    figures: dict[str, float],
    target: str,
    holds: Callable[[float, list[float]], bool],
) -> Row | None:
    """None where no method was measured."""
    known = {name: value for name, value in figures.items() if not math.isnan(value)}
    if not known:
        return None
    peers = [value for name, value in known.items() if name != OURS] or [math.inf]
    return Row(what, split, unit, known, target, holds(known[OURS], peers) if OURS in known else None)
