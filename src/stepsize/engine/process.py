"""`Process`: runs side by side, each in a worker process that may die without harm to the others."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from queue import Empty, SimpleQueue
from typing import Any, final

from stepsize._codec import is_finite, summary
from stepsize.engine.attempt import Attempt, tries, whole
from stepsize.engine.cores import free_cores, share
from stepsize.engine.crew import Message, Worker
from stepsize.engine.engine import Watch
from stepsize.engine.family import Families
from stepsize.engine.shipping import packed
from stepsize.errors import EngineError, InvalidSpace
from stepsize.job import Job
from stepsize.run import Run

# Seconds between two looks at the time and the memory that the runs take.
TICK = 0.1
GIB = 2**30

Ended = Iterator[tuple[int, Run]]


@final
class Process:
    """The engine that makes runs in processes of this machine: several at once, each shielded from the others.

    A worker process is sent the training once, then one job after another. One that dies (killed, a crash in native
    code, `os._exit`) is replaced, and its run is made again; one whose run takes too long or too much memory is
    ended. What cannot be had this way becomes a failed run with the reason, and the others go on.

    Args:
        workers: processes at most; by default as many as there are free cores.
        memory: GiB that a worker and the processes it starts may hold; None sets no limit.
        timeout: seconds that a run may take; None sets no limit.
        retries: how often a run whose worker died is made again.
        threads: CPU threads of each worker; by default as many as in this process, or fewer where the cores are too
            few for that. The last digits of a result may depend on it.
    Raises:
        InvalidSpace: an argument makes no sense.

    >>> import stepsize as ss
    >>> def training(seed):
    ...     x, lr = 1.0, (yield)
    ...     while True:
    ...         x -= lr * x
    ...         lr = yield x * x
    >>> engine = Process(workers=2, memory=4, timeout=600)
    >>> 0.05 < ss.tune(training, budget=2, steps=80, engine=engine).rate < 2
    True
    >>> engine.close()
    """

    def __init__(
        self,
        workers: int | None = None,
        *,
        memory: float | None = None,
        timeout: float | None = None,
        retries: int = 1,
        threads: int | None = None,
    ) -> None:
        self._workers = whole("workers", free_cores() if workers is None else workers, 1)
        self._memory, self._timeout = _limit("memory", memory, "GiB"), _limit("timeout", timeout, "seconds")
        self._retries = whole("retries", retries, 0)
        self._threads = whole("threads", share(self._workers) if threads is None else threads, 1)
        self._training: Any = None
        self._round = 0
        self._shipment = b""
        self._crew: list[Worker] = []
        self._inbox: SimpleQueue[Message] = SimpleQueue()
        self._families, self._looked = Families(), 0.0
        self._stillborn = 0

    def runs(self, training: Any, jobs: Sequence[Job], watch: Watch) -> Iterator[tuple[int, Run]]:
        """Each job's run as it ends."""
        self._prepare(training)
        self._round += 1
        this = self._round
        waiting = deque(Attempt(index, job) for index, job in enumerate(jobs))
        try:
            while waiting or self._busy():
                self._hire(len(waiting) + len(self._busy()))
                self._hand_out(waiting)
                yield from self._heard(waiting, watch)
                yield from self._over_limit(waiting)
        finally:
            # Left early, by an error or Ctrl-C: nobody wants what is under way.
            if this == self._round:
                self._drop()

    def close(self) -> None:
        """End the workers."""
        crew, self._crew = self._crew, []
        for worker in crew:
            worker.leave()
        for worker in crew:
            worker.end()
        self._training, self._shipment = None, b""

    def _prepare(self, training: Any) -> None:
        self._drop()  # a round before this one may have been left halfway
        if training is not self._training:
            self.close()
            self._training, self._shipment = training, packed(training)

    def _drop(self) -> None:
        """Have nobody work on what is under way."""
        for worker in self._busy():
            self._dismiss(worker)

    def _busy(self) -> list[Worker]:
        return [worker for worker in self._crew if worker.attempt is not None]

    def _hire(self, wanted: int) -> None:
        while len(self._crew) < min(self._workers, wanted):
            self._crew.append(Worker(self._shipment, self._threads, self._inbox))

    def _hand_out(self, waiting: deque[Attempt]) -> None:
        for worker in self._crew:
            if worker.ready and worker.attempt is None and waiting:
                worker.give(waiting.popleft())

    def _heard(self, waiting: deque[Attempt], watch: Watch) -> Ended:
        """Whatever the next message from a worker leads to."""
        try:
            worker, kind, content = self._inbox.get(timeout=TICK)
        except Empty:
            for worker in self._crew:
                worker.look_after()
            return
        if worker not in self._crew:  # dismissed since
            return
        if kind == "refused":
            self._dismiss(worker)
            raise content
        if kind == "ready":
            worker.ready, self._stillborn = True, 0
        elif kind == "step" and worker.attempt:
            worker.attempt.made = content + 1
            watch(worker.attempt.index, content)
        elif kind == "run" and worker.attempt:
            index = worker.attempt.index
            worker.done()
            yield index, content
        elif kind == "gone":
            yield from self._lost(worker, waiting)

    def _lost(self, worker: Worker, waiting: deque[Attempt]) -> Ended:
        """A worker has died: its run is made again, or has failed."""
        attempt, why = worker.attempt, worker.epitaph()
        self._dismiss(worker)
        if not worker.ready:
            self._stillborn += 1
            if self._stillborn > self._retries:
                raise EngineError(f"a worker process {why} before it could begin; what it said of that is above")
        elif attempt and attempt.number <= self._retries:
            waiting.appendleft(attempt.again())
        elif attempt:
            yield attempt.index, attempt.failed(f"its process {why}{tries(attempt.number)}")

    def _over_limit(self, waiting: deque[Attempt]) -> Ended:
        """End what takes too long or too much; looked at now and then."""
        # What has been said already is heard first: a run may have ended since.
        if time.monotonic() < self._looked + TICK or not self._inbox.empty():
            return
        self._looked = time.monotonic()
        busy = [(worker, worker.attempt) for worker in self._crew if worker.attempt]
        held = {} if self._memory is None else self._families.memory(worker.pid for worker, _ in busy)
        for worker, attempt in busy:
            if self._timeout is not None and attempt.seconds > self._timeout:
                self._dismiss(worker)
                yield attempt.index, attempt.failed(f"it took more than {self._timeout:g} seconds")
            elif self._memory is not None and held[worker.pid] > self._memory * GIB:
                self._dismiss(worker)
                if worker.runs:  # those before it may have left something behind: once more in a fresh one
                    waiting.appendleft(attempt.again(attempt.number))
                else:
                    yield attempt.index, attempt.failed(f"it took more than {self._memory:g} GiB of memory")

    def _dismiss(self, worker: Worker) -> None:
        self._crew.remove(worker)
        worker.end()


def _limit(name: str, value: Any, unit: str) -> float | None:
    if value is not None and (not isinstance(value, int | float) or not is_finite(value) or value <= 0):
        raise InvalidSpace(f"{name} must be a number of {unit} above 0, or None; got {summary(value)}")
    return value
