"""Chances for runs of tasks that the learner has not seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from stepsize.diagnosis.bench.fit import fit
from stepsize.diagnosis.bench.table import Table
from stepsize.diagnosis.committee import Committee
from stepsize.diagnosis.forest import MISSING
from stepsize.diagnosis.kinds_of_features import GROUPS, group_of

Floats = NDArray[np.float64]
RECORDED = "recorded"


def shown(table: Table, logged: tuple[str, ...]) -> Floats:
    """The features of a log that holds the loss and the groups `logged`."""
    hidden = [group_of(str(name)) in GROUPS[1:] and group_of(str(name)) not in logged for name in table.names]
    return np.where(np.array(hidden), np.nan, table.x).astype(float)


def chances(committee: Committee, x: Floats) -> Floats:
    """The uncalibrated chances of many rows at once."""
    known = np.isfinite(x)
    filled = np.where(known, x, MISSING)
    trees = np.array([committee.forest.chances_of(row)[0] for row in filled])
    return 0.5 * (trees + committee.nets.chances_of(filled, known))


def by_task(table: Table, tested: NDArray[np.bool_], folds: int = 0) -> Iterator[tuple[NDArray[np.bool_], Committee]]:
    """Rows to test, and what was learned without their tasks: one task at a time, or in so many folds.

    What was recorded from the same data as a tested task is left out as well.
    """
    tasks = np.unique(table.task[tested])
    parts = np.array_split(np.random.default_rng(0).permutation(tasks), folds) if folds else [[task] for task in tasks]
    for part in parts:
        rows = tested & np.isin(table.task, part)
        kin = (table.source == RECORDED) & np.isin(table.data, np.unique(table.data[rows]))
        yield rows, fit(table.rows(~np.isin(table.task, part) & ~kin))


def by_source(table: Table, tested: NDArray[np.bool_]) -> Iterator[tuple[NDArray[np.bool_], Committee]]:
    """Rows to test, and what was learned without their source."""
    for source in np.unique(table.source[tested]):
        yield tested & (table.source == source), fit(table.rows(table.source != source))


def gathered(
    table: Table, splits: Iterator[tuple[NDArray[np.bool_], Committee]], seen_as: Callable[[], Floats]
) -> Floats:
    """The chances of every row that a split tests; NaN elsewhere."""
    x = seen_as()
    found = np.full((len(x), 3), np.nan)
    for rows, committee in splits:
        found[rows] = chances(committee, x[rows])
    return found
