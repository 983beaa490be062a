"""A command watched to its end, and a log followed to its own: what `stepsize watch` does."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import final

from rich.console import Console

from stepsize.cli.following import Following, Spool
from stepsize.cli.footer import Footer, terminal_size
from stepsize.cli.observing import Hooks, Observer, Record
from stepsize.cli.output import Output, talk
from stepsize.cli.relay import GROUPS, STREAMS, Outlet, Relay, pour
from stepsize.cli.telling import Beneath, Lines, OnScreen, Silent, Teller, room
from stepsize.cli.verdict import print_diagnosis
from stepsize.cli.watching import Watching
from stepsize.errors import UnreadableRun

# Seconds between two looks at whether anything has happened.
TICK = 0.1
# As `timeout`, `env` and the shell have them: ended by us, found but no program, not found.
STOPPED, NO_PROGRAM, NOT_FOUND, FAILED = 124, 126, 127, 1
# A log that has come to its planned end is given so many seconds for its last rows.
LAST_ROWS = 5.0
NOTHING = (
    "no loss was found in what the command printed; it may print lines such as step 10 loss 0.5, or name the file it "
    "writes with --log FILE"
)
HANDED_ON = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT")


@final
@dataclass(frozen=True)
class Attended:
    """What was asked for; see `stepsize.cli.watch`."""

    log: Path | None
    steps: int
    name: str | None
    idle: float
    once: bool
    on_finding: str | None
    stop_on: frozenset[str]
    fail_on: frozenset[str]
    record: Path | None
    out: Path | None
    output: Output

    @contextmanager
    def observer(
        self, path: Path, kept: Path | None, source: str, teller: Teller, record: Record
    ) -> Iterator[Observer]:
        """An observer of the record at `path`; `kept` is what can be read again later."""
        with ExitStack() as stack:
            stack.callback(record.close)
            hooks = stack.enter_context(Hooks(self.on_finding, source))
            stack.enter_context(teller)
            name = str(self.record or kept or "")
            yield Observer(Following(path, self.name), Watching(self.steps), teller, hooks, record, name)


def attend(words: Sequence[str], asked: Attended, hidden: bool) -> int:
    """Run a command, watch what it prints or logs, and give the exit code."""
    source = " ".join(words)
    with ExitStack() as stack:
        # What may fail is done before there is a command that would be left alone.
        spool, record, console = stack.enter_context(Spool()), Record(asked.record), Console()
        teller, outlets, size = _ends(asked, console, source, hidden)
        try:
            relay = Relay(words, outlets, size)
        except OSError as error:
            talk(f"stepsize: {words[0]!r} cannot be started: {error.strerror or error}")
            return NOT_FOUND if isinstance(error, FileNotFoundError) else NO_PROGRAM
        if isinstance(teller, Beneath):
            teller.resized = lambda above: relay.resize(*above)
        stack.enter_context(_handed_on(relay))
        with asked.observer(asked.log or spool.path, asked.log, source, teller, record) as observer:
            stopped_by = _watch(relay, spool, observer, asked)
        with suppress(BrokenPipeError):  # nobody is left to tell
            _say_more(relay, stopped_by)
            _conclude(observer, asked, command=True)
        return _code(relay.code, stopped_by, observer, asked)


def _watch(relay: Relay, spool: Spool, observer: Observer, asked: Attended) -> str:
    """Watch the command to its end; the kind of the finding that it was stopped for, or empty."""
    stopped_by = ""
    try:
        while not relay.wait(TICK):
            spool.feed(relay.copies())
            observer.look()
            if not stopped_by and (seen := asked.stop_on & observer.seen):
                stopped_by = ", ".join(sorted(seen))
                relay.stop()
    finally:  # also where we fail, its output is passed on to its end
        while not relay.wait(TICK):
            relay.copies()
    relay.drain()
    spool.feed(relay.copies(), last=True)
    observer.end(whole=relay.code == 0 and not stopped_by)
    return stopped_by


def _say_more(relay: Relay, stopped_by: str) -> None:
    if stopped_by:
        talk(f"stepsize: stopped the command: {stopped_by}")
    if relay.passed_over:
        talk(f"stepsize: it printed more than could be read; {relay.passed_over} bytes were passed over")


def follow(path: Path, asked: Attended) -> int:
    """Follow a log until it has ended, or we are told to stop, and give the exit code."""
    ended = False
    teller, record = _teller(asked, Console(), str(path)), Record(asked.record)
    with _as_exit(), asked.observer(path, path, str(path), teller, record) as observer:
        with suppress(KeyboardInterrupt):
            ended = not asked.once and observer.follow(asked.idle, LAST_ROWS, TICK)
        observer.end(whole=ended)
    if observer.diagnosis is None:
        raise UnreadableRun(observer.fault)
    _conclude(observer, asked, command=False)
    return FAILED if asked.fail_on & observer.seen else 0


def _code(code: int, stopped_by: str, observer: Observer, asked: Attended) -> int:
    if stopped_by:
        return STOPPED
    return FAILED if code == 0 and asked.fail_on & observer.seen else code


def _ends(
    asked: Attended, console: Console, source: str, hidden: bool
) -> tuple[Teller, dict[str, Outlet], tuple[int, int] | None]:
    """Who is told, where the command's output goes, and the size of the terminal that it sees, if any."""
    in_terminal = GROUPS and sys.stdout.isatty() and sys.stderr.isatty() and not asked.output.json
    teller = _teller(asked, console, source, command=True)
    if hidden:
        return teller, dict.fromkeys(STREAMS, _swallow), terminal_size(1) if in_terminal else None
    if not in_terminal:
        ends = {"stdout": 2 if asked.output.json else 1, "stderr": 2}
        # Nobody reads along: the command gets our own ends.
        return teller, {name: end if asked.log else pour(end) for name, end in ends.items()}, None
    lines = room(terminal_size(1)[0])
    if not isinstance(teller, OnScreen) or not lines:
        if isinstance(teller, OnScreen):  # there is no room for a panel
            teller = Lines(sys.stderr, as_json=False, source=source, faithful=False)
        return teller, dict.fromkeys(STREAMS, pour(1)), terminal_size(1)
    footer = Footer(pour(1), lambda: terminal_size(1), lines)
    return Beneath(console, source, footer), dict.fromkeys(STREAMS, footer.write), footer.above


