"""Work while it goes on: drawn on a terminal, in lines on anything else."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import final

from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from stepsize.cli.board import Board
from stepsize.cli.live import LiveView
from stepsize.cli.output import talk
from stepsize.cli.remaining import in_words, seconds_left
from stepsize.tuner.plan import Result
from stepsize.tuner.progress import Progress, Silence
from stepsize.tuner.trial import Trial

# Seconds between two changes of a bar, however fast the updates are, and between two lines that say the time left.
THROTTLE, SAID_EVERY = 0.1, 30.0


@contextmanager
def bars(quiet: bool) -> Iterator[Bars | None]:
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
    with Bars(*columns, console=Console(stderr=True), transient=True) as place:
        yield place


class Bar:
    """One bar, or nothing where there is no place for bars."""

    def __init__(self, place: Bars | None, label: str, total: float) -> None:
        self._place, self._changed = place, 0.0
        self._id = TaskID(0) if place is None else place.add_task(label, total=total, note="")

    def show(self, done: float, note: str = "", label: str | None = None, total: float | None = None) -> None:
        """Move the bar, at most every tenth of a second."""
        if self._place is None or time.monotonic() < self._changed + THROTTLE:
            return
        self._changed = time.monotonic()
        changes = {"description": label} if label is not None else {}
        self._place.update(self._id, completed=done, total=total, note=note, **changes)  # type: ignore[arg-type]


@contextmanager
def watched(quiet: bool, budget: float, steps: int) -> Iterator[Progress]:
    """Somebody to tell how a search of `budget` full runs of `steps` updates gets on.

    On a terminal it is drawn, elsewhere each run is a line on stderr, and where it is quiet nobody is told.
    """
    console = Console(stderr=True)
    if quiet:
        yield Silence()
    elif sys.stderr.isatty() and console.is_interactive:
        with LiveView(console, budget, steps) as view:
            yield view
    else:
        yield SearchLines(budget, steps)


@final
class SearchLines:
    """A search as lines, one a run, and now and then the time left."""

    def __init__(self, budget: float, steps: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._board = Board(budget, steps, clock())
        self._said = self._board.opened

    def training(self, trial: Trial, step: int) -> None:
        """Update `step` of a trial has been made."""
        self._board.seen(trial, step, self._clock())

    def ended(self, result: Result, metric: str, reused: bool) -> None:
        """A trial has ended, or was found in the study."""
        now = self._clock()
        row, trial = self._board.ended(result, metric, reused, now), result.trial
        settings = "".join(f", {name} {value}" for name, value in trial.settings)
        outcome = f"{metric} {result.loss:.4g}" if math.isfinite(result.loss) else "diverged"
        kept = " (kept from before)" if reused else ""
        talk(
            f"run {row.number}: lr {10**trial.rate:.3g}, {trial.steps} updates{settings}: {outcome}"
            f"  [{self._board.spent:.2f} of {self._board.budget:g} full runs{self._left(now)}]{kept}"
        )

    def _left(self, now: float) -> str:
        """The time left, where it was not said lately."""
        left = seconds_left(self._board, now) if now >= self._said + SAID_EVERY else None
        if left is None:
            return ""
        self._said = now
        return f", {in_words(left)} left"
