"""A run under way as a few lines of a terminal: how far it is, its loss and rate as curves, what was found."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import final

import numpy as np
from rich.text import Text

from stepsize.cli.listing import bar
from stepsize.cli.remaining import in_words
from stepsize.cli.saying import place, verdict_words
from stepsize.cli.sparkline import curve, scale
from stepsize.cli.watching import Event
from stepsize.diagnosis.trace import Trace, trace_of
from stepsize.run import Column, Run

# Characters of the bar and of the labels beside the curves, the widest curve, and findings that are shown.
BAR, LABEL, WIDEST, SHOWN = 16, 16, 120, 3
STYLES = {"good": "green", "too_low": "yellow", "too_high": "red", "diverged": "bold red", "undecided": "dim"}


@final
class Panel:
    """What is known of a run, to be drawn at any size.

    Args:
        title: what is watched.
        clock: gives seconds.
    """

    def __init__(self, title: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.title, self._clock = title, clock
        self.trace = Trace()
        self.verdict: Event | None = None
        self.findings: list[Event] = []
        self._began = self._changed = clock()
        self._first = -1

    def seen(self, run: Run) -> None:
        """The run as it is now."""
        self.trace = trace_of(run)
        if self._first < 0:
            # What was there before we came says nothing of the speed.
            self._first, self._began = self.trace.length, self._clock()
        self._changed = self._clock()

    def told(self, event: Event) -> None:
        """Something was said of it."""
        if event.finding is None:
            self.verdict = event
        else:
            self.findings.append(event)

    def lines(self, width: int, height: int, ascii_only: bool) -> list[Text]:
        """At most `height` lines of at most `width` characters."""
        head = [_cut(self._head(width, ascii_only), width)]
        foot = [_cut(text, width) for text in self._foot(ascii_only)]
        foot = foot[: max(0, height - 1)]
        return [*head, *self._curves(width, height - 1 - len(foot), ascii_only), *foot]

    def seconds_left(self) -> float | None:
        """Seconds to the planned end, at the speed since we watch."""
        made = self.trace.length - self._first
        if not self.trace.planned or made <= 0 or self._changed <= self._began:
            return None
        pace = (self._changed - self._began) / made
        return max(0.0, (self.trace.planned - self.trace.length) * pace - (self._clock() - self._changed)) or None

    def _head(self, width: int, ascii_only: bool) -> Text:
        text = Text("stepsize watch  ", "bold")
        if not self.trace.length:
            return text.append(f"no numbers so far in {self.title}", "not bold dim")
        if self.trace.planned:
            text.append(bar(self.trace.length / self.trace.planned, BAR, ascii_only) + " ", "not bold cyan")
        text.append(place(self.trace.length, self.trace.planned, self.trace.clock), "not bold")
        if left := self.seconds_left():
            text.append(f", {in_words(left)} left", "not bold")
        return text.append(f"  {self.title}", "not bold dim")

    def _curves(self, width: int, height: int, ascii_only: bool) -> list[Text]:
        drawn: list[Text] = []
        shown = [("loss", self.trace.loss), ("val_loss", self.trace.val_loss), ("lr", self.trace.lr)]
        shown = [(name, column) for name, column in shown if column.step.size > 1]
        # The loss has what the others leave.
        for name, column in shown[: max(0, height)]:
            tall = max(1, height - len(shown) + 1) if not drawn else 1
            drawn += self._curve(name, column, width, tall, ascii_only)
        return drawn[: max(0, height)]

    def _curve(self, name: str, column: Column, width: int, height: int, ascii_only: bool) -> list[Text]:
        room = min(WIDEST, width - LABEL - 1)
        if room < BAR:
            return [Text(f"{name} {column.value[-1]:.4g}"[:width])]
        whole = self.trace.planned if column.clock == self.trace.clock and self.trace.planned else 0
        last = max(float(column.step[-1]) + 1, float(whole))
        rows = curve(
            np.asarray((column.step + 0.5) / last, dtype=np.float64), scale(column.value), room, height, ascii_only
        )
        finite = column.value[np.isfinite(column.value)]
        labels = [f"{name} {column.value[-1]:.4g}", *[""] * (height - 1)]
        if height > 2 and finite.size:
            labels[1], labels[-1] = f"max {finite.max():.4g}", f"min {finite.min():.4g}"
        style = "red" if not math.isfinite(column.value[-1]) else "cyan" if name != "lr" else "magenta"
        return [
            Text(label[:LABEL].ljust(LABEL + 1), "dim" if row else "").append(drawn, f"not dim {style}")
            for row, (label, drawn) in enumerate(zip(labels, rows, strict=True))
        ]

    def _foot(self, ascii_only: bool) -> list[Text]:
        lines = []
        if (said := self.verdict) is not None:
            at = "at the end" if said.kind == "end" else f"at {place(said.made, said.planned, said.clock)}"
            style = STYLES.get(said.diagnosis.verdict, "")
            lines.append(Text(f"{verdict_words(said.diagnosis)} ({at})", style))
        mark = "!" if ascii_only else "▲"
        for event in self.findings[-SHOWN:]:
            if event.finding is not None:
                lines.append(Text(f"{mark} {event.finding.kind}: {event.finding.message}", "yellow"))
        return lines


def _cut(text: Text, width: int) -> Text:
    text.truncate(width)
    return text
