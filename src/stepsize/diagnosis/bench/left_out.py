"""Chances for runs of tasks, or from sources, that the learner has not seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from stepsize.diagnosis.bench.fit import fit, hidden_without
from stepsize.diagnosis.bench.table import Table
from stepsize.diagnosis.nets import Floats, Nets

RECORDED = "recorded"
Splits = Iterator[tuple[NDArray[np.bool_], Nets]]


def by_task(table: Table, tested: NDArray[np.bool_], folds: int = 0) -> Splits:
    """Rows to test, and what was learned without their tasks: one task at a time, or in so many folds.

    What was recorded from the same data as a tested task is left out as well.
    """
    tasks = np.unique(table.task[tested])
    parts = np.array_split(np.random.default_rng(0).permutation(tasks), folds) if folds else [[task] for task in tasks]
    for part in parts:
        rows = tested & np.isin(table.task, part)
        kin = (table.source == RECORDED) & np.isin(table.data, np.unique(table.data[rows]))
        yield rows, fit(table.rows(~np.isin(table.task, part) & ~kin))


def by_source(table: Table, tested: NDArray[np.bool_]) -> Splits:
    """Rows to test, and what was learned without their source."""
    for source in np.unique(table.source[tested]):
        yield tested & (table.source == source), fit(table.rows(table.source != source))


def chances(table: Table, splits: Splits, logs: Mapping[str, tuple[str, ...]]) -> dict[str, Floats]:
    """The uncalibrated chances of every row that a split tests, for each thing that a log may hold; else NaN."""
    shown = {log: shown_with(table, logged) for log, logged in logs.items()}
    found = {log: np.full((len(table.x), 3), np.nan) for log in logs}
    for rows, nets in splits:
        for log, x in shown.items():
            found[log][rows] = nets.chances_of(x[rows])
    return found


def shown_with(table: Table, logged: tuple[str, ...]) -> Floats:
    """The features of a log that holds the loss and the groups `logged`."""
    return np.where(hidden_without(table, logged), np.nan, table.x).astype(float)
