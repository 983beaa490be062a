"""One command under way: its lines as they come, everything it prints in a log, and its end, whatever happens."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import IO, final

from stepsize.errors import InvalidTraining

# Seconds between asking a command to end and ending it; and to wait for output once it has ended.
GRACE, AFTERMATH = 3.0, 1.0
# A line longer than this is no report.
LONGEST = 2**20
# Lines kept for the reason of a failure, and how much of each.
KEPT, SHOWN = 4, 300
# It is told of our end by the end of its input, also where nothing could be told: a kill, a crash.
WATCHDOG = 'read _; kill -TERM -"$0"; sleep 3; kill -KILL -"$0"'
GROUPS = os.name == "posix"


@final
class Child:
    """A command in a process group of its own; leaving the block ends the whole group.

    Args:
        words: the command.
        variables: its environment.
        log: the file that gets everything it prints, after what is there already.
    Raises:
        InvalidTraining: it cannot be started.
    """

    def __init__(self, words: Sequence[str], variables: Mapping[str, str], log: Path) -> None:
        self.log = log
        self.last: dict[str, deque[str]] = {name: deque(maxlen=KEPT) for name in ("stdout", "stderr")}
        self._chunks: queue.Queue[tuple[str, bytes]] = queue.Queue(maxsize=256)
        self._file = log.open("ab", buffering=0)
        try:
            self._process = subprocess.Popen(
                words,
                env=dict(variables),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=GROUPS,  # so that Ctrl-C comes to us, and we can end all that it started
            )
        except (OSError, ValueError) as error:
            self._file.close()
            raise InvalidTraining(f"{words[0]!r} cannot be started: {error}") from error
        self._watchdog = _watchdog(self._process.pid)
        self._readers = [
            Thread(target=self._read, args=(name, stream), daemon=True)
            for name, stream in (("stdout", self._process.stdout), ("stderr", self._process.stderr))
        ]
        for reader in self._readers:
            reader.start()

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._end()
        finally:
            self._let_go()

    @property
    def code(self) -> int:
        """How it ended, once it has: 0 is well, below 0 is the signal that ended it."""
        return int(self._process.returncode)

    def lines(self, tick: float) -> Iterator[str]:
        """Each line of its standard output, and an empty one at least every `tick` seconds, until it has ended."""
        rest = {"stdout": b"", "stderr": b""}
        open_, ended = len(rest), 0.0
        while open_:
            try:
                name, chunk = self._chunks.get(timeout=tick)
            except queue.Empty:
                # A process that it left behind may hold its output open for ever.
                if self._process.poll() is not None:
                    ended = ended or time.monotonic()
                    if time.monotonic() > ended + AFTERMATH:
                        break
                yield ""
                continue
            open_ -= not chunk
            *whole, left = (rest[name] + (chunk or b"\n")).replace(b"\r", b"\n").split(b"\n")
            rest[name] = left if len(left) <= LONGEST else b""
            for line in filter(None, (raw.decode(errors="replace").strip() for raw in whole)):
                self.last[name].append(line[:SHOWN])
                if name == "stdout":
                    yield line
            yield ""
        # It may have closed its output and still be at work.
        while self._process.poll() is None:
            yield ""
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(tick)

    def _read(self, name: str, stream: IO[bytes]) -> None:
        with suppress(OSError, ValueError):  # closed while we read: nobody listens any more
            while chunk := stream.read1(2**16):  # type: ignore[attr-defined]
                with suppress(OSError):  # a full disk; the study will say so
                    self._file.write(chunk)
                self._chunks.put((name, chunk))
        self._chunks.put((name, b""))

    def _end(self) -> None:
        """End the group: gently, and then all that is left of it hard."""
        if self._process.poll() is None:
            self._signal("SIGTERM")
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(GRACE)
        self._signal("SIGKILL")
        self._process.wait()

    def _signal(self, name: str) -> None:
        with suppress(ProcessLookupError, PermissionError):
            if GROUPS:
                os.killpg(self._process.pid, getattr(signal, name))
            else:
                self._process.kill()

    def _let_go(self) -> None:
        if self._watchdog is not None:
            self._watchdog.kill()
            self._watchdog.communicate()
        deadline = time.monotonic() + AFTERMATH
        while any(reader.is_alive() for reader in self._readers) and time.monotonic() < deadline:
            with suppress(queue.Empty):  # a reader waits for a place in the queue
                self._chunks.get(timeout=0.02)
        if not any(reader.is_alive() for reader in self._readers):
            for stream in (self._process.stdout, self._process.stderr, self._file):
                if stream is not None:
                    stream.close()


def _watchdog(group: int) -> subprocess.Popen[bytes] | None:
    """A process that ends the group when this one is gone, however it went."""
    if not GROUPS:
        return None
    with suppress(OSError):  # the run goes on without
        return subprocess.Popen(
            ["/bin/sh", "-c", WATCHDOG, str(group)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    return None
