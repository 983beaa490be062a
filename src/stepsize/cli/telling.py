"""Who is told of a run under way: a pipe by lines, a terminal by a panel, alone or below a command's output."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from io import StringIO
from types import TracebackType
from typing import Protocol, TextIO, final

from rich.console import Console
from rich.live import Live
from rich.text import Text

from stepsize.cli.footer import Footer
from stepsize.cli.output import finite
from stepsize.cli.panel import Panel
from stepsize.cli.saying import event_document, event_words, place
from stepsize.cli.watching import Event
from stepsize.run import Run

# Seconds between two drawings where nothing happens: the time left goes on.
REDRAWN = 1.0
# Below so many lines a terminal has no room for a panel beneath a command's output; above, the share it gets.
LOWEST, PART, TALLEST = 15, 3, 12


class Teller(Protocol):
    """Somebody who is told; leaving the block leaves the terminal as it was."""

    def seen(self, run: Run) -> None:
        """The run as it is now."""

    def told(self, event: Event) -> None:
        """Something to be said of it."""

    def tick(self) -> None:
        """Time has passed."""

    def __enter__(self) -> Teller: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


@final
class Lines:
    """One line an event, of text or of JSON.

    Args:
        stream: where to.
        as_json: whether each is a JSON document.
        source: what is watched.
        faithful: whether a reader who has gone is an error; for a command under way it is none.
    """

    def __init__(self, stream: TextIO, as_json: bool, source: str, faithful: bool = True) -> None:
        self._stream, self._json, self._source, self._faithful = stream, as_json, source, faithful

    def seen(self, run: Run) -> None:
        """Only events are said."""

    def told(self, event: Event) -> None:
        """Say it."""
        if event.kind == "end" and not self._json:
            return  # the whole diagnosis follows
        now = datetime.now()
        try:
            print(self._line(event, now), file=self._stream, flush=True)
        except OSError:
            if self._faithful:
                raise

    def tick(self) -> None:
        """Nothing moves."""

    def __enter__(self) -> Lines:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def _line(self, event: Event, now: datetime) -> str:
        if self._json:
            document = event_document(event, now.astimezone().isoformat(timespec="seconds"), self._source)
            return json.dumps(finite(document), allow_nan=False)
        return f"{now:%H:%M:%S} {place(event.made, event.planned, event.clock)} {event_words(event)}"


@final
class Silent:
    """Nobody."""

    def seen(self, run: Run) -> None:
        """Not told."""

    def told(self, event: Event) -> None:
        """Not told."""

    def tick(self) -> None:
        """Not told."""

    def __enter__(self) -> Silent:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


@final
class OnScreen:
    """A panel on a terminal that nobody else writes to; each event stays above it as a line."""

    def __init__(self, console: Console, title: str) -> None:
        self._panel, self._console = Panel(title), console
        self._live = Live(console=console, auto_refresh=False, transient=False)
        self._due = 0.0

    def seen(self, run: Run) -> None:
        """Draw it."""
        self._panel.seen(run)
        self._due = 0.0

    def told(self, event: Event) -> None:
        """Say it, and keep it on the panel."""
        self._panel.told(event)
        if event.kind != "end":
            now = datetime.now()
            where = place(event.made, event.planned, event.clock)
            self._console.print(Text(f"{now:%H:%M:%S} {where} {event_words(event)}"))
        self._due = 0.0

    def tick(self) -> None:
        """Draw, when it is time."""
        if time.monotonic() >= self._due:
            self._draw()

    def __enter__(self) -> OnScreen:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):  # the terminal has gone
            self._draw()
            self._live.stop()

    def _draw(self) -> None:
        width, height = self._console.size
        lines = self._panel.lines(width, min(TALLEST, height - 1), self._console.options.ascii_only)
        self._live.update(Text("\n", no_wrap=True, overflow="crop").join(lines), refresh=True)
        self._due = time.monotonic() + REDRAWN


@final
class Beneath:
    """A panel below what a command prints to the same terminal."""

    def __init__(self, console: Console, title: str, footer: Footer) -> None:
        self._panel, self._console, self._footer = Panel(title), console, footer
        self._due = 0.0
        self.resized: Callable[[tuple[int, int]], None] = lambda size: None

    def seen(self, run: Run) -> None:
        """Draw it."""
        self._panel.seen(run)
        self._due = 0.0

    def told(self, event: Event) -> None:
        """Keep it on the panel."""
        self._panel.told(event)
        self._due = 0.0

    def tick(self) -> None:
        """Draw, when it is time."""
        if self._footer.fits_no_more():
            self._footer.reopen()
            self.resized(self._footer.above)
            self._due = 0.0
        if time.monotonic() >= self._due:
            self._footer.draw(self._drawn())
            self._due = time.monotonic() + REDRAWN

    def __enter__(self) -> Beneath:
        self._footer.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):  # the terminal has gone
            self._footer.close()

    def _drawn(self) -> list[str]:
        """A line that sets it apart, and the panel, as the terminal is to get them."""
        ascii_only = self._console.options.ascii_only
        width = self._footer.above[1]
        rule = Text(("-" if ascii_only else "─") * width, "dim")
        lines = [rule, *self._panel.lines(width, self._footer.height - 1, ascii_only)]
        return [self._rendered(line) for line in lines]

    def _rendered(self, line: Text) -> str:
        # Not `capture`: the console's own width may lag behind the terminal's.
        out = Console(
            file=StringIO(),
            force_terminal=True,
            color_system=self._console.color_system or None,  # type: ignore[arg-type]
            no_color=self._console.no_color,
            width=self._footer.above[1] + 1,
            legacy_windows=False,
        )
        out.print(line, end="", no_wrap=True, overflow="crop", highlight=False)
        return out.file.getvalue()  # type: ignore[attr-defined,no-any-return]


def room(lines: int) -> int:
    """Lines of the panel in a terminal of so many; 0 where it is too low for one."""
    return min(TALLEST, lines // PART) if lines >= LOWEST else 0
