"""`Run`: what happened in one training, as a value; `Gatherer` gathers it update by update."""

from __future__ import annotations

import math
import os
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, final

import numpy as np
from numpy.typing import NDArray

from stepsize.errors import InvalidSpace, UnreadableRun
from stepsize.policy import Policy
from stepsize.run.column import Column, column
from stepsize.run.folder import found_in
from stepsize.run.log import Log
from stepsize.run.readers import read_logs, reader_of

Outcome = Literal["finished", "stopped", "diverged", "failed"]
# A metric seen at least this often is noisy from update to update: its end is an average.
DENSE = 20
# A loss this many times its first value, when that is far from what any training recovers from.
HOPELESS = 1e4
# The share of such a metric's values that make up its end.
TAIL = 0.05
# So many runs of a record are named in a message.
LISTED = 8


@final
@dataclass(frozen=True, eq=False)
class Run:
    """One training: what decided it, what was seen, and how it ended.

    Attributes:
        columns: by name (`loss`, `lr`, `val_loss`, `grad_norm`, ...), each a `Column`.
        outcome: "finished", "stopped", "diverged" or "failed".
        reason: why it ended so, in words; empty for a finished run.
        policy: what decided the step; None for a record that does not say.
        steps: updates planned; 0 for a record that does not say.
        seed: of the run.
        settings: further settings the training was given.
        seconds: wall time.
        source: where a record was read from.
        name: which of the runs in the source this is; empty where it holds one.
        notes: what a reader guessed, left out, or knows to be untrue in records of this kind; a sentence each.
    """

    columns: dict[str, Column]
    outcome: Outcome = "finished"
    reason: str = ""
    policy: Policy | None = None
    steps: int = 0
    seed: int = 0
    settings: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    source: str = ""
    name: str = ""
    notes: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        """The values of a column."""
        return self.column(name).value

    @property
    def loss(self) -> NDArray[np.float64]:
        """The training loss, as often as it was seen."""
        return self.column("loss").value

    @property
    def updates(self) -> int:
        """Optimizer updates made."""
        return 1 + max((int(c.step[-1]) for c in self.columns.values() if c.step.size), default=-1)

    def column(self, name: str) -> Column:
        """The column `name`.

        Raises:
            InvalidSpace: the run has no such column; the message lists those it has.
        """
        if name not in self.columns:
            reported = ", ".join(column for column in self.columns if column != "lr") or "nothing"
            raise InvalidSpace(f"the training reported no {name!r}; it reported {reported}")
        return self.columns[name]

    def final(self, name: str) -> float:
        """The value of `name` at the end: infinite for a run that diverged or failed.

        A quantity seen at least 20 times is averaged over the last 5 % of its values.
        """
        if self.outcome in ("diverged", "failed"):
            return math.inf
        values = self.column(name).value
        tail = max(1, round(TAIL * values.size)) if values.size >= DENSE else 1
        end = float(np.mean(values[-tail:]))
        return end if math.isfinite(end) else math.inf

    @staticmethod
    def read(path: str | os.PathLike[str], name: str | None = None) -> Run:
        """Read the record of one training; the format is recognised by its content.

        Args:
            path: a file, or a folder that is one record or holds one.
            name: which run, where the record holds several.
        Raises:
            UnreadableRun: no reader knows the format, the file is damaged, or it holds several runs and `name` is
                none of them; the message lists them.
        """
        logs = _logs(path)
        if name is not None:
            logs = [log for log in logs if log.name == name] or logs
        if len(logs) == 1 and name in (None, logs[0].name):
            return _run(logs[0], path)
        held = ", ".join(repr(log.name) for log in logs[:LISTED]) + (", ..." if len(logs) > LISTED else "")
        asked = "say which one by its name" if name is None else f"none is {name!r}"
        raise UnreadableRun(f"{path} holds {len(logs)} runs ({held}); {asked}")

    @staticmethod
    def read_all(path: str | os.PathLike[str]) -> list[Run]:
        """Every run in a record that holds several, or beneath a folder; what cannot be read there is left out.

        In a folder, runs are named by their place in it. `read_folder` says what was left out.

        Raises:
            UnreadableRun: nothing at all can be read.
        """
        if not os.path.isdir(path):
            return [_run(log, path) for log in read_logs(path)]
        runs, unread = read_folder(path)
        if not runs:
            why = f"; of {len(unread)} that look like one, the first: {unread[0]}" if unread else ""
            raise UnreadableRun(f"{path}: no record of a training is in this folder{why}")
        return runs

    def __repr__(self) -> str:
        loss = f", loss {self.final('loss'):.4g}" if "loss" in self.columns else ""
        return f"<Run {self.outcome} after {self.updates} of {self.steps or '?'} updates{loss}>"


def read_folder(path: str | os.PathLike[str]) -> tuple[list[Run], list[UnreadableRun]]:
    """Every run beneath a folder, and what looks like a record there and cannot be read.

    A run is named by its place in the folder; two files of one training, say a CSV beside TensorBoard events, are two.
    Hidden folders are passed over, and no more than 10,000 files are looked at.
    """
    found = found_in(Path(path))
    return [_run(log, place) for place, log in found.logs], found.unread


def _logs(path: str | os.PathLike[str]) -> list[Log]:
    """The runs of a record; of a folder that no reader takes as a whole, those beneath it."""
    if os.path.isdir(path) and reader_of(path) is None and (found := found_in(Path(path)).logs):
        return [log for _, log in found]
    return read_logs(path)


def _run(log: Log, path: str | os.PathLike[str]) -> Run:
    return Run(log.columns, steps=log.steps, settings=log.settings, source=str(path), name=log.name, notes=log.notes)


@final
class Gatherer:
    """Gathers a run while it happens."""

    def __init__(self, policy: Policy, steps: int, seed: int, settings: dict[str, Any]) -> None:
        self.steps = steps
        self.first_loss = math.nan
        self._about = {"policy": policy, "steps": steps, "seed": seed, "settings": settings}
        self._seen: defaultdict[str, tuple[list[int], list[float]]] = defaultdict(lambda: ([], []))

    def add(self, step: int, lr: float, seen: dict[str, float]) -> None:
        """Note what update `step` used and what was seen after it."""
        for name, value in {**seen, "lr": lr}.items():
            steps, values = self._seen[name]
            steps.append(step)
            values.append(value)
        if math.isnan(self.first_loss):
            self.first_loss = seen.get("loss", math.nan)

    def diverged(self, step: int, seen: dict[str, float]) -> str:
        """Why what was seen after update `step` is a divergence, in words; empty where it is none."""
        for name in ("loss", "val_loss"):
            value = seen.get(name, 0.0)
            if not math.isfinite(value):
                return f"{name} is {value} at update {step}"
        loss = seen.get("loss")
        if loss is not None and abs(loss) > HOPELESS * max(1.0, abs(self.first_loss)):
            return f"loss is {loss:.3g} at update {step}, after {self.first_loss:.3g} at the start"
        return ""

    def finish(self, outcome: Outcome, reason: str, seconds: float) -> Run:
        """The run so far, with how it ended."""
        columns = {name: column(steps, values) for name, (steps, values) in self._seen.items()}
        return Run(columns, outcome, reason, seconds=seconds, **self._about)  # type: ignore[arg-type]
