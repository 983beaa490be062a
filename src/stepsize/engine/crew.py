"""`Worker`: a worker process, as the process that started it sees it."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from typing import Any, final

from stepsize.engine import family
from stepsize.engine.attempt import Attempt
from stepsize.engine.cores import environment
from stepsize.engine.shipping import as_bytes
from stepsize.engine.worker import GRACE
from stepsize.errors import EngineError

# The worker that says it, what kind of message it is, and its content.
Message = tuple["Worker", str, Any]


@final
class Worker:
    """A process that makes runs; what it says arrives in an inbox that all workers share.

    A fresh interpreter, not a fork: threads and locks of this process are no danger to it. Nor is it started by
    `multiprocessing`, which would run the program that called us once more in every worker.

    Attributes:
        ready: whether it holds the training.
        attempt: what it is at; None while it is idle.
        runs: how many runs it has made.
    """

    def __init__(self, shipment: bytes, threads: int, inbox: SimpleQueue[Message]) -> None:
        self.ready, self.runs = False, 0
        self.attempt: Attempt | None = None
        self._process = _started(threads)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._to, self._from = self._process.stdin, self._process.stdout
        self._ear = Thread(target=self._listen, args=(shipment, inbox), daemon=True)
        self._ear.start()

    def give(self, attempt: Attempt) -> None:
        """Have it make a run."""
        attempt.start()
        self.attempt = attempt
        self._send(as_bytes(attempt.job))

    def done(self) -> None:
        """It has made its run."""
        self.attempt, self.runs = None, self.runs + 1

    @property
    def pid(self) -> int:
        """The number the system knows it by."""
        return self._process.pid

    def look_after(self) -> None:
        """Where it has died and left processes behind, end those: they may hold its end of the line."""
        if self._process.poll() is not None:
            family.end(self.pid)

    def leave(self) -> None:
        """Let it go, if it is idle: it ends by itself."""
        if self.ready and self.attempt is None:
            with suppress(OSError):
                self._to.close()

    def end(self) -> None:
        """See it end, by force where it does not leave."""
        if self._to.closed:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(GRACE)
        family.end(self.pid)
        self._process.wait()
        with suppress(OSError):
            self._to.close()
        self._ear.join(GRACE)
        if not self._ear.is_alive():
            self._from.close()

    def epitaph(self) -> str:
        """How it ended, in words."""
        code = self._process.wait()
        if code >= 0:
            return f"ended with exit code {code}"
        name = signal.Signals(-code).name
        guess = ", perhaps by the system for lack of memory" if name == "SIGKILL" else ""
        return f"was killed by {name}{guess}"

    def _listen(self, shipment: bytes, inbox: SimpleQueue[Message]) -> None:
        """Send the training, then pass on what the worker says, to its end."""
        self._send(as_bytes(shipment))
        with suppress(EOFError, OSError, ValueError, pickle.UnpicklingError):  # each is how a line can break
            while True:
                kind, content = pickle.load(self._from)
                inbox.put((self, kind, content))
        inbox.put((self, "gone", None))

    def _send(self, message: bytes) -> None:
        with suppress(OSError):  # it has died: that will be heard of
            self._to.write(message)
            self._to.flush()


def _started(threads: int) -> subprocess.Popen[bytes]:
    path = [entry for entry in sys.path if isinstance(entry, str)]
    program = f"import sys; sys.path[:] = {path!r}; from stepsize.engine.worker import serve; serve()"
    warnings = [f"-W{option}" for option in sys.warnoptions]
    try:
        return subprocess.Popen(
            [sys.executable, *warnings, "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **environment(threads)},
            # A group of its own: Ctrl-C in the terminal is for this process, and the whole group can be ended.
            start_new_session=True,
        )
    except OSError as error:
        raise EngineError(f"a worker process cannot be started: {error}") from error
