"""A search on a terminal while it runs: its runs in a table, the metric against the rate, and the time left."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import final

from rich.console import Console
from rich.live import Live
from rich.text import Text

from stepsize.cli.board import Board, Row
from stepsize.cli.listing import bar, listing
from stepsize.cli.remaining import in_words, seconds_left
from stepsize.cli.scatter import Mark, horizon, picture
from stepsize.tuner.plan import Result
from stepsize.tuner.trial import Trial

# Seconds between two drawings, the share of all time that drawing may take, and the most that one is counted for.
THROTTLE, SHARE, HELD = 0.1, 0.008, 0.5
# Lines and characters below which there is no picture, the size of the largest, and characters of the bar.
LOWEST, NARROWEST, TALLEST, WIDEST, BAR = 18, 40, 15, 100, 16


@final
class LiveView:
    """Draws a search below whatever the training prints, and leaves its last state there."""

    def __init__(
        self, console: Console, budget: float, steps: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._board = Board(budget, steps, clock())
        self._live = Live(console=console, auto_refresh=False)
        self._due, self._drawing = 0.0, 0.0

    def training(self, trial: Trial, step: int) -> None:
        """Update `step` of a trial has been made."""
        now = self._clock()
        self._board.seen(trial, step, now)
        if now >= self._due:
            self._draw(now)

    def ended(self, result: Result, metric: str, reused: bool) -> None:
        """A trial has ended, or was found in the study."""
        now = self._clock()
        self._board.ended(result, metric, reused, now)
        if now >= self._due:
            self._draw(now)

    def __enter__(self) -> LiveView:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._board.rows:
            return
        # A terminal that has gone is no reason to lose the answer.
        with suppress(OSError):
            self._live.start()
            try:
                self._live.update(view(self._board, self._live.console, self._clock(), closed=True))
            finally:
                self._live.stop()

    def _draw(self, now: float) -> None:
        """Draw, and say when the next drawing will keep to the share of the time."""
        first = not self._live.is_started
        try:
            self._live.start()
            self._live.update(view(self._board, self._live.console, now), refresh=True)
        except OSError:  # the terminal has gone
            self._due = math.inf
            return
        done = self._clock()
        # The first is slow as no other is, and a terminal that was held for a while will not be so each time.
        self._drawing += 0.0 if first else min(done - now, HELD)
        self._due = max(done + THROTTLE, self._board.opened + self._drawing / SHARE)


def view(board: Board, console: Console, now: float, closed: bool = False) -> Text:
    """What is known of the search, as large as the terminal allows."""
    (width, height), ascii_only = console.size, console.options.ascii_only
    lines = [_spending(board, now, width, closed, ascii_only), _best(board, width)]
    room = height - 1 - len(lines)
    tall = min(TALLEST, (height - 1) // 2) if height >= LOWEST else 0
    above = drawing(board, width, tall, ascii_only)
    if room - len(above) > 1:
        above += listing(board, width, room - len(above), ascii_only)
    return Text("\n", no_wrap=True, overflow="crop").join([*above, *lines])


def drawing(board: Board, width: int, height: int, ascii_only: bool) -> list[Text]:
    """The picture of the runs, where there is room and a result."""
    seen = marks(board.rows, board.steps, board.best)
    if not seen or not height or width < NARROWEST:
        return []
    return picture(seen, board.metric, min(width, WIDEST), height, ascii_only)


def marks(rows: Sequence[Row], full: int, best: Row | None) -> list[Mark]:
    """The runs as marks; none as long as no run has a finite result."""
    if best is None:
        return []
    return [Mark(row.trial.rate, row.loss, _kind(row, full, best)) for row in rows]


def _kind(row: Row, full: int, best: Row) -> str:
    if row.result is None:
        return "at work"
    if row is best:
        return "best"
    return horizon(row.trial.steps, full) if math.isfinite(row.loss) else "diverged"


def _spending(board: Board, now: float, width: int, closed: bool, ascii_only: bool) -> Text:
    """What was spent in what time, and the time left, with as much about it as has room."""
    left, at_work = None if closed else seconds_left(board, now), len(board.at_work)
    drawn = bar(board.spent / board.budget, BAR, ascii_only)
    spent, since = f"{board.spent:.2f} of {board.budget:g} full runs", f" in {_elapsed(now - board.opened)}"
    beside = f", {at_work} at work" if at_work > 1 else ""
    words, note = (f", {in_words(left)} left", " (of the budget)") if left else ("", "")
    short, long = spent + since + words, spent + since + beside + words + note
    return Text(_longest((f"{drawn} {long}", long, short, spent + words), width))


def _best(board: Board, width: int) -> Text:
    if board.best is None:
        return Text("no result so far", "dim")
    run = board.best
    result = f"{board.metric} {run.loss:.4g} at lr {10**run.trial.rate:.3g}"
    return Text(_longest((f"best so far: {result} (run {run.number}, {run.trial.steps} updates)", result), width))


def _longest(texts: Sequence[str], width: int) -> str:
    """The first text that fits, or what fits of the last."""
    return next((text for text in texts if len(text) <= width), texts[-1][:width])


def _elapsed(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}" if minutes >= 60 else f"{minutes}:{rest:02}"