def _teller(asked: Attended, console: Console, title: str, command: bool = False) -> Teller:
    """Who is told, where the terminal is ours alone."""
    if asked.output.json:
        return Lines(sys.stdout, as_json=True, source=title, faithful=not command)
    if asked.output.quiet:
        return Silent()
    if sys.stdout.isatty() and sys.stderr.isatty() and console.is_interactive and not asked.once:
        return OnScreen(console, title)
    # What a command prints on stdout is its own: so we talk, as `time` does.
    return Lines(sys.stderr if command else sys.stdout, as_json=False, source=title, faithful=not command)


def _swallow(chunk: bytes) -> None:
    """Show nothing."""


@contextmanager
def _handed_on(relay: Relay) -> Iterator[None]:
    """Signals go to the command, as a shell would send them; it decides, and we stay to the end."""

    def hand_on(number: int, frame: FrameType | None) -> None:
        if number == signal.SIGTERM:
            relay.stop()
        else:
            relay.signal(signal.Signals(number).name)

    with _handling(HANDED_ON, hand_on):
        yield


@contextmanager
def _as_exit() -> Iterator[None]:
    """A signal that ends us leaves the terminal as it was."""

    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    with _handling(("SIGTERM", "SIGHUP"), leave):
        yield


@contextmanager
def _handling(names: Sequence[str], handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    # What is ignored, as under nohup, stays so.
    before = {number: signal.getsignal(number) for number in numbers if signal.getsignal(number) != signal.SIG_IGN}
    for number in before:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)


def _conclude(observer: Observer, asked: Attended, command: bool) -> None:
    """Print the whole diagnosis, and write its page."""
    diagnosis = observer.diagnosis
    if diagnosis is None:
        talk(f"stepsize: {NOTHING if command and asked.log is None else observer.fault}")
        return
    if asked.out is not None:
        diagnosis.report(asked.out)
        asked.output.say(f"page: {asked.out}")
    if asked.output.json or (command and asked.output.quiet):
        return
    with redirect_stdout(sys.stderr if command else sys.stdout):
        print_diagnosis(diagnosis)
