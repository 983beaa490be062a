"""`Growing`: a log of lines that grows; between two readings of all of it, its new lines alone are read."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import final

import numpy as np

from stepsize.errors import UnreadableRun
from stepsize.run import Column, Run
from stepsize.run.readers import json_lines, printed, reader_of, recorded, table

# Formats of which a line means what it means whatever came long before it.
OF_LINES = {reader.FORMAT for reader in (json_lines, printed, recorded, table)}
# The share of the time that reading all of it may take, and seconds below which it is not worth anything else.
SHARE, CHEAP = 0.03, 0.01
# Lines from the beginning, and bytes before what is new, that tell the format of what follows.
HEAD, OVERLAP = 30, 4096


@final
class Growing:
    """Reads the log at a path again and again.

    Args:
        path: a file or a folder.
        name: which run, where it holds several.
        clock: gives seconds.
        work: gives the seconds that we have worked.

    Attributes:
        spent: seconds that the last call took to read all of it; 0 where it did not.
    """

    def __init__(
        self,
        path: Path,
        name: str | None = None,
        clock: Callable[[], float] = time.monotonic,
        work: Callable[[], float] = time.thread_time,
    ) -> None:
        self._path, self._name, self._clock, self._work = path, name, clock, work
        self._run: Run | None = None
        self._end, self._file = 0, 0
        self._due, self._wholes = 0.0, 0
        self.spent = 0.0

    def read(self, last: bool = False) -> Run | None:
        """The run as it is now; `last` reads all of it.

        None where its new lines cannot be read alone, and it is too early to read all of it.

        Raises:
            UnreadableRun: like `Run.read`.
        """
        self.spent = 0.0
        return self._all() if last or self._clock() >= self._due else self._grown()

    def _all(self) -> Run:
        self._run, begun = None, self._work()
        end, file = _last_line(self._path)
        try:
            run = Run.read(self._path, self._name)
            self._wholes += 1
        finally:
            self.spent = cost = self._work() - begun
            # The first is slow as no other is: it loads what reads.
            self._due = self._clock() + (cost / SHARE if cost > CHEAP and self._wholes > 1 else 0.0)
        if file and self._name is None and _of_lines(self._path, run):
            self._run, self._end, self._file = run, end, file
        return run

    def _grown(self) -> Run | None:
        """The run with what its new lines say; None where they cannot be read alone."""
        if self._run is None:
            return None
        end, file = _last_line(self._path)
        if file == self._file and end == self._end:
            return self._run
        try:
            columns = _joined(self._run.columns, self._new(end).columns)
        except (UnreadableRun, OSError, ValueError):
            self._run = None
            return None
        self._run, self._end = replace(self._run, columns=columns), end
        return self._run

    def _new(self, end: int) -> Run:
        """What the lines up to `end` say that were not read, behind the first ones of the file."""
        with TemporaryDirectory(prefix="stepsize-") as folder, self._path.open("rb") as file:
            if os.fstat(file.fileno()).st_ino != self._file or end < self._end:
                raise ValueError("another file")
            part = Path(folder, self._path.name)
            head = b"".join(islice(file, HEAD))
            file.seek(max(0, self._end - OVERLAP))
            file.readline()
            file.seek(max(file.tell(), len(head)))
            part.write_bytes(head + file.read(max(0, end - file.tell())))
            return Run.read(part)


def _last_line(path: Path) -> tuple[int, int]:
    """Where the last whole line of a file ends, and the number of the file; 0, 0 for a folder."""
    if not path.is_file():
        return 0, 0
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        begin = max(0, size - 2**16)
        file.seek(begin)
        return begin + file.read(size - begin).rfind(b"\n") + 1, os.fstat(file.fileno()).st_ino


def _of_lines(path: Path, run: Run) -> bool:
    reader = reader_of(path)
    counted = any(column.clock == "row" for column in run.columns.values())
    return reader is not None and reader.FORMAT in OF_LINES and not counted


def _joined(old: Mapping[str, Column], new: Mapping[str, Column]) -> dict[str, Column]:
    """The columns with what is new in them; raises ValueError where it does not go on where they end."""
    if new.keys() - old.keys():
        raise ValueError("new columns")
    return {name: _longer(column, new[name]) if name in new else column for name, column in old.items()}


def _longer(old: Column, new: Column) -> Column:
    if new.clock != old.clock or not new.step.size or (old.step.size and new.step[-1] < old.step[-1]):
        raise ValueError("another clock, or an earlier place")
    begin = int(np.searchsorted(new.step, old.step[-1], side="right")) if old.step.size else 0
    steps, values = np.append(old.step, new.step[begin:]), np.append(old.value, new.value[begin:])
    return Column(steps, values, old.clock)
