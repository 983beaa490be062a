"""`Maker`: what lives in an actor on a cluster; it knows nothing of what carries it there."""

from __future__ import annotations

from typing import Any, final

from stepsize.engine.attempt import make
from stepsize.engine.shipping import unpacked
from stepsize.errors import StepsizeError
from stepsize.job import Job
from stepsize.run import Run


@final
class Maker:
    """A training, and how far its run is. An error of ours is an answer, not a crash."""

    def __init__(self) -> None:
        self._training: Any = None
        self._step = -1

    def load(self, shipment: bytes) -> StepsizeError | None:
        """Take the training in."""
        try:
            self._training = unpacked(shipment)
        except StepsizeError as error:
            return error
        return None

    def make(self, job: Job) -> Run | StepsizeError:
        """Make a run."""
        self._step = -1
        try:
            return make(self._training, job, self._tell)
        except StepsizeError as error:
            return error

    def step(self) -> int:
        """The update that the run has made, as far as it has told; -1 before that."""
        return self._step

    def _tell(self, step: int) -> None:
        self._step = step
