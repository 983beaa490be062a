"""`Pages`: rows that wait in memory, and are written together once a second."""

from __future__ import annotations

import json
import math
import time
import warnings
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, final

from stepsize.recorder.journal import Journal
from stepsize.recorder.mirrors import Mirrors

# Seconds that rows may wait in memory: what a kill can take with it.
HELD = 1.0

Fetch = Callable[[Sequence[Any]], Sequence[Any]]


@final
class Pages:
    """The rows that wait, and where they go.

    Args:
        journal: the file.
        mirrors: are told of measured rows.
        fetch: makes numbers of what is none yet.
    """

    def __init__(self, journal: Journal, mirrors: Mirrors, fetch: Fetch) -> None:
        self.journal, self.mirrors, self.fetch = journal, mirrors, fetch
        self._rows: list[dict[str, Any]] = []
        self._measured: list[dict[str, Any]] = []
        self._next = -math.inf
        self._closed = self._closed_said = False

    def add(self, row: dict[str, Any], measured: bool = False) -> None:
        """Take a row, whose number is its `step`; when the last writing is a second ago, write.

        It is called at every update: what can be done when rows are written is done there.
        """
        self._rows.append(row)
        if measured:
            self._measured.append(row)
        if time.monotonic() >= self._next:
            self.flush()

    def flush(self) -> None:
        """Write all rows."""
        rows, told = self._rows, self._measured
        if self._closed:
            self._warn_closed()
        else:
            self._next = time.monotonic() + HELD
            self._resolve(rows)
            self.journal.append(as_lines(rows))
        self._rows, self._measured = [], []
        self.mirrors.send([] if self._closed else told)

    def _resolve(self, rows: list[dict[str, Any]]) -> None:
        """Numbers for what is none yet, in one go: a device is waited for once."""
        waiting = [(row, name) for row in rows for name, value in row.items() if type(value) not in (int, float)]
        if not waiting:
            return
        try:
            found = [
                None if value is None else float(value) for value in self.fetch([row[name] for row, name in waiting])
            ]
        except Exception as error:  # a device that failed has more to say than its recorder
            warnings.warn(f"{self.journal.path}: values were lost: {error}", RuntimeWarning, stacklevel=2)
            found = [None] * len(waiting)
        for (row, name), value in zip(waiting, found, strict=True):
            row[name] = value

    def close(self) -> None:
        """Write the rest and let go of the file."""
        try:
            self.flush()
        finally:
            self._closed, self._next = True, -math.inf
            self.journal.close()

    def _warn_closed(self) -> None:
        """Say once that nothing more is recorded."""
        if not self._closed_said:
            self._closed_said = True
            message = f"{self.journal.path}: this recorder is closed; what it is given now is not written"
            warnings.warn(message, RuntimeWarning, stacklevel=5)


def as_lines(rows: Sequence[dict[str, Any]]) -> str:
    """Rows of numbers as JSON, a line each.

    All numbers are encoded in one call, and then put between the names: a fifth of the time of row by row.

    >>> as_lines([{"step": 0, "loss": float("nan")}, {"step": 1, "lr": 0.1}])
    '{"step": 0, "loss": NaN}\\n{"step": 1, "lr": 0.1}\\n'
    """
    if not rows:
        return ""
    numbers = json.dumps([value for row in rows for value in row.values()])[1:-1].split(", ")
    return "".join(map(_form, map(tuple, rows))) % tuple(numbers)


@lru_cache(maxsize=64)
def _form(names: tuple[str, ...]) -> str:
    """A line with a `%s` for each number."""
    places = (json.dumps(name).replace("%", "%%") + ": %s" for name in names)
    return "{" + ", ".join(places) + "}\n"
