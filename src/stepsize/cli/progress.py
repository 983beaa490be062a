"""A search while it runs: bars on a terminal, a line a run on anything else."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from stepsize.cli.output import talk
from stepsize.tuner.plan import Result
from stepsize.tuner.trial import Trial

# Seconds between two changes of a bar, however fast the updates are.
THROTTLE = 0.1


@contextmanager
def bars(quiet: bool) -> Iterator[Progress | None]:
    """A place for bars on stderr, where stderr is a terminal and talk is wanted."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield progress


class Bar:
    """One bar, or nothing where there is no place for bars."""

    def __init__(self, place: Progress | None, label: str, total: float) -> None:
        self._place, self._changed = place, 0.0
        self._id = TaskID(0) if place is None else place.add_task(label, total=total, note="")

    def show(self, done: float, note: str = "", label: str | None = None, total: float | None = None) -> None:
        """Move the bar, at most every tenth of a second."""
        if self._place is None or time.monotonic() < self._changed + THROTTLE:
            return
        self._changed = time.monotonic()
        changes = {"description": label} if label is not None else {}
        self._place.update(self._id, completed=done, total=total, note=note, **changes)  # type: ignore[arg-type]


class SearchProgress:
    """What a search tells, as it is to be seen."""

    def __init__(self, place: Progress | None, quiet: bool, budget: float, steps: int) -> None:
        self._lines = place is None and not quiet
        self._budget, self._steps = budget, steps
        self._metric = ""
        self._spent, self._runs, self._best = 0.0, 0, math.inf
        self._all = Bar(place, "search", budget)
        self._one = Bar(place, "run", 1)

    def training(self, trial: Trial, step: int) -> None:
        """Update `step` of a trial has been made."""
        label = f"run {self._runs + 1}: lr {10**trial.rate:.3g}"
        self._one.show(step + 1, f"update {step + 1} of {trial.steps}", label, trial.steps)
        spent = self._spent + (step + 1) / self._steps
        best = f"best {self._metric} {self._best:.4g}" if math.isfinite(self._best) else ""
        self._all.show(spent, f"{spent:.2f} of {self._budget:g} full runs  {best}")

    def ended(self, result: Result, metric: str, reused: bool) -> None:
        """A trial has ended, or was found in the study."""
        self._metric = metric
        self._runs += 1
        self._spent += result.cost
        self._best = min(self._best, result.loss)
        if self._lines:
            trial = result.trial
            settings = "".join(f", {name} {value}" for name, value in trial.settings)
            outcome = f"{self._metric} {result.loss:.4g}" if math.isfinite(result.loss) else "diverged"
            kept = " (kept from before)" if reused else ""
            talk(
                f"run {self._runs}: lr {10**trial.rate:.3g}, {trial.steps} updates{settings}: {outcome}"
                f"  [{self._spent:.2f} of {self._budget:g} full runs]{kept}"
            )
