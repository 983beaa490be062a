"""Recording the live tasks: each rate at each length with each seed, once, into a SQLite file outside of the checkout.

    .venv/bin/python -m benchmarks.chooser.record          # about 40 minutes of one core; resumes where it was

Every run has its own complete schedule (warmup and cosine, as `tune` makes it). The seeds that the methods
see and those that judge them are different ones; the judges are recorded at full length only.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch

import stepsize as ss
from benchmarks.chooser import CACHE, live
from benchmarks.chooser.live_data import MissingData
from stepsize.run import Run

TABLE = CACHE / "chooser.sqlite"
HORIZONS = (1 / 16, 1 / 8, 1 / 4, 0.35, 1 / 2, 1.0)
SEEN, JUDGES = (0, 1, 2), (100, 101, 102)
# All but the first judge are asked about this many of the best rates only: far from them nothing is decided.
NEAR = 10
# All tasks with the first seeds before any with the next: a table that grows is of use early.
TURNS = (SEEN[0], *JUDGES, *SEEN[1:])
WARMUP = 0.05
# Validations in a full run; in a shorter one, those that fall in it.
EVALUATIONS = 32
Key = tuple[str, str, float, int, int]

SCHEMA = """CREATE TABLE IF NOT EXISTS runs (
    task TEXT, optimizer TEXT, rate REAL, steps INTEGER, seed INTEGER,
    outcome TEXT, updates INTEGER, curve TEXT, PRIMARY KEY (task, optimizer, rate, steps, seed))"""


def opened(path: Path) -> sqlite3.Connection:
    """The file of the recorded runs, made where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    base = sqlite3.connect(path, timeout=60)
    base.execute("PRAGMA journal_mode=WAL")
    base.execute(SCHEMA)
    return base


def wanted(name: str, optimizer: str, steps: int, seed: int) -> Iterator[Key]:
    """The runs of one task with one seed."""
    low, high = live.RANGES[optimizer]
    lengths = [round(share * steps) for share in (HORIZONS if seed in SEEN else (1.0,))]
    for rate in np.arange(low, high + 1e-9, live.SPACING):
        yield from ((name, optimizer, float(rate), length, seed) for length in lengths)


def near(base: sqlite3.Connection, name: str, optimizer: str, steps: int) -> set[float]:
    """The rates that came out best at full length with the first seed that is seen."""
    query = "SELECT rate, outcome, curve FROM runs WHERE task = ? AND optimizer = ? AND steps = ? AND seed = ?"
    rows = base.execute(query, (name, optimizer, steps, SEEN[0])).fetchall()
    losses = {rate: json.loads(curve)[-1][1] for rate, outcome, curve in rows if outcome == "finished"}
    return set(sorted(losses, key=lambda rate: losses[rate])[:NEAR])


def own_horizon(task: ss.torch.Task, optimizer: str, rate: float, steps: int, seed: int) -> Run:
    """A run of this length with a whole schedule of its own."""
    lr = ss.warmup_cosine(10**rate, steps, min(round(WARMUP * steps), steps - 1))
    counted = replace(task, evaluations=max(1, round(EVALUATIONS * steps / task.steps)))
    return ss.drive(counted, ss.Policy(lr, optimizer), steps, seed)


def record(path: Path, name: str, optimizer: str, seed: int) -> int:
    """Every run of one task and seed that is not recorded yet; how many there were."""
    torch.set_num_threads(1)
    task = live.task(name, optimizer)
    base, made = opened(path), 0
    known = {tuple(row) for row in base.execute("SELECT task, optimizer, rate, steps, seed FROM runs")}
    for key in wanted(name, optimizer, task.steps, seed):
        if key in known or (seed in JUDGES[1:] and key[2] not in near(base, name, optimizer, task.steps)):
            continue
        run = own_horizon(task, optimizer, *key[2:])
        if run.outcome == "failed":
            raise RuntimeError(f"{name}, {optimizer}, lr {10 ** key[2]:.3g}: {run.reason}")
        column = run.columns.get("val_loss")
        curve = [] if column is None else list(zip(column.step.tolist(), column.value.tolist(), strict=True))
        with base:
            row = (*key, run.outcome, run.updates, json.dumps(curve))
            base.execute("INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        made += 1
    base.close()
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=Path, default=TABLE, help="where the runs are kept (default: in ~/.cache)")
    parser.add_argument("--task", action="append", choices=sorted(live.TASKS), help="only this one; may be repeated")
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    tasks = given.task or list(live.TASKS)
    asked = list(itertools.product(TURNS, tasks, live.OPTIMIZERS))
    with ProcessPoolExecutor(given.processes, mp_context=get_context("spawn")) as pool:
        jobs = {pool.submit(record, given.table, name, how, seed): (name, how, seed) for seed, name, how in asked}
        for job in as_completed(jobs):
            label = "{}, {}, seed {}".format(*jobs[job])
            try:
                print(f"{label}: {job.result()} runs recorded", flush=True)
            except MissingData as missing:
                print(f"{label}: skipped; {missing}", flush=True)


if __name__ == "__main__":
    main()
