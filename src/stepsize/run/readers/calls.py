"""The calls of a logger's `log`: rows of named values, each with the number of its call, as W&B and Trackio keep."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from stepsize.run.column import Column
from stepsize.run.log import Log
from stepsize.run.readers.objects import flat
from stepsize.run.readers.rows import Gathered
from stepsize.run.readers.settings import Stated
from stepsize.run.readers.timeline import kind_of

# Under this name `timeline` knows the logger's own count.
CALL = "_step"
COUNTED = (
    "no step was logged, so the logger's own count of calls is the clock: a call need not be an update of the optimizer"
)
EPOCHS = "each call of the logger names an epoch of its own: epochs are the clock"
# The share of calls that name their epoch.
NAMED = 0.9
CARRIED = "{} calls name no step of the training's own: they are taken to be at the step of the call before"


@final
class Calls:
    """The rows of one run, as they come.

    Where the training logs a count of its own, as `trainer/global_step`, that is the clock, not the logger's.
    """

    def __init__(self) -> None:
        self._gathered = Gathered()
        self._own: dict[str, float] = {}
        self._carried = 0

    def add(self, call: int, row: dict[str, Any]) -> None:
        """Take what one call logged, and what was added to it before the next; without the logger's own entries."""
        own = {name: row[name] for name in self._own if name in row}
        if self._own and not own:
            self._carried += 1
            row = {**row, **self._own}
        self._own.update(own)
        if not self._own:
            row[CALL] = call
        self._gathered.add(row)

    def knows(self, name: str) -> None:
        """Look out for a step of the training's own under this name; any other name is passed over."""
        if name != CALL and kind_of(name) == "step":
            self._own.setdefault(name, 0.0)

    def log(self, path: Path, name: str, config: Mapping[str, Any], notes: tuple[str, ...]) -> Log:
        """The run; raises UnreadableRun where no call logged a number."""
        stated = Stated()
        stated.take(dict(sorted(flat(config).items(), key=lambda item: item[0].count("/"))))
        columns = self._gathered.columns(path)
        said = [*notes, *self._gathered.notes]
        if self._carried and kind_of(self._gathered.clock) == "step":
            said.append(CARRIED.format(self._carried))
        if self._gathered.clock == CALL and _counts_calls(columns, stated.steps):
            columns, note = _on_epochs(columns) or (_on_rows(columns), COUNTED)
            said.append(note)
        return Log(columns, name, stated.steps, stated.settings, tuple(said))


def _counts_calls(columns: Mapping[str, Column], planned: int) -> bool:
    """Whether steps are 0, 1, 2, ... to an end that is not the planned one: a logger that counted for itself."""
    steps = np.unique(np.concatenate([column.step for column in columns.values()]))
    return bool(steps[0] == 0 and steps[-1] == steps.size - 1 and steps.size != planned)


def _on_rows(columns: Mapping[str, Column]) -> dict[str, Column]:
    return {name: Column(column.step, column.value, "row") for name, column in columns.items()}


def _on_epochs(columns: Mapping[str, Column]) -> tuple[dict[str, Column], str] | None:
    """The columns on the epochs that the calls name; None where these do not go up by one from call to call."""
    epoch = columns.get("epoch")
    calls = max(column.step[-1] for column in columns.values()) + 1
    if epoch is None or epoch.step.size < max(2, NAMED * calls) or np.any(np.diff(epoch.value) != 1):
        return None
    numbers = np.floor(epoch.value).astype(np.int64)
    placed = {name: _placed(column, epoch.step, numbers) for name, column in columns.items() if name != "epoch"}
    return {name: column for name, column in placed.items() if column.step.size}, EPOCHS


def _placed(column: Column, calls: NDArray[np.int64], epochs: NDArray[np.int64]) -> Column:
    at = np.searchsorted(calls, column.step, side="right") - 1
    last = np.append(np.diff(at) != 0, True) & (at >= 0)
    return Column(epochs[at[last]], column.value[last], "epoch")
