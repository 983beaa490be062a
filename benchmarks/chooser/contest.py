"""The contest: every method on every table with every seed, in a few processes."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import final

from benchmarks.chooser import deepobs, dense
from benchmarks.chooser.plays import KEPT, Kept, Play, budgets_of, key, play, seeds_of
from benchmarks.chooser.tables import Table, ridden

Asked = tuple[int, str, int, float]  # place of the table, method, seed, budget


@final
@dataclass(frozen=True)
class Sources:
    """Where the recordings lie: the directory of `--data`, and the file of the live tasks."""

    data: Path | None
    live: Path

    def tables(self) -> list[Table]:
        """Every table whose best rate is known, in the same order each time."""
        return [table for table in self.recorded() if table.bracketed]

    def recorded(self) -> list[Table]:
        """Every table there is."""
        return _recorded(self)


@functools.cache
def _recorded(sources: Sources) -> list[Table]:
    known: list[Table] = []
    if sources.data is not None and (sources.data / "deepobs/runs.csv").is_file():
        known += deepobs.read(sources.data / "deepobs")
        known += [table for sweep in known if (table := ridden(sweep)) is not None]
    if sources.live.is_file():
        known += dense.read(sources.live)
    return known


def contest(
    sources: Sources, methods: Sequence[str], seeds: int, budgets: Sequence[float], processes: int, kept: Path = KEPT
) -> list[Play]:
    """Every play, those of before out of the file that keeps them."""
    tables, known = sources.tables(), Kept(kept)
    asked = [
        (place, method, seed, budget)
        for place, table in enumerate(tables)
        for method in methods
        for budget in budgets_of(method, table.family, budgets)
        for seed in range(seeds_of(method, budget, seeds))
    ]
    keys = {one: key(tables[one[0]], *one[1:]) for one in asked}
    made = {one: found for one in asked if (found := known.find(keys[one])) is not None}
    missing = [one for one in asked if one not in made]
    for one, played in _played(sources, missing, processes):
        made[one] = played
        known.keep(keys[one], played)
    return [made[one] for one in asked]


def _played(sources: Sources, asked: Sequence[Asked], processes: int) -> Iterable[tuple[Asked, Play]]:
    if not asked:
        return
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with ProcessPoolExecutor(processes, get_context("spawn"), _open, (sources,)) as pool:
        for number, (one, played) in enumerate(zip(asked, pool.map(_play, asked, chunksize=8), strict=True)):
            if sys.stderr.isatty() and number % 16 == 0:
                print(f"\r{number} of {len(asked)} searches", end="", file=sys.stderr)
            yield one, played


_tables: list[Table] = []


def _open(sources: Sources) -> None:
    _tables.extend(sources.tables())


def _play(asked: Asked) -> Play:
    return play(_tables[asked[0]], *asked[1:])
