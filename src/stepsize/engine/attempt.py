"""A job made somewhere else: making it there, and what becomes of it when it never comes back."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, final

import numpy as np

from stepsize._codec import summary
from stepsize.errors import InvalidSpace
from stepsize.job import Job
from stepsize.loop import drive
from stepsize.run import Run
from stepsize.run.column import Column

# Seconds between two reports of how far a run is.
THROTTLE = 0.1


def make(training: Any, job: Job, tell: Callable[[int], None]) -> Run:
    """The run of a job; `tell` hears of its updates now and then."""
    told = time.monotonic()

    def watch(step: int, seen: dict[str, float]) -> bool:
        nonlocal told
        if (now := time.monotonic()) > told + THROTTLE:
            told = now
            tell(step)
        return True

    return drive(training, job.policy, job.steps, job.seed, job.settings, watch)


@final
@dataclass
class Attempt:
    """One attempt at a job, as the process that asked for it sees it.

    Attributes:
        index: of the job among those asked for.
        job: what is to be made.
        number: of the attempt, from 1.
        made: updates made, as far as is known.
        begun: when, by the monotonic clock.
    """

    index: int
    job: Job
    number: int = 1
    made: int = 0
    begun: float = field(default_factory=time.monotonic)

    def again(self, number: int | None = None) -> Attempt:
        """The next attempt at the same job, or one that bears another number."""
        return replace(self, number=number or self.number + 1, made=0)

    def start(self) -> None:
        """The clock of the attempt starts now."""
        self.begun = time.monotonic()

    @property
    def seconds(self) -> float:
        """How long it has been under way."""
        return time.monotonic() - self.begun

    def failed(self, reason: str) -> Run:
        """The run of a job that was lost for good: the rates it used are known, what it saw went with it."""
        job, step = self.job, np.arange(self.made)
        policy = job.policy.over(job.steps)
        columns = {"lr": Column(step, policy.lr(step))} if self.made else {}
        about = {"policy": policy, "steps": job.steps, "seed": job.seed, "settings": dict(job.settings)}
        return Run(columns, "failed", reason, seconds=self.seconds, **about)  # type: ignore[arg-type]


def tries(number: int) -> str:
    """So many attempts, in words."""
    return "" if number == 1 else f", {number} times in a row"


def whole(name: str, value: Any, least: int) -> int:
    """`value` as a number of things, or an error naming the argument."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InvalidSpace(f"{name} must be a whole number of at least {least}, got {summary(value)}")
    return value
