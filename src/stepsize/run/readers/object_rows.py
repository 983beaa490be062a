"""`Objects`: rows that are objects of any kind, turned into a log."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, final

import numpy as np

from stepsize.run.log import Log
from stepsize.run.readers import timeline
from stepsize.run.readers.guessed import with_losses
from stepsize.run.readers.names import VALIDATION, house_name
from stepsize.run.readers.objects import flat
from stepsize.run.readers.rows import Gathered, number_of
from stepsize.run.readers.settings import Stated, is_setting
from stepsize.run.readers.timeline import Floats

LOSSES = ("loss", "val_loss")
# Under these some loggers say of which part of the data a row speaks.
PARTS = ("mode", "split", "phase", "stage", "subset")
# As many rows of one shape are taken column by column.
MANY = 8
# What Hugging Face's Trainer does to the loss it logs and prints.
FILTER = (
    "Trainer hides NaN and Inf unless logging_nan_inf_filter is off: a loss that is not finite is left out of the"
    " mean that it logs"
)
# The names in a row that Trainer prints; unlike other rows it has no step.
PRINTED = {"loss", "learning_rate", "epoch"}
DETECTRON2 = {"eta_seconds", "iteration", "total_loss"}


@final
class Objects:
    """Rows as they come; `log` at the end."""

    def __init__(self) -> None:
        self._gathered = Gathered()
        self._stated = Stated()
        self._begun = False
        self._iter: Any = None
        self._notes: list[str] = []

    def add(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """The next rows. Those before the first with a clock or a loss are the settings."""
        same = rows and sum(map(len, rows)) == len(rows) * len(rows[0]) and rows[0].keys() == rows[-1].keys()
        for alike in [rows] if same else [list(group) for _, group in groupby(rows, key=tuple)]:
            self._begun = self._begun or not self._settings(alike)
            if self._begun and (len(alike) < MANY or not self._columns(alike)):
                for row in alike:
                    self._gathered.add(self._placed(cleaned(row)))

    def log(self, path: Path, notes: Sequence[str] = ()) -> Log:
        """All of it; raises UnreadableRun where there is no number besides the clock."""
        columns, guessed = with_losses(self._gathered.columns(path))
        said = (*self._notes, *self._gathered.notes, *guessed, *notes)
        return Log(columns, steps=self._stated.steps, settings=self._stated.settings, notes=said)

    def _placed(self, row: dict[str, Any]) -> dict[str, Any]:
        """The row at the last iteration trained, if it is one of mmcv's validations, whose iter counts their own."""
        mode = row.get("mode")
        if mode == "train":
            self._iter = row.get("iter")
        return row if mode not in ("val", "test") or "iter" not in row else {**row, "iter": self._iter}

    def _settings(self, rows: Sequence[Mapping[str, Any]]) -> bool:
        if rows[0].keys() >= DETECTRON2:
            self._notes.append(
                "Detectron2 writes the median of the last 20 iterations for each loss: spikes are hidden"
            )
        if rows[0].keys() >= PRINTED and not any(timeline.kind_of(name) == "step" for name in rows[0]):
            self._notes.append(FILTER)
        row = flat(rows[0])
        if any(timeline.kind_of(name) or house_name(name) in LOSSES for name in row):
            return False
        if any(is_setting(name) for name in row):
            self._stated.take(row)
        return True

    def _columns(self, rows: Sequence[Mapping[str, Any]]) -> bool:
        """Take rows of one shape column by column; False where a row needs a closer look."""
        columns: dict[str, Floats] = {}
        for name in rows[0]:
            try:
                values = [row[name] for row in rows]
            except KeyError:
                return False
            kinds = set(map(type, values))
            if kinds == {str} and name not in PARTS and number_of(values[0]) is None:
                continue
            if not kinds <= {int, float}:
                return False
            try:
                columns[name] = np.array(values, dtype=np.float64)
            except OverflowError:
                return False
        if columns:
            # no number is equal to NaN: every cell counts
            self._gathered.extend_numbers([*columns], np.column_stack([*columns.values()]), math.nan)
        return bool(columns)


def cleaned(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row without objects in it, with its part of the data in its names, and NaN where a loss is null.

    >>> cleaned({"step": 3, "split": "val", "loss": 0.5})
    {'step': 3, 'split': 'val', 'val/loss': 0.5}
    """
    row = flat(row)
    part = next((str(row[name]).lower() for name in PARTS if isinstance(row.get(name), str)), "")
    if part in VALIDATION or part == "test":
        row = {f"{part}/{name}" if house_name(name) == "loss" else name: value for name, value in row.items()}
    return {**row, **_lost(row)}


def _lost(row: Mapping[str, Any]) -> dict[str, float]:
    """The losses of a row in which each is null: so most languages write NaN into JSON."""
    losses = [name for name in row if house_name(name) in LOSSES]
    return dict.fromkeys(losses, math.nan) if all(row[name] is None for name in losses) else {}
