"""`Following`: a record that grows, read again when it has grown; `Spool`: what a command printed, as such a record."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import final

from stepsize.cli.growing import Growing
from stepsize.errors import UnreadableRun
from stepsize.run import Run

# A record is looked at at most this often, in seconds, and judging what is new may take this share of the time.
PAUSE, SHARE = 0.3, 0.02
# Files of a folder that are looked at to know whether it has grown.
FILES = 5000
# Lines longer than this hold no numbers of a training; a spool takes no more than this in all.
LONGEST, FULL = 2**14, 2**29
# Beside a database lies what was not yet taken into it.
BESIDE = ("-wal", "-journal")


@final
class Following:
    """The record at a path.

    Args:
        path: a file or a folder, which may not be there yet.
        name: which run, where the record holds several.
        clock: gives seconds.
        work: gives the seconds that our own thread has worked: others may crowd the machine.
    """

    def __init__(
        self,
        path: Path,
        name: str | None = None,
        clock: Callable[[], float] = time.monotonic,
        work: Callable[[], float] = time.thread_time,
    ) -> None:
        self.path, self._clock, self._work = path, clock, work
        self._growing = Growing(path, name, clock, work)
        self._changed = clock()
        self.fault = f"{path} was not written"
        self._state: object = None
        self._read: object = None
        self._next, self._begun, self._looks = 0.0, 0.0, 0

    def look(self, last: bool = False) -> Run | None:
        """The run as it is now; None where nothing is new, nothing can be read yet, or it is not time to look.

        After each look, `worked` is to be told when all that follows from it is done.
        """
        now = self._clock()
        if now < self._next and not last:
            return None
        self._begun, self._next = self._work(), now + PAUSE
        self._note()
        if self._state == self._read and not last:
            return None
        self._read = self._state
        try:
            run = self._growing.read(last)
        except (UnreadableRun, OSError) as error:  # it may come yet
            self.fault = str(error)
            return None
        finally:
            self.worked()
        if run is None:  # it may not be read yet
            self._read = None
        self._looks += run is not None
        return run

    def unchanged(self) -> float:
        """Seconds since anything was new, whether it was read or not."""
        self._note()
        return self._clock() - self._changed

    def worked(self) -> None:
        """The work of this look is done: the next keeps to the share of the time."""
        # The first is slow as no other is: it loads what judges. Reading all of it is counted where it is done.
        work = self._work() - self._begun - self._growing.spent if self._looks > 1 else 0.0
        self._next = self._clock() + max(PAUSE, work / SHARE)

    def _note(self) -> None:
        if (state := self._signature()) != self._state:
            self._state, self._changed = state, self._clock()

    def _signature(self) -> object:
        files = [self.path, *(Path(f"{self.path}{end}") for end in BESIDE), *_inside(self.path)]
        found = []
        for file in files:
            with suppress(OSError):
                status = file.stat()
                found.append((str(file), status.st_size, status.st_mtime_ns))
        return found


def _inside(folder: Path) -> Iterable[Path]:
    files: list[Path] = []
    for place, _, names in os.walk(folder):
        files += (Path(place, name) for name in names)
        if len(files) > FILES:
            break
    return files[:FILES]


@final
class Spool:
    """The lines that a command printed, in a file that is gone when the block is left."""

    def __init__(self) -> None:
        self._folder = TemporaryDirectory(prefix="stepsize-")
        self.path = Path(self._folder.name, "printed.log")
        self._file = self.path.open("ab", buffering=0)
        self._rest: dict[str, bytes] = {}
        self._size = 0

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._folder.cleanup()

    def feed(self, copies: Iterable[tuple[str, bytes]], last: bool = False) -> None:
        """Add the whole lines of what was printed; `last` adds the unfinished ones too."""
        gathered: list[bytes] = []
        for name, chunk in copies:
            # A bar that is drawn over and over is a line each time.
            printed = (self._rest.get(name, b"") + chunk).replace(b"\r", b"\n")
            *whole, self._rest[name] = printed.split(b"\n")
            gathered += whole
            if len(self._rest[name]) > LONGEST:
                self._rest[name] = b""
        if last:
            gathered += self._rest.values()
        kept = b"".join(line + b"\n" for line in map(_seen, gathered) if line)
        if kept and self._size < FULL:
            self._size += len(kept)
            with suppress(OSError):  # a full disk: the command goes on
                self._file.write(kept)


def _seen(line: bytes) -> bytes:
    """The line as text; empty for what is none."""
    if len(line) > LONGEST or b"\0" in line:
        return b""
    return line.decode(errors="replace").encode()
