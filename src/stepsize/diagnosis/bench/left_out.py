"""Chances for runs of tasks, or from sources, that the learner has not seen."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from stepsize.diagnosis.bench.fit import fit, shown
from stepsize.diagnosis.bench.table import Table
from stepsize.diagnosis.feature_groups import LOGS
from stepsize.diagnosis.nets import Floats

RECORDED = "recorded"
# Rows to test, and rows to learn from.
Splits = Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]


def by_task(table: Table, tested: NDArray[np.bool_], folds: int = 0) -> Splits:
    """One task at a time, or the tasks in so many folds; recordings from the data of a tested task are left out too."""
    tasks = np.unique(table.task[tested])
    parts = np.array_split(np.random.default_rng(0).permutation(tasks), folds) if folds else [[task] for task in tasks]
    for part in parts:
        rows = tested & np.isin(table.task, part)
        kin = (table.source == RECORDED) & np.isin(table.data, np.unique(table.data[rows]))
        yield rows, ~np.isin(table.task, part) & ~kin


def by_source(table: Table, tested: NDArray[np.bool_]) -> Splits:
    """One source at a time."""
    for source in np.unique(table.source[tested]):
        yield tested & (table.source == source), table.source != source


def chances(table: Table, splits: Splits) -> dict[str, Floats]:
    """The uncalibrated chances of every row that a split tests, for each of `LOGS`; NaN elsewhere."""
    found = {log: np.full((len(table.x), 3), np.nan) for log in LOGS}
    for rows, learned in splits:
        rest = table.rows(learned)
        for log in LOGS:
            found[log][rows] = fit(rest, log).chances_of(table.x[rows][:, shown(table, log)].astype(float))
    return found
