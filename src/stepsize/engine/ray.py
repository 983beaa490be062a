"""`Ray`: runs side by side on a Ray cluster, each in an actor that may be lost with its node."""

from __future__ import annotations

import logging
import os
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, final

from stepsize._codec import is_finite, summary
from stepsize._extras import extra
from stepsize.engine.attempt import Attempt, tries, whole
from stepsize.engine.engine import Watch
from stepsize.engine.maker import Maker
from stepsize.engine.shipping import packed
from stepsize.errors import EngineError, InvalidSpace, StepsizeError
from stepsize.job import Job
from stepsize.run import Run

with extra("ray"):
    import ray

# Seconds between two looks at how far the runs are, and those to wait for a cluster that has no room at all.
TICK, PATIENCE = 0.25, 300.0
Ended = Iterator[tuple[int, Run]]


@final
@dataclass
class Place:
    """An actor as it is seen from here: what it is at, and what is awaited of it."""

    actor: Any
    awaited: Any
    asked: Any = None
    ready: bool = False
    attempt: Attempt | None = None


@final
class Ray:
    """The engine that makes runs on a Ray cluster.

    Each worker is an actor: it is sent the training once, then one job after another. When a node is lost, only the
    runs under way on it are lost, and they are made again elsewhere. Ray carries the runs; it decides nothing.

    Args:
        address: of a running cluster, as in `ray.init`; by default what RAY_ADDRESS says; without that, the cluster
            this process is connected to, or a new one on this machine, which ends with the engine.
        workers: runs at once at most; by default as many as the cluster has room for.
        cpus: cores that a worker takes up; it uses as many threads.
        gpus: GPUs that a worker takes up.
        retries: how often a run whose worker was lost is made again.
    Raises:
        InvalidSpace: an argument makes no sense.
    """

    def __init__(
        self,
        address: str | None = None,
        *,
        workers: int | None = None,
        cpus: float = 1,
        gpus: float = 0,
        retries: int = 3,
    ) -> None:
        self._address = address
        self._workers = None if workers is None else whole("workers", workers, 1)
        if cpus == 0:
            raise InvalidSpace("cpus must be above 0, got 0; a worker that takes nothing up would have no bound")
        self._needs = {"CPU": _amount("cpus", cpus), "GPU": _amount("gpus", gpus)}
        self._retries = whole("retries", retries, 0)
        self._places: list[Place] = []
        self._training: Any = None
        self._round = 0
        self._shipment: Any = None
        self._started = False
        self._stillborn, self._last_ready = 0, 0.0

    def runs(self, training: Any, jobs: Sequence[Job], watch: Watch) -> Iterator[tuple[int, Run]]:
        """Each job's run as it ends."""
        self._prepare(training)
        self._round += 1
        this = self._round
        waiting = deque(Attempt(index, job) for index, job in enumerate(jobs))
        self._last_ready = time.monotonic()
        try:
            while waiting or self._busy():
                self._hire(len(waiting) + len(self._busy()))
                self._hand_out(waiting)
                yield from self._heard(waiting, watch)
        except ray.exceptions.RaySystemError as error:
            raise EngineError(f"the Ray cluster is lost: {_first_line(error)}") from error
        finally:
            if this == self._round:
                self._drop()

    def close(self) -> None:
        """End the actors, and the cluster if it was started here."""
        for place in list(self._places):
            self._dismiss(place)
        self._training = self._shipment = None
        if self._started:
            ray.shutdown()
            self._started = False

    def _prepare(self, training: Any) -> None:
        self._drop()  # a round before this one may have been left halfway
        if training is self._training:
            return
        shipment = packed(training)
        for place in list(self._places):
            self._dismiss(place)
        if not ray.is_initialized():
            self._connect()
        self._training, self._shipment = training, ray.put(shipment)

    def _connect(self) -> None:
        address = self._address or os.environ.get("RAY_ADDRESS") or "local"
        dashboard = False if address == "local" else None
        try:
            ray.init(address, include_dashboard=dashboard, log_to_driver=False, logging_level=logging.ERROR)
        except (OSError, RuntimeError, ValueError) as error:
            raise EngineError(f"Ray at {address!r} cannot be reached: {_first_line(error)}") from error
        self._started = True

    def _drop(self) -> None:
        """Have nobody work on what is under way."""
        for place in self._busy():
            self._dismiss(place)

    def _busy(self) -> list[Place]:
        return [place for place in self._places if place.attempt is not None]

    def _hire(self, wanted: int) -> None:
        while len(self._places) < min(wanted, self._workers or self._room()):
            actor: Any = (
                ray.remote(Maker)
                # A second thread tells how far the run is while the first one makes it.
                .options(num_cpus=self._needs["CPU"], num_gpus=self._needs["GPU"], max_concurrency=2)
                .remote()
            )
            self._places.append(Place(actor, actor.load.remote(self._shipment)))

    def _room(self) -> int:
        """The workers that the cluster has room for, were it ours alone; at least one, which then waits."""
        there = ray.cluster_resources()
        return max(1, min(int(there.get(kind, 0) / need) for kind, need in self._needs.items() if need))

    def _hand_out(self, waiting: deque[Attempt]) -> None:
        for place in self._places:
            if place.ready and place.attempt is None and waiting:
                place.attempt = waiting.popleft()
                place.attempt.start()
                place.awaited = place.actor.make.remote(place.attempt.job)

    def _heard(self, waiting: deque[Attempt], watch: Watch) -> Ended:
        """Whatever the next answers lead to."""
        awaited = {place.awaited: place for place in self._places if place.awaited is not None}
        answers, _ = ray.wait(list(awaited), num_returns=1, timeout=TICK)
        if any(place.ready for place in self._places):
            self._last_ready = time.monotonic()
        elif time.monotonic() > self._last_ready + PATIENCE:
            raise EngineError(
                f"no node of the Ray cluster had room for a worker in {PATIENCE:g} seconds: {self._needs}"
            )
        for answer in answers:
            place = awaited[answer]
            try:
                said = ray.get(answer)
            except ray.exceptions.RaySystemError:
                raise
            except ray.exceptions.RayError as error:
                yield from self._lost(place, waiting, _first_line(error))
                continue
            if isinstance(said, StepsizeError):
                self._dismiss(place)
                raise said
            yield from self._answered(place, said)
        if not answers:
            self._look(watch)

    def _answered(self, place: Place, said: Run | None) -> Ended:
        attempt, place.attempt = place.attempt, None
        place.awaited = place.asked = None
        place.ready, self._stillborn = True, 0
        if attempt is not None and said is not None:
            yield attempt.index, said

    def _lost(self, place: Place, waiting: deque[Attempt], why: str) -> Ended:
        """An actor is lost: its run is made again elsewhere, or has failed."""
        attempt = place.attempt
        self._dismiss(place)
        if not place.ready:
            self._stillborn += 1
            if self._stillborn > self._retries:
                raise EngineError(f"a worker on the Ray cluster cannot start: {why}")
        elif attempt and attempt.number <= self._retries:
            waiting.appendleft(attempt.again())
        elif attempt:
            yield attempt.index, attempt.failed(f"its worker was lost{tries(attempt.number)}: {why}")

    def _look(self, watch: Watch) -> None:
        """Ask each worker how far it is, and tell what was answered since the last time."""
        for place in self._busy():
            if place.asked is not None and ray.wait([place.asked], timeout=0)[0]:
                with suppress(ray.exceptions.RayError):
                    self._tell(place, ray.get(place.asked), watch)
                place.asked = None
            if place.asked is None:
                place.asked = place.actor.step.remote()

    def _tell(self, place: Place, step: int, watch: Watch) -> None:
        if place.attempt is not None and step >= place.attempt.made:
            place.attempt.made = step + 1
            watch(place.attempt.index, step)

    def _dismiss(self, place: Place) -> None:
        self._places.remove(place)
        ray.kill(place.actor)


def _amount(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not is_finite(value) or value < 0:
        raise InvalidSpace(f"{name} must be a number of at least 0, got {summary(value)}")
    return value


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
