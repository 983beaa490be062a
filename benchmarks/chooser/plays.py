"""`Play`: one search of one table by one method; and the file that keeps what was played."""

from __future__ import annotations

import functools
import hashlib
import json
import sqlite3
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import final

from benchmarks.chooser import CACHE, ours
from benchmarks.chooser.desk import Desk, Mark, Spent
from benchmarks.chooser.peers import PEERS
from benchmarks.chooser.tables import Table

OURS = "stepsize"
# The full runs that methods without an end of their own may spend, and how many they may begin: those that make
# full runs, and those that stop most runs early.
LONGEST, MOST, MOST_PRUNED = 24.0, 24, 120
PRUNERS = ("Hyperband", "ASHA")
# Methods that plan for their budget are played once for each of these.
BUDGETS = (1.0, 2.0, 3.0, 4.0, 6.0)
PLANNED = (OURS, "grid")
KEPT = CACHE / "plays.sqlite"
# Searches that take seconds to compute are played with fewer seeds: the GP sampler's, and ours over 24 full runs.
FEW = 5
SOURCE = Path(__file__).resolve().parents[2] / "src/stepsize"


@final
@dataclass(frozen=True)
class Play:
    """One search.

    Attributes:
        method, label, family, dev, seed: whose search, of what.
        budget: in full runs.
        marks: (cost, runs begun, log10 of the rate it would recommend) after each of its runs.
        range: the 80 % range of the best rate, of ours.
    """

    method: str
    label: str
    family: str
    dev: bool
    seed: int
    budget: float
    marks: tuple[Mark, ...]
    range: tuple[float, float] | None = None

    def after(self, cost: float = float("inf"), trials: int = 10_000) -> float:
        """What it recommends when this much was paid, or so many runs begun; NaN before it recommends anything."""
        place = bisect_right(self.marks, cost + 1e-9, key=lambda mark: mark.cost)
        place = min(place, bisect_right(self.marks, trials, key=lambda mark: mark.trials))
        return self.marks[place - 1].rate if place else float("nan")


def play(table: Table, method: str, seed: int, budget: float) -> Play:
    """One search."""
    desk, reach = Desk(table, seed, budget, most(method)), None
    try:
        if method == OURS:
            reach = ours.answer(desk)[1:3]
        else:
            PEERS[method](desk)
    except Spent:
        pass
    return Play(method, table.label, table.family, table.dev, seed, budget, tuple(desk.marks), reach)


def most(method: str) -> int:
    """How many runs a method may begin; those that plan for their budget are bound by it alone."""
    return 10_000 if method in PLANNED else MOST_PRUNED if method in PRUNERS else MOST


def budgets_of(method: str, family: str, budgets: Sequence[float]) -> tuple[float, ...]:
    """The budgets that a method is played with."""
    if method not in PLANNED:
        return (LONGEST,)
    return {"NaN-ridden": (LONGEST,), "DeepOBS": (*budgets, LONGEST)}.get(family, tuple(budgets))


def seeds_of(method: str, budget: float, seeds: int) -> int:
    """How many seeds a search is played with."""
    slow = method == "GP" or (method == OURS and budget == LONGEST)
    return min(seeds, FEW) if slow else seeds


class Kept:
    """The plays of before. A play is known by the method's code, the table, the seed and the budget."""

    def __init__(self, path: Path | None = KEPT) -> None:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._base = sqlite3.connect(path or ":memory:", timeout=60)
        self._base.execute("CREATE TABLE IF NOT EXISTS plays (key TEXT PRIMARY KEY, play TEXT)")

    def find(self, key: str) -> Play | None:
        row = self._base.execute("SELECT play FROM plays WHERE key = ?", (key,)).fetchone()
        return read_play(row[0]) if row else None

    def keep(self, key: str, made: Play) -> None:
        with self._base:
            self._base.execute("INSERT OR REPLACE INTO plays VALUES (?, ?)", (key, json.dumps(asdict(made))))


def read_play(text: str) -> Play:
    """A play as `Kept` writes it."""
    told = json.loads(text)
    marks = tuple(Mark(*mark) for mark in told.pop("marks"))
    reach = told.pop("range")
    return Play(**told, marks=marks, range=None if reach is None else tuple(reach))


def key(table: Table, method: str, seed: int, budget: float) -> str:
    """What a play is known by."""
    return f"{table.family} {table.label} {_contents(table)} {method} {seed} {budget:g} {code_of(method)}"


@functools.cache
def _contents(table: Table) -> str:
    """A digest of what a search can see of a table; the truth judges it afterwards."""
    points = [(float(rate), share, seed) for rate in table.rates[::3] for share in (0.125, 1.0) for seed in range(3)]
    probes = [table.source(*point, False) for point in points]
    return hashlib.sha256(f"{table.low} {table.high} {probes}".encode()).hexdigest()[:16]


@functools.cache
def code_of(method: str) -> str:
    """A digest of the code behind a method."""
    here = Path(__file__).parent
    peers = [here / "desk.py", *sorted((here / "peers").glob("*.py"))]
    rooms = [path for room in ("tuner", "finder") for path in sorted((SOURCE / room).rglob("*.py"))]
    files = [here / "desk.py", here / "ours.py", *rooms] if method == OURS else peers
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:16]
