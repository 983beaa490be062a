"""The program of a worker process: it is sent a training, then one job after another, and answers with their runs.

Its standard input and output are the line to the process that started it; when that process ends, however it ends, the
line does too, and the worker with it. What the training prints goes to standard error.
"""

from __future__ import annotations

import os
import pickle
import sys
import time
from queue import SimpleQueue
from threading import Thread
from typing import Any, BinaryIO

from stepsize.engine.attempt import make
from stepsize.engine.family import end
from stepsize.engine.shipping import as_bytes, unpacked
from stepsize.errors import StepsizeError
from stepsize.job import Job

# Seconds that a worker has to leave by itself once the line has ended.
GRACE = 2.0


def serve() -> None:
    """Work until the line ends."""
    try:
        source, sink = _line()
        with sink:
            _work(source, sink)
    except EOFError:
        return
    except BrokenPipeError:  # nobody is left to hear of a run
        end(os.getpid())


def _work(source: BinaryIO, sink: BinaryIO) -> None:
    def say(kind: str, content: Any = None) -> None:
        sink.write(as_bytes((kind, content)))
        sink.flush()

    try:
        training = unpacked(pickle.load(source))
        jobs: SimpleQueue[Job | None] = SimpleQueue()
        Thread(target=_listen, args=(source, jobs), daemon=True).start()
        say("ready")
        while (job := jobs.get()) is not None:
            say("run", make(training, job, lambda step: say("step", step)))
    except StepsizeError as error:
        say("refused", error)


def _line() -> tuple[BinaryIO, BinaryIO]:
    """Where messages come from and go to; nothing a training reads or prints can get in between."""
    source, sink = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    return source, sink


def _listen(source: BinaryIO, jobs: SimpleQueue[Job | None]) -> None:
    """Pass jobs on; when the line has ended, end this process with all that it has started."""
    try:
        while True:
            jobs.put(pickle.load(source))
    except (EOFError, OSError):
        jobs.put(None)
        time.sleep(GRACE)
        end(os.getpid())
