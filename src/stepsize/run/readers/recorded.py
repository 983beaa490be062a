"""What `stepsize.Recorder` writes: JSON lines with a head that says what was planned, and a head for each resume."""

from __future__ import annotations

import json
from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, final

import numpy as np

from stepsize.errors import UnreadableRun
from stepsize.run.column import Column
from stepsize.run.log import Log
from stepsize.run.readers.source import Source

FORMAT = "a stepsize recording"
SCHEMA = "stepsize.run/1"
# Lines parsed at once: far faster than one by one.
BLOCK = 2048


def recognises(source: Source) -> bool:
    """Whether the first line is a head."""
    try:
        head = json.loads(source.text.split("\n", 1)[0])
    except (ValueError, RecursionError):
        return False
    return isinstance(head, dict) and head.get("schema") == SCHEMA


def read(path: Path) -> list[Log]:
    """The one run in it. A resume takes over from the update it begins at; a line that a kill cut off is left out."""
    gathered = Gathered()
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        while block := list(islice(file, BLOCK)):
            for row in _objects(block):
                gathered.take(row)
    if not gathered.columns:
        raise UnreadableRun(f"{path}: the recording holds no update yet")
    return [gathered.log()]


def _objects(block: list[str]) -> Iterator[Any]:
    try:
        yield from json.loads(f"[{','.join(block)}]")
    except (ValueError, RecursionError):
        yield from map(_object, block)


def _object(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return line.strip() or {}


@final
class Gathered:
    """The rows so far, by column."""

    def __init__(self) -> None:
        self.columns: defaultdict[str, tuple[array[int], array[float]]] = defaultdict(lambda: (array("q"), array("d")))
        self.about: dict[str, Any] = {}
        self._last = -1
        self._resumed = False
        self._unread = 0
        self._taken_over: list[tuple[int, int]] = []

    def take(self, row: Any) -> None:
        """A row, a head, or what is neither."""
        if not isinstance(row, dict):
            self._unread += 1
            return
        if "schema" in row:
            self.about, self._resumed = row, True
            return
        step = row.pop("step", None)
        if type(step) is not int or not 0 <= step < 2**53:
            self._unread += bool(row) or step is not None
            return
        # Of one recorder, several rows may tell of an update; another one tells of it anew.
        if step < self._last + self._resumed:
            self._take_over(step)
        self._last, self._resumed = step, False
        for name, value in row.items():
            if type(value) is float or type(value) is int:
                self._add(name, step, value)

    def _add(self, name: str, step: int, value: float) -> None:
        steps, values = self.columns[name]
        try:
            values.append(value)
        except OverflowError:  # a whole number beyond all floats
            values.append(float("inf") if value > 0 else float("-inf"))
        steps.append(step)

    def _take_over(self, step: int) -> None:
        self._taken_over.append((step, self._last))
        for steps, values in self.columns.values():
            keep = bisect_left(steps, step)
            del steps[keep:], values[keep:]

    def log(self) -> Log:
        """All of it."""
        columns = {name: Column(np.array(s, dtype=np.int64), np.array(v)) for name, (s, v) in self.columns.items() if s}
        planned, settings, notes = (self.about.get(key) for key in ("steps", "settings", "notes"))
        return Log(
            columns,
            steps=planned if type(planned) is int and planned > 0 else 0,
            settings=settings if isinstance(settings, dict) else {},
            notes=(*map(str, notes if isinstance(notes, list) else ()), *self._notes()),
        )

    def _notes(self) -> Iterator[str]:
        for step, last in self._taken_over:
            yield f"the training went back from update {last} to update {step}, and what came first is left out"
        if self._unread:
            yield f"lines that could not be read are left out: {self._unread}"
