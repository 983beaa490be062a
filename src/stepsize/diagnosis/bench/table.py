"""The features of many labelled runs as one table, from which a verdict is learned."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import final

import numpy as np
from numpy.typing import NDArray

from stepsize.diagnosis.bench.labelled import Labelled
from stepsize.diagnosis.bench.views import views
from stepsize.diagnosis.features import features_of
from stepsize.diagnosis.nets import within

OTHERS = ("source", "task", "data", "view", "seen", "off", "lost")


@final
@dataclass(frozen=True, eq=False)
class Table:
    """A row a run, or a view of one.

    Attributes:
        names: of the features, one a column of `x`.
        x: the features; what is missing is NaN.
        action: what should have been done: a place in `ACTIONS`.
        source: see `Labelled`; likewise task, data, view, seen, off and lost.
    """

    names: NDArray[np.str_]
    x: NDArray[np.float32]
    action: NDArray[np.int8]
    source: NDArray[np.str_]
    task: NDArray[np.str_]
    data: NDArray[np.str_]
    view: NDArray[np.str_]
    seen: NDArray[np.float32]
    off: NDArray[np.float32]
    lost: NDArray[np.float32]

    def rows(self, kept: NDArray[np.bool_]) -> Table:
        """Some of the rows."""
        return Table(self.names, *(getattr(self, field.name)[kept] for field in fields(self)[1:]))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it as npz."""
        np.savez_compressed(path, **{field.name: getattr(self, field.name) for field in fields(self)})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Table:
        """Read it again."""
        with np.load(path, allow_pickle=False) as held:
            return cls(**{field.name: held[field.name] for field in fields(cls)})


def table_of(runs: Iterable[Labelled], as_logged_by_others: bool = False, seed: int = 0) -> Table:
    """The table of the runs, and of what others would have logged of each."""
    dice = np.random.default_rng(seed)
    rows = [view for run in runs for view in (views(run, dice) if as_logged_by_others else [run])]
    found = [features_of(row.trace) for row in rows]
    # A rate whose optimizer is not named has a feature that no corpus knows.
    names = np.array(sorted({name for features in found for name in features} | {"rate_unknown"}))
    return Table(
        names,
        np.array([_row(features, names) for features in found], dtype=np.float32),
        np.array([row.action for row in rows], dtype=np.int8),
        *(np.array([getattr(row, name) for row in rows]) for name in OTHERS),
    )


def _row(features: dict[str, float], names: NDArray[np.str_]) -> NDArray[np.float64]:
    known = np.array([features.get(str(name), np.nan) for name in names])
    return within(known)
