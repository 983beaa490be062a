"""`Log`: what one lane has shown so far, and the run it ends as."""

from __future__ import annotations

import time
from typing import final

import numpy as np
from numpy.typing import NDArray

from stepsize.run import Run
from stepsize.run.column import Column, column
from stepsize.run.record import HOPELESS, Gatherer
from stepsize.torch.lanes.lane import Lane


@final
class Log:
    """The record of one lane, of `beside` that share the time."""

    def __init__(self, lane: Lane, beside: int) -> None:
        self._lane, self._beside, self._begun = lane, beside, time.perf_counter()
        self._recorder = Gatherer(lane.policy, lane.steps, lane.job.seed, dict(lane.job.settings))
        self._losses: list[NDArray[np.float64]] = []
        self._measured: dict[str, tuple[list[int], list[float]]] = {}
        self._now: dict[str, float] = {}

    def first(self, loss: float) -> float:
        """Note the first loss; from which size on a loss is hopeless."""
        self._recorder.first_loss = loss
        return HOPELESS * max(1.0, abs(loss))

    def extend(self, losses: NDArray[np.float64]) -> None:
        """Note the losses of the updates since the last call."""
        self._losses.append(losses)

    def measured(self, step: int, seen: dict[str, float]) -> None:
        """Note what was measured after update `step`."""
        self._now |= seen
        for name, value in seen.items():
            steps, values = self._measured.setdefault(name, ([], []))
            steps.append(step)
            values.append(value)

    def ending(self, step: int, loss: float) -> tuple[str, str] | None:
        """Outcome and reason, if the run ends with update `step`."""
        seen = {"loss": loss, **self._now}
        self._now = {}
        if reason := self._recorder.diverged(step, seen):
            return "diverged", reason
        return ("finished", "") if step == self._lane.steps - 1 else None

    def run(self, outcome: str, reason: str) -> Run:
        """The run, as `drive` would have recorded it."""
        losses = np.concatenate(self._losses)
        steps = np.arange(len(losses))
        rates = np.broadcast_to(np.asarray(self._lane.policy.lr(steps), dtype=np.float64), steps.shape).copy()
        measured = {name: column(*seen) for name, seen in self._measured.items()}
        early = {name: seen for name, seen in measured.items() if seen.step[0] == 0}
        seconds = (time.perf_counter() - self._begun) / self._beside
        run = self._recorder.finish(outcome, reason, seconds)  # type: ignore[arg-type]
        # In the order in which a run made alone first saw them.
        run.columns.update({"loss": Column(steps, losses), **early, "lr": Column(steps, rates), **measured})
        return run
