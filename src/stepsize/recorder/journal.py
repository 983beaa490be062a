"""`Journal`: a file of lines that only grows, written by one process at a time; a kill leaves whole lines behind."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import final

from filelock import FileLock, Timeout

from stepsize.errors import EngineError

# Bytes kept for a disk that is full; what comes after them is lost.
KEPT = 1 << 24


@final
class Journal:
    """Appends lines to a file, and stands between the training and a disk that fails.

    Args:
        path: made if it is not there; what is in it stays.
    Raises:
        EngineError: another process writes it, or it cannot be opened.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._pid = os.getpid()
        self._lock = _locked(self.path)
        self._unwritten = bytearray()
        self._complained = False
        try:
            self._file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
        except OSError as error:
            self._lock.release()
            raise EngineError(f"{self.path}: cannot be written: {error.strerror}") from error
        if _torn(self._file):
            self._unwritten += b"\n"

    def append(self, lines: str) -> None:
        """Write lines, each with its newline; those that a full disk refuses are tried again with the next ones."""
        if os.getpid() != self._pid:  # a worker that was forked off: the file is its parent's
            return
        if len(self._unwritten) < KEPT:
            self._unwritten += lines.encode()
        try:
            while self._unwritten:
                # What is left after a short write begins where that one ended: no line is torn.
                del self._unwritten[: os.write(self._file, self._unwritten)]
        except OSError as error:
            self._complain(f"{error.strerror}; the training goes on, and writing is tried again")

    def close(self) -> None:
        """Give the file free for others."""
        if os.getpid() != self._pid:
            return
        if self._unwritten:
            self.append("")
        if self._unwritten:
            self._complained = False
            self._complain(f"the last {len(self._unwritten)} bytes could not be written and are lost")
        os.close(self._file)
        self._lock.release()

    def _complain(self, what: str) -> None:
        if not self._complained:
            self._complained = True
            warnings.warn(f"{self.path}: {what}", RuntimeWarning, stacklevel=2)


def _locked(path: Path) -> FileLock:
    lock = FileLock(f"{path}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise EngineError(f"another process is writing {path}; wait for it, or choose another file") from None
    except OSError as error:
        raise EngineError(f"{path}: cannot be written: {error.strerror}") from error
    return lock


def _torn(file: int) -> bool:
    """Whether the last line has no end: a power cut, or another program."""
    size = os.fstat(file).st_size
    return size > 0 and os.pread(file, 1, size - 1) != b"\n"
