"""Where a script's numbers come from: the lines it prints, or a file that it writes."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, final

from stepsize.errors import UnreadableRun
from stepsize.run.column import Column, column
from stepsize.run.readers import json_lines, read_columns, tensorboard
from stepsize.run.readers.names import by_house_names, house_name
from stepsize.run.readers.objects import object_in
from stepsize.run.readers.source import Source as Record

# Names of the clock in a printed line. An epoch is no step: it is a quantity of its own.
STEPS = ("step", "global_step", "_step", "iteration", "iter", "update")
LOSSES = ("loss", "val_loss")
LAST_STEP = 2**53
# A file is read anew at most this often, and for at most this share of the time.
PAUSE, SHARE = 0.3, 0.05

# A step, and what was seen there under house names.
Seen = tuple[int, dict[str, float]]


class Source(Protocol):
    """Somewhere a run's numbers appear while it goes on."""

    def line(self, text: str) -> list[Seen]:
        """What is new with this line of standard output."""

    def look(self, last: bool = False) -> list[Seen]:
        """What is new elsewhere; `last` if nothing more will come."""

    def columns(self) -> dict[str, Column]:
        """All of it so far; raises UnreadableRun where there is nothing that can be read."""


@final
class Printed:
    """Objects on lines of their own: `{"step": 10, "loss": 0.5}`; every other line is passed over."""

    def __init__(self, metric: str) -> None:
        self._metric = metric
        self._seen: defaultdict[str, tuple[list[int], list[float]]] = defaultdict(lambda: ([], []))
        self._step, self._clocked = -1, False

    def line(self, text: str) -> list[Seen]:
        """The numbers in a line that is a JSON object."""
        if not text.startswith("{"):
            return []
        row = object_in(text)
        return [] if row is None else self._row(row)

    def look(self, last: bool = False) -> list[Seen]:
        """Nothing is elsewhere."""
        return []

    def columns(self) -> dict[str, Column]:
        """Every number in every line, by house names."""
        return by_house_names({name: column(*pair) for name, pair in self._seen.items()}, self._metric)

    def _row(self, row: dict[str, Any]) -> list[Seen]:
        clock = next((name for name in STEPS if _step(row.get(name)) is not None), None)
        seen = {name: value for name, raw in row.items() if name != clock and (value := number_of(raw)) is not None}
        seen.update(self._lost(row, seen))
        if not seen:
            return []
        self._advance(None if clock is None else _step(row[clock]), seen)
        for name, value in seen.items():
            steps, values = self._seen[name]
            steps.append(self._step)
            values.append(value)
        return [(self._step, named(seen, self._metric))]

    def _lost(self, row: dict[str, Any], seen: dict[str, float]) -> dict[str, float]:
        """The losses of a row in which each is null: so most languages write NaN into JSON."""
        losses = [name for name in row if name == self._metric or house_name(name) in LOSSES]
        if any(name in seen for name in losses):
            return {}
        return {name: math.nan for name in losses if row[name] is None}

    def _advance(self, step: int | None, seen: dict[str, float]) -> None:
        if step is not None:
            self._step, self._clocked = step, True
        elif not self._clocked and (self._step < 0 or any(n in (*LOSSES, self._metric) for n in named(seen))):
            self._step += 1


@final
class Written:
    """A file, or a folder of TensorBoard events, that the script writes; any format that `Run.read` knows."""

    def __init__(self, path: Path, metric: str) -> None:
        self._path, self._metric = path, metric
        self._told: dict[str, int] = {}
        self._state: Any = None
        self._next = 0.0

    def line(self, text: str) -> list[Seen]:
        """What is printed is not reported."""
        return []

    def look(self, last: bool = False) -> list[Seen]:
        """What the file holds that it did not hold before."""
        begun = time.monotonic()
        if begun < self._next and not last:
            return []
        self._next = begun + PAUSE
        try:
            if (state := self._signature()) == self._state:
                return []
            columns = self.columns()
        except (UnreadableRun, OSError):  # not yet
            return []
        self._state = state
        self._next = time.monotonic() + max(PAUSE, (time.monotonic() - begun) / SHARE)
        return self._new(columns)

    def columns(self) -> dict[str, Column]:
        """The whole record."""
        if not self._path.exists():
            raise UnreadableRun(f"{self._path} was not written")
        if tensorboard.recognises(Record.of(self._path)):
            return tensorboard.read_scalars(self._path, self._metric)
        if self._path.is_dir():
            raise UnreadableRun(f"{self._path} holds no TensorBoard events")
        if (lines := self._json_lines()) is not None:
            return lines
        columns = read_columns(self._path)
        if self._metric not in columns and (house := house_name(self._metric)) in columns:
            columns[self._metric] = columns[house]
        return by_house_names(columns, self._metric)

    def _json_lines(self) -> dict[str, Column] | None:
        """JSON lines mean in a file what they mean when they are printed."""
        if not json_lines.recognises(Record.of(self._path)):
            return None
        with self._path.open(encoding="utf-8-sig", errors="replace") as file:
            printed = Printed(self._metric)
            for line in file:
                printed.line(line.strip())
        return printed.columns() or None

    def _signature(self) -> Any:
        files = [self._path, *(self._path.rglob("*tfevents*") if self._path.is_dir() else ())]
        return [(str(file), file.stat().st_size) for file in files if file.exists()]

    def _new(self, columns: Mapping[str, Column]) -> list[Seen]:
        rows: defaultdict[int, dict[str, float]] = defaultdict(dict)
        for name, (steps, values) in columns.items():
            for step, value in zip(steps[self._told.get(name, 0) :], values[self._told.get(name, 0) :], strict=True):
                rows[int(step)][name] = float(value)
            self._told[name] = steps.size
        return sorted(rows.items())


@final
class PrintedOrReported:
    """What `stepsize.script.trial` reported to its file, if anything; else the lines that were printed.

    `trial` makes the file when it is called. From then on what is printed waits: it counts if nothing is reported.
    """

    def __init__(self, file: Path, metric: str) -> None:
        self._file, self._printed, self._reported = file, Printed(metric), Written(file, metric)
        self._waiting: list[Seen] = []

    def line(self, text: str) -> list[Seen]:
        """What is new with this line."""
        seen = self._printed.line(text)
        if not self._file.exists():
            return seen
        self._waiting += seen
        return []

    def look(self, last: bool = False) -> list[Seen]:
        """What is new in the file."""
        if self._reports():
            return self._reported.look(last)
        return self._waiting if last else []

    def columns(self) -> dict[str, Column]:
        """All that was reported, or printed."""
        return (self._reported if self._reports() else self._printed).columns()

    def _reports(self) -> bool:
        return self._file.exists() and self._file.stat().st_size > 0


def named(seen: Mapping[str, float], metric: str = "") -> dict[str, float]:
    """What was seen, by house names, and the metric by its own."""
    return {house_name(name): value for name, value in seen.items()} | (
        {metric: seen[metric]} if metric in seen else {}
    )


def number_of(raw: Any) -> float | None:
    """A number, also one that was written as a string ("nan", "0.5"); None for anything else."""
    if isinstance(raw, bool) or not isinstance(raw, int | float | str):
        return None
    try:
        return float(raw)
    except (ValueError, OverflowError):
        return None


def _step(raw: Any) -> int | None:
    number = number_of(raw)
    return None if number is None or not abs(number) <= LAST_STEP else int(number)
