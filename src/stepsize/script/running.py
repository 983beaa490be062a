"""`Running`: one run of a command, from its start to its `Run`."""

from __future__ import annotations

import math
import os
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import final

import numpy as np

from stepsize.errors import InvalidTraining, UnreadableRun
from stepsize.job import Job, Watch
from stepsize.run import Run
from stepsize.run.column import Column
from stepsize.run.record import Gatherer, Outcome
from stepsize.script.child import Child
from stepsize.script.metrics import LOSSES, Seen, Source

# Seconds between two looks at a run that says nothing.
TICK = 0.1


@final
@dataclass(frozen=True)
class Running:
    """One run of a command.

    Attributes:
        job: what is to be run.
        rate: the peak rate it is given.
        metric: what is minimised; empty for the losses.
        source: where its numbers appear.
        timeout: seconds after which it has failed.
        watch: told each step; False ends it.
    """

    job: Job
    rate: float
    metric: str
    source: Source
    timeout: float | None
    watch: Watch | None

    def run(self, words: Sequence[str], variables: Mapping[str, str], log: Path) -> Run:
        """Start the command with these variables, follow it to its end, and add what it prints to `log`."""
        recorder = Gatherer(self.job.policy, self.job.steps, self.job.seed, dict(self.job.settings))
        begun = time.monotonic()
        # Lines that wait in a buffer are seen too late; this is Python's own way to ask for none.
        with Child(words, {"PYTHONUNBUFFERED": "1", **os.environ, **variables}, log) as child:
            outcome, reason = self._follow(child, recorder)
        with suppress(OSError):  # most scripts leave it empty
            log.with_suffix("").rmdir()
        columns = self._columns(child, outcome)
        if columns and "lr" not in columns:
            columns["lr"] = _everywhere(self.rate, columns)
        return replace(recorder.finish(outcome, reason, time.monotonic() - begun), columns=columns, source=str(log))

    def _follow(self, child: Child, recorder: Gatherer) -> tuple[Outcome, str]:
        """Watch it to its end, or to the first reason to end it."""
        limit = math.inf if self.timeout is None else self.timeout
        deadline = time.monotonic() + limit
        for line in child.lines(TICK):
            for seen in (*self.source.line(line), *self.source.look()):
                if verdict := self._judged(seen, recorder):
                    return verdict
            if time.monotonic() > deadline:
                return "failed", f"it took longer than the timeout of {limit:g} s; its output is in {child.log}"
        for seen in self.source.look(last=True):
            if verdict := self._judged(seen, recorder):
                return verdict
        if child.code == 0:
            return "finished", ""
        return "failed", f"{_ended(child.code)}: {_said(child, 'stderr', 'stdout')} (all of it is in {child.log})"

    def _judged(self, seen: Seen, recorder: Gatherer) -> tuple[Outcome, str] | None:
        step, values = seen
        recorder.add(step, self.rate, {name: v for name, v in values.items() if name != "lr"})
        if reason := recorder.diverged(step, values):
            return "diverged", reason
        metric = values.get(self.metric, 0.0)
        if not math.isfinite(metric):
            return "diverged", f"{self.metric} is {metric} at update {step}"
        if self.watch is not None and not self.watch(step, values):
            return "stopped", f"stopped on request after update {step}"
        return None

    def _columns(self, child: Child, outcome: Outcome) -> dict[str, Column]:
        """What was reported; for a finished run it must be something to go by."""
        try:
            columns = self.source.columns()
        except UnreadableRun as error:
            if outcome != "finished":
                return {}
            raise InvalidTraining(f"the metrics cannot be read: {error}; {self._printed(child)}") from error
        wanted = (self.metric,) if self.metric else LOSSES
        if outcome == "finished" and not any(name in columns for name in wanted):
            raise InvalidTraining(self._nothing(columns, child))
        return columns

    def _nothing(self, columns: Mapping[str, Column], child: Child) -> str:
        what = f"{self.metric!r}" if self.metric else "loss and no val_loss"
        reported = ", ".join(name for name in columns if name != "lr") or "no numbers"
        advice = (
            "name what is to be minimised by --metric"
            if columns
            else 'print lines such as {"step": 10, "loss": 0.5}, or name the file it writes by --metrics {out}/FILE'
        )
        found = f"the script reported no {what} in {self.job.steps} steps; it reported {reported}"
        return f"{found}: {advice}; {self._printed(child)}"

    def _printed(self, child: Child) -> str:
        return f"it printed: {_said(child, 'stdout', 'stderr')} (all of it is in {child.log})"


def _everywhere(rate: float, columns: Mapping[str, Column]) -> Column:
    """The rate, at every step that something was seen."""
    steps = np.unique(np.concatenate([c.step for c in columns.values()]))
    return Column(steps, np.full(steps.size, rate))


def _ended(code: int) -> str:
    if code >= 0:
        return f"the command ended with code {code}"
    with suppress(ValueError):
        return f"the command was ended by {signal.Signals(-code).name}"
    return f"the command was ended by signal {-code}"


def _said(child: Child, *streams: str) -> str:
    """The last lines of the first stream that has any."""
    return next((" | ".join(child.last[name]) for name in streams if child.last[name]), "nothing")
