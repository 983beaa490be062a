"""The finders on the live tasks: real ramps are run, each rule suggests a rate, the recorded table judges it.

A suggestion that is missing (a finder gives none, or ours says "not informative") is judged as the default that
a user would then take.
"""

from __future__ import annotations

import hashlib
import json
import math
import sqlite3
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import final

import numpy as np
import torch

import stepsize as ss
from benchmarks.chooser import dense, live
from benchmarks.chooser.plays import KEPT, OURS, code_of
from benchmarks.chooser.rules import DEFAULTS, RAMPS, RULES
from benchmarks.chooser.tables import Array, Table

Asked = tuple[str, str, str, int]  # whose, task, optimizer, seed

UPDATES = 100
FALLBACK = {"adamw": 1e-3, "momentum": 0.1}


@final
@dataclass(frozen=True)
class Suggestion:
    """What a finder suggested for a live task.

    Attributes:
        finder, label, dev, seed: whose, for which task.
        rate: log10; NaN where it had none to give.
        cost: in full runs.
        low, high: the range that ours calls usable, in log10.
    """

    finder: str
    task: str
    optimizer: str
    seed: int
    rate: float
    cost: float
    low: float = math.nan
    high: float = math.nan

    @property
    def label(self) -> str:
        return f"{self.task}, {self.optimizer}"

    @property
    def dev(self) -> bool:
        return self.task in live.DEV

    def regret(self, table: Table) -> float:
        """The share of the gain that the suggestion, or the default in its stead, forgoes."""
        return table.regret(self.rate if math.isfinite(self.rate) else math.log10(FALLBACK[self.optimizer]))


def suggestions(path: Path, seeds: int, processes: int, kept: Path = KEPT) -> tuple[list[Suggestion], list[Table]]:
    """What every finder suggests for every recorded live task, and the tables that judge it."""
    tables = dense.read(path)
    whose = ("peers", OURS)
    asked = [(who, table.name, table.optimizer, seed) for who in whose for table in tables for seed in range(seeds)]
    base = sqlite3.connect(kept, timeout=60)
    base.execute("CREATE TABLE IF NOT EXISTS suggestions (key TEXT PRIMARY KEY, told TEXT)")
    found = {one: base.execute("SELECT told FROM suggestions WHERE key = ?", (_key(one),)).fetchone() for one in asked}
    missing = [one for one in asked if found[one] is None]
    told = {one: json.loads(row[0]) for one, row in found.items() if row is not None}
    if missing:
        with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
            for one, made in zip(missing, pool.map(_suggested, missing), strict=True):
                told[one] = [asdict(suggestion) for suggestion in made]
                with base:
                    base.execute("INSERT OR REPLACE INTO suggestions VALUES (?, ?)", (_key(one), json.dumps(told[one])))
    base.close()
    return [Suggestion(**suggestion) for one in asked for suggestion in told[one]], tables


def _key(asked: Asked) -> str:
    here = Path(__file__).parent
    code = b"".join((here / name).read_bytes() for name in ("rules.py", "live.py", "live_data.py"))
    return f"{asked} {hashlib.sha256(code).hexdigest()[:16]} {code_of(OURS) if asked[0] == OURS else ''}"


def _suggested(asked: Asked) -> list[Suggestion]:
    who, name, optimizer, _ = asked
    torch.set_num_threads(1)
    task = live.task(name, optimizer)
    return [_ours(task, asked[1:])] if who == OURS else _peers(task, asked[1:])


def _peers(task: ss.torch.Task, asked: tuple[str, str, int]) -> list[Suggestion]:
    _, optimizer, seed = asked
    ramps = {ends: ramp(task, optimizer, ends, seed) for ends in RAMPS}
    made = [
        Suggestion(finder, *asked, _log(rule(*ramps[ends])), UPDATES / task.steps)
        for finder, (ends, rule) in RULES.items()
    ]
    made += [Suggestion(title, *asked, math.log10(rate), 0.0) for title, rate in DEFAULTS[optimizer].items()]
    return made


def _ours(task: ss.torch.Task, asked: tuple[str, str, int]) -> Suggestion:
    found = ss.find(task, seed=1_000 + 10 * asked[-1])
    rate = _log(found.suggestion) if found.informative else math.nan
    cost = sum(run.updates for run in found.runs) / task.steps
    return Suggestion(OURS, *asked, rate, cost, _log(found.low), _log(found.high))


def ramp(task: ss.torch.Task, optimizer: str, ends: tuple[float, float], seed: int) -> tuple[Array, Array]:
    """Rates and losses of a ramp of 100 updates, NaN from where the training broke."""
    rates = ends[0] * (ends[1] / ends[0]) ** (np.arange(UPDATES) / UPDATES)
    lr = ss.exponential(ends[0], ends[1], UPDATES)
    run = ss.drive(task, ss.Policy(lr, optimizer), UPDATES, 1_000 + seed)
    losses = np.full(UPDATES, math.nan)
    if "loss" in run.columns:
        column = run.columns["loss"]
        losses[column.step] = column.value
    losses[~np.isfinite(losses)] = math.nan
    return rates, losses


def _log(rate: float) -> float:
    return math.log10(rate) if rate > 0 else math.nan


def by_finder(found: Sequence[Suggestion], tables: Sequence[Table], split: str = "all") -> dict[str, Array]:
    """The regrets of each finder: a row a task, a column a seed."""
    wanted = {"all": (True, False), "dev": (True,), "test": (False,)}[split]
    known = {table.label: table for table in tables}
    regrets: dict[str, dict[str, list[float]]] = {}
    for one in found:
        if one.dev in wanted:
            regrets.setdefault(one.finder, {}).setdefault(one.label, []).append(one.regret(known[one.label]))
    return {finder: np.array(list(rows.values())) for finder, rows in regrets.items()}
