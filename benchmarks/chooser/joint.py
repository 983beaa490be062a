"""Joint choices on TaskSet: eight settings of Adam, among 1,000 recorded configurations of each of six tasks.

From google-research's TaskSet (Metz et al., 2020, arXiv:2002.11887; Apache-2.0), in the excerpt of
releaunifreiburg/DPL: recurrent networks on IMDB, validation loss at 51 points. A method asks for any point of the
space and is given the nearest recorded configuration, so all of them face the same rough landscape. The rates
hardly decay, so a shorter run is the first part of a longer one.

AlgoPerf's searches hold five configurations each: too few to play a search on.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, final

import numpy as np

from benchmarks.chooser.plays import KEPT, OURS, code_of
from benchmarks.chooser.tables import Array
from stepsize.tuner.order import order
from stepsize.tuner.plan import Result
from stepsize.tuner.strategy import search

STEPS = 1_000
SETTINGS = ("beta1", "beta2", "epsilon", "l1", "l2", "linear_decay", "exponential_decay")
DEV = 3  # so many of the tasks, in the order of their names
BUDGET = 20.0


@final
@dataclass(frozen=True, eq=False)
class Configurations:
    """A task: the configurations in logarithms, and the loss of each along its run."""

    name: str
    dev: bool
    points: Array
    curves: Array

    def nearest(self, point: Array) -> int:
        """The configuration nearest to a point, the ranges of all settings taken as equally long."""
        spread = self.points.max(axis=0) - self.points.min(axis=0)
        return int(np.argmin((((self.points - point) / spread) ** 2).sum(axis=1)))

    def run(self, point: Array, share: float) -> Result:
        """The nearest configuration run for this share."""
        curve = self.curves[self.nearest(point)]
        seen = curve[: math.ceil(share * (curve.size - 1)) + 1]
        if not np.isfinite(seen).all():
            gone = int(np.flatnonzero(~np.isfinite(seen))[0]) / (curve.size - 1)
            return Result(None, math.inf, self.start, min(share, gone))  # type: ignore[arg-type]
        loss = float(np.interp(share * (curve.size - 1), np.arange(curve.size), curve))
        return Result(None, loss, self.start, share)  # type: ignore[arg-type]

    @property
    def start(self) -> float:
        return float(np.median(self.curves[:, 0]))

    def regret(self, point: Array) -> float:
        """The share of the gain of the best configuration that the nearest one to `point` forgoes; at most 1."""
        ends = np.where(np.isfinite(self.curves[:, -1]), self.curves[:, -1], math.inf)
        return float(np.clip((ends[self.nearest(point)] - ends.min()) / (self.start - ends.min()), 0.0, 1.0))


class Choice(NamedTuple):
    """What a method chose for a task."""

    method: str
    task: str
    dev: bool
    seed: int
    regret: float
    cost: float


def read(folder: Path) -> list[Configurations]:
    """Every task in `folder`, the directory of the `.npz` files."""
    found = []
    for place, path in enumerate(sorted(folder.glob("*.npz"))):
        kept = np.load(path)
        points = kept["hp"].astype(float)
        points[:, 1:3] = 1 - points[:, 1:3]
        name = path.stem.removeprefix("FixedTextRNNClassification_")
        found.append(Configurations(name, place < DEV, np.log10(points), kept["valid"].astype(float)))
    return found


def choices(folder: Path, seeds: int, kept: Path = KEPT) -> list[Choice]:
    """What every method chooses for every task; what was chosen before is read, while no code has changed."""
    base = sqlite3.connect(kept, timeout=60)
    base.execute("CREATE TABLE IF NOT EXISTS choices (key TEXT PRIMARY KEY, choice TEXT)")
    found = []
    for task, (method, choose), seed in itertools.product(read(folder), METHODS.items(), range(seeds)):
        key = f"{task.name} {BUDGET:g} {method} {seed} {code_of(method)} {_here()}"
        row = base.execute("SELECT choice FROM choices WHERE key = ?", (key,)).fetchone()
        choice = Choice(*json.loads(row[0])) if row else choose(task, seed)
        found.append(choice)
        if row is None:
            with base:
                base.execute("INSERT OR REPLACE INTO choices VALUES (?, ?)", (key, json.dumps(choice)))
    base.close()
    return found


def _here() -> str:
    return hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:16]


def _full_runs(task: Configurations, next_point: Callable[[Sequence[Result]], Array], method: str, seed: int) -> Choice:
    best, point, results, spent = math.inf, task.points[0], list[Result](), 0.0
    while spent + 1 <= BUDGET:
        asked = next_point(results)
        results.append(task.run(asked, 1.0))
        spent += results[-1].cost
        if results[-1].loss < best:
            best, point = results[-1].loss, asked
    return Choice(method, task.name, task.dev, seed, task.regret(point), spent)


def _random(task: Configurations, seed: int) -> Choice:
    draw = np.random.default_rng(seed)
    low, high = task.points.min(axis=0), task.points.max(axis=0)
    return _full_runs(task, lambda _: draw.uniform(low, high), "random", seed)


def _tpe(task: Configurations, seed: int) -> Choice:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
    ends = list(zip(task.points.min(axis=0), task.points.max(axis=0), strict=True))
    trials: list[Any] = []

    def next_point(results: Sequence[Result]) -> Array:
        if results:
            loss = results[-1].loss
            study.tell(trials[-1], loss if math.isfinite(loss) else 10 * task.start)
        trials.append(study.ask())
        return np.array([trials[-1].suggest_float(str(i), low, high) for i, (low, high) in enumerate(ends)])

    return _full_runs(task, next_point, "TPE, NaN made large", seed)


def _ours(task: Configurations, seed: int) -> Choice:
    low, high = task.points.min(axis=0), task.points.max(axis=0)
    # Betas as their distance from 1, like all else by ratios; names that no optimizer knows are the training's own.
    names = [f"log_{name}" for name in SETTINGS]
    space = {name: (10.0 ** low[i], 10.0 ** high[i]) for i, name in enumerate(names, 1)}
    asked = order(
        "",
        "loss",
        steps=STEPS,
        budget=BUDGET,
        optimizer="adam",
        schedule="constant",
        low=10.0 ** low[0],
        high=10.0 ** high[0],
        widen=False,
        space=space,
        seed=seed,
    )
    searching = search(asked.plan)
    spent = 0.0

    def point(rate: float, settings: Any) -> Array:
        told = dict(settings)
        return np.array([rate, *(math.log10(told[name]) for name in names)])

    try:
        trials = next(searching)
        while True:
            results = []
            for trial in trials:
                made = task.run(point(trial.rate, trial.settings), trial.steps / STEPS)
                results.append(Result(trial, made.loss, made.start, made.cost))
                spent += made.cost
            trials = searching.send(tuple(results))
    except StopIteration as end:
        decision: Any = end.value
    return Choice(OURS, task.name, task.dev, seed, task.regret(point(decision.rate, decision.settings)), spent)


METHODS: dict[str, Callable[[Configurations, int], Choice]] = {
    "random": _random,
    "TPE, NaN made large": _tpe,
    OURS: _ours,
}
