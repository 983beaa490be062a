"""`Watching`: when to speak of a run under way, and of what: a verdict at set shares of it, each finding once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal, final

import numpy as np

from stepsize.diagnosis import Diagnosis
from stepsize.diagnosis.trace import Trace, trace_of
from stepsize.finding import Finding
from stepsize.run import Column, Run
from stepsize.run.column import Clock

SCHEMA = "stepsize.watch/1"
# Shares of the planned length at which the verdict is said.
SHARES = (0.1, 0.25, 0.5)
# Where no length is known: at so many losses, and whenever they are twice as many.
POINTS = 100
# What a run shows at once, however long it will be; everything else is a judgement of a whole run.
SUDDEN = frozenset({"nan", "diverged", "unrecovered_jump", "loss_spikes", "rate_restarts"})
# Of so few losses nothing is said but that they are no numbers: the first ones are as noisy as no others.
FEWEST = 20
# They happen again: such a finding is said anew when there are twice as many of them.
REPEATED = frozenset({"loss_spikes"})

Kind = Literal["verdict", "finding", "end"]


@final
@dataclass(frozen=True, eq=False)
class Event:
    """Something to be said of a run.

    Attributes:
        kind: "verdict" at a set share of the run, "finding" for a new one, "end" for the last verdict.
        made: how far the run is, in `clock`s.
        planned: how far it is to go, or 0 where nobody knows.
        clock: "step", "epoch" or "row".
        diagnosis: of the run so far.
        finding: of a "finding".
    """

    kind: Kind
    made: int
    planned: int
    clock: Clock
    diagnosis: Diagnosis
    finding: Finding | None = None

    @property
    def share(self) -> float:
        """How much of the run is made, from 0 to 1; NaN where nobody knows."""
        return min(1.0, self.made / self.planned) if self.planned else math.nan


@final
class Watching:
    """Decides what is new in a run that grows.

    Args:
        steps: the planned length, on the clock of the loss; 0 if the log is to say it.
    """

    def __init__(self, steps: int = 0) -> None:
        self.steps = steps
        self.said: dict[str, int] = {}
        self._share, self._points = 0.0, POINTS

    def planned(self, run: Run, source: str) -> Run:
        """The run with the planned length it was said to have, and the name of its source."""
        if not self.steps:
            return replace(run, source=source)
        if trace_of(run).clock == "step":
            return replace(run, source=source, steps=self.steps)
        return replace(run, source=source, settings={**run.settings, "epochs": self.steps})

    def look(self, diagnosis: Diagnosis) -> Iterator[Event]:
        """What there is to say of the run so far."""
        trace = trace_of(diagnosis.run)
        shown = replace(diagnosis, findings=tuple(f for f in diagnosis.findings if _holds_now(f, trace)))
        yield from self._new(shown, trace)
        if self._due(trace):
            yield _event("verdict", shown, trace)

    def end(self, diagnosis: Diagnosis, whole: bool = True) -> Iterator[Event]:
        """What there is to say once nothing more will come; not `whole` if the run was cut short."""
        trace = trace_of(diagnosis.run)
        shown = (
            diagnosis
            if whole
            else replace(diagnosis, findings=tuple(f for f in diagnosis.findings if _holds_now(f, trace)))
        )
        yield from self._new(shown, trace)
        yield _event("end", shown, trace)

    def _new(self, diagnosis: Diagnosis, trace: Trace) -> Iterator[Event]:
        for finding in diagnosis.findings:
            times = _times(finding)
            if finding.kind not in self.said or (finding.kind in REPEATED and times >= 2 * self.said[finding.kind]):
                self.said[finding.kind] = times
                yield _event("finding", diagnosis, trace, finding)

    def _due(self, trace: Trace) -> bool:
        """Whether a share of the run, or a number of losses, has been passed at which the verdict is said."""
        if trace.planned:
            passed = max((share for share in SHARES if trace.length >= share * trace.planned), default=0.0)
            due, self._share = passed > self._share and trace.cut_short, max(passed, self._share)
            return due
        points = trace.loss.step.size
        due = points >= self._points
        while points >= self._points:
            self._points *= 2
        return due


def _event(kind: Kind, diagnosis: Diagnosis, trace: Trace, finding: Finding | None = None) -> Event:
    return Event(kind, trace.length, trace.planned, trace.clock, diagnosis, finding)


def _holds_now(finding: Finding, trace: Trace) -> bool:
    """Whether a finding can be said of a run under way: most checks must know how much of it is still to come."""
    if trace.loss.step.size < FEWEST:
        return finding.kind == "nan"
    if finding.kind in SUDDEN:
        return True
    return trace.length >= SHARES[0] * trace.planned > 0


def _times(finding: Finding) -> int:
    """How often it happened."""
    counted = next((value for name, value in finding.evidence if name in ("count", "spikes", "times")), math.nan)
    return int(counted) if math.isfinite(counted) else max(1, len(finding.spans))


@final
class Told:
    """How much of each column was handed on: `rows` gives what is new."""

    def __init__(self) -> None:
        self._told: dict[str, int] = {}

    def rows(self, columns: Mapping[str, Column]) -> list[dict[str, float]]:
        """A row for each step that is new, by its clock: {"step": 3, "loss": 0.5}."""
        rows: dict[tuple[str, int], dict[str, float]] = {}
        for name, column in columns.items():
            # By its place, not by its number: a reader may think better of what came first.
            begin = int(np.searchsorted(column.step, self._told.get(name, -1), side="right"))
            for step, value in zip(column.step[begin:].tolist(), column.value[begin:].tolist(), strict=True):
                clock = "step" if column.clock == "row" else column.clock
                rows.setdefault((clock, step), {clock: step})[name] = value
            self._told[name] = int(column.step[-1]) if column.step.size else -1
        return [rows[place] for place in sorted(rows)]
