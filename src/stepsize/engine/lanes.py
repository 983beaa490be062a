"""`Lanes`: many runs side by side in one process, where the training can do that."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Any, final

from stepsize.engine.engine import Watch
from stepsize.engine.local import Local
from stepsize.job import Job
from stepsize.run import Run
from stepsize.training import SideBySide

LOG = logging.getLogger("stepsize.engine.lanes")


@final
class Lanes:
    """The engine that stacks the tensors of many runs and makes all of their updates at once.

    What cannot be stacked, or would be slower, is made by one run after another, as the engine "local" does.
    Why is logged as a warning of `stepsize.engine.lanes`, which Python shows on stderr, and kept in `notes`.

    Attributes:
        notes: one sentence for each reason why runs were made one after another.

    >>> Lanes().notes
    []
    """

    def __init__(self) -> None:
        self.notes: list[str] = []
        self._local = Local()

    def runs(self, training: Any, jobs: Sequence[Job], watch: Watch) -> Iterator[tuple[int, Run]]:
        """The runs that can be made side by side, as they end; then the others, one after another."""
        if len(jobs) == 1:
            yield from self._local.runs(training, jobs, watch)
            return
        if not isinstance(training, SideBySide):
            self._note(f"{_kind(training)} cannot make runs side by side, as a Task can: they are made one by one")
            yield from self._local.runs(training, jobs, watch)
            return
        alone: dict[int, str] = {}
        for index, made in training.lanes(jobs, watch):
            if isinstance(made, str):
                alone[index] = made
            else:
                yield index, made
        for reason in dict.fromkeys(alone.values()):
            self._note(f"runs are made one after another: {reason}")
        yield from self._one_by_one(training, jobs, sorted(alone), watch)

    def _one_by_one(
        self, training: Any, jobs: Sequence[Job], chosen: Sequence[int], watch: Watch
    ) -> Iterator[tuple[int, Run]]:
        def tell(place: int, step: int) -> None:
            watch(chosen[place], step)

        for place, run in self._local.runs(training, [jobs[index] for index in chosen], tell):
            yield chosen[place], run

    def _note(self, sentence: str) -> None:
        if sentence not in self.notes:
            self.notes.append(sentence)
            LOG.warning("lanes: %s", sentence)

    def close(self) -> None:
        """There is nothing to let go of."""


def _kind(training: Any) -> str:
    return str(getattr(training, "__name__", None) or f"a {type(training).__name__}")
