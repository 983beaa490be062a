"""`Relay`: a command under way, its output passed on byte by byte as it comes, and a copy of it for whoever looks."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from threading import Lock, Thread
from typing import final

# Where a stream goes: a function that takes its bytes, or a file descriptor that the command gets for its own.
Outlet = Callable[[bytes], None] | int
STREAMS = ("stdout", "stderr")
CHUNK = 2**16
# A pipe that holds this much lets the command print on while we draw; Linux alone can be asked for it.
PIPE = 2**20
# Copies that nobody has taken are kept up to so many bytes; what is more is passed on all the same.
KEPT = 2**26
# Seconds between asking a command to end and ending it, and to wait for its last output once it has ended.
GRACE, AFTERMATH = 10.0, 1.0
GROUPS = os.name == "posix"
# How a shell tells of a command that was ended by a signal: this and the signal's number.
SIGNALLED = 128


@final
class Relay:
    """A command in a session of its own. Its output reaches the outlets whatever we do with the copy.

    Args:
        words: the command.
        outlets: where its "stdout" and "stderr" go.
        size: lines and columns of the terminal it is to see; None for pipes. In a terminal both streams are one, and
            go to the outlet of "stdout".
    Raises:
        OSError: it cannot be started.
    """

    def __init__(
        self, words: Sequence[str], outlets: Mapping[str, Outlet], size: tuple[int, int] | None = None
    ) -> None:
        self.passed_over, self.stopped = 0, False
        self._copies: list[tuple[str, bytes]] = []
        self._lock, self._waiting, self._deadline = Lock(), 0, 0.0
        self._terminal = -1
        own = {outlet for outlet in outlets.values() if isinstance(outlet, int)}
        sources, ends = self._terminal_ends(size) if size else _pipe_ends(outlets)
        try:
            self._process = subprocess.Popen(
                words,
                stdout=ends["stdout"],
                stderr=ends["stderr"],
                # Lines that wait in a buffer are seen too late; this is Python's own way to ask for none.
                env={"PYTHONUNBUFFERED": "1", **os.environ},
                start_new_session=GROUPS,  # Ctrl-C comes to us, who hand it on, and we can end all that it started
            )
        finally:
            for end in {*ends.values()} - own:
                os.close(end)
        self._pumps = [
            Thread(target=self._pump, args=(name, source, outlets[name]), daemon=True)
            for name, source in sources.items()
        ]
        for pump in self._pumps:
            pump.start()

    def wait(self, seconds: float) -> bool:
        """Wait at most so long; whether the command has ended."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        if self._deadline and time.monotonic() > self._deadline:
            self.signal("SIGKILL")
        return self._process.poll() is not None

    def drain(self) -> None:
        """Wait for the last output: a process that the command left behind may hold it open for ever."""
        if self.stopped:
            self.signal("SIGKILL")
        deadline = time.monotonic() + AFTERMATH
        for pump in self._pumps:
            pump.join(max(0.0, deadline - time.monotonic()))

    def copies(self) -> list[tuple[str, bytes]]:
        """What has come since the last call: the stream, and bytes of it."""
        with self._lock:
            taken, self._copies, self._waiting = self._copies, [], 0
        return taken

    @property
    def code(self) -> int:
        """Its exit code, as a shell would tell it."""
        code = int(self._process.returncode)
        return code if code >= 0 else SIGNALLED - code

    def stop(self) -> None:
        """Ask it to end; `wait` ends it for good after a while."""
        if not self.stopped:
            self.stopped, self._deadline = True, time.monotonic() + GRACE
            self.signal("SIGTERM")

    def signal(self, name: str) -> None:
        """Send a signal to all that the command has started."""
        with suppress(ProcessLookupError, PermissionError):
            if GROUPS:
                os.killpg(self._process.pid, getattr(signal, name))
            else:
                self._process.terminate()

    def resize(self, lines: int, columns: int) -> None:
        """Tell the command that its terminal has another size."""
        import termios

        with suppress(OSError, termios.error):
            termios.tcsetwinsize(self._terminal, (lines, columns))
            self.signal("SIGWINCH")

    def _terminal_ends(self, size: tuple[int, int]) -> tuple[dict[str, int], dict[str, int]]:
        """A terminal of the command's own, set as ours is."""
        import pty
        import termios

        self._terminal, end = pty.openpty()
        with suppress(OSError, termios.error):
            termios.tcsetattr(end, termios.TCSANOW, termios.tcgetattr(sys.stdout.fileno()))
        termios.tcsetwinsize(end, size)
        return {"stdout": self._terminal}, dict.fromkeys(STREAMS, end)

    def _pump(self, name: str, source: int, outlet: Callable[[bytes], None]) -> None:
        with suppress(OSError):  # so a terminal says that nobody holds its other end; so ends who reads what we write
            while chunk := os.read(source, CHUNK):
                self._keep(name, chunk)
                outlet(chunk)
        # Closed, it ends a command that prints on, as the end of our reader would have ended it without us.
        os.close(source)

    def _keep(self, name: str, chunk: bytes) -> None:
        with self._lock:
            if self._waiting < KEPT:
                self._waiting += len(chunk)
                self._copies.append((name, chunk))
            else:
                self.passed_over += len(chunk)


def pour(target: int) -> Callable[[bytes], None]:
    """A function that writes all it is given to a file descriptor, however slowly that takes it."""

    def write(chunk: bytes) -> None:
        left = memoryview(chunk)
        while left:
            try:
                left = left[os.write(target, left) :]
            except BlockingIOError:
                select.select([], [target], [])

    return write


def _pipe_ends(outlets: Mapping[str, Outlet]) -> tuple[dict[str, int], dict[str, int]]:
    """Where to read from, and what the command gets."""
    sources, ends = {}, {}
    for name, outlet in outlets.items():
        if isinstance(outlet, int):
            ends[name] = outlet
        else:
            sources[name], ends[name] = os.pipe()
            _widen(ends[name])
    return sources, ends


def _widen(pipe: int) -> None:
    with suppress(ImportError, AttributeError, OSError):
        import fcntl

        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE)
