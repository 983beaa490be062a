"""Runs of one kind, which can share a stack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, final

import jax
import numpy as np

from stepsize._randomness import preserved_randomness
from stepsize.job import Job
from stepsize.optax.data import Order
from stepsize.optax.form import Form
from stepsize.run.record import Gatherer, Outcome

if TYPE_CHECKING:
    from stepsize.optax.task import Task


@final
class Lane:
    """One run of a stack: what is asked, and what was seen so far.

    Raises:
        InvalidTraining, InvalidPolicy, InvalidSchedule: the run cannot be started like this.
    """

    def __init__(self, task: Task, index: int, job: Job) -> None:
        asked = job.policy.over(job.steps)
        self.index, self.job, self.steps, self.seed = index, job, job.steps, job.seed
        self.policy = task.named(asked)
        self.batch = task.batch(job.settings)
        self.recorder = Gatherer(policy=asked, steps=job.steps, seed=job.seed, settings=dict(job.settings))
        self.measured = task.measured_after(job.steps)
        self.seconds = 0.0

    @property
    def kind(self) -> tuple[Any, ...]:
        """Equal for runs that can share a stack: their arrays have the same shapes."""
        return Form.kind(self.policy), self.batch, repr(sorted(self.job.settings.items()))

    def note(
        self, first: int, rates: Sequence[float], losses: Sequence[float], measured: Mapping[str, float]
    ) -> tuple[Outcome, str] | None:
        """Note a chunk of updates, and what was measured after it; how the run has ended, if it has."""
        for step, (rate, loss) in enumerate(zip(rates, losses, strict=True), start=first):
            seen = {"loss": loss}
            if step == first + len(losses) - 1:
                seen |= measured
            self.recorder.add(step, rate, seen)
            if reason := self.recorder.diverged(step, seen):
                return "diverged", reason
        return ("finished", "") if first + len(losses) == self.steps else None


@final
class Group:
    """Lanes of one kind: the same code serves them, on arrays of the same shapes."""

    def __init__(self, task: Task, lanes: Sequence[Lane]) -> None:
        self.task, self.lanes = task, lanes
        self.form = Form.of([lane.policy for lane in lanes])
        self.program = task.compiled.program(self.form)
        self._starts: dict[int, Any] = {}
        self._orders: dict[int, Order] = {}

    @cached_property
    def key(self) -> tuple[Any, ...]:
        """Equal for groups that take the same time."""
        return self.form, self.lanes[0].kind

    def start(self, seed: int) -> Any:
        """Parameters and state of a fresh run, as arrays of NumPy; made once a seed."""
        if seed not in self._starts:
            with preserved_randomness():
                self._starts[seed] = jax.tree.map(np.asarray, self.task.begun(seed, self.lanes[0].job.settings))
        return self._starts[seed]

    def order(self, seed: int) -> Order:
        """Which examples each update of a run sees."""
        if seed not in self._orders:
            self._orders[seed] = self.task.order(seed, self.lanes[0].job.settings)
        return self._orders[seed]
