"""`Observer`: looks at a record now and then, and sees to it that whoever is to know of something new does."""

from __future__ import annotations

import json
import queue
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import final

from stepsize.cli.following import Following
from stepsize.cli.hook import run_hook
from stepsize.cli.output import talk
from stepsize.cli.telling import Teller
from stepsize.cli.watching import Event, Told, Watching
from stepsize.diagnosis import Diagnosis, diagnose
from stepsize.diagnosis.trace import trace_of
from stepsize.finding import Finding
from stepsize.run import Run
from stepsize.run.readers.recorded import SCHEMA


@final
class Observer:
    """Looks, judges, and tells.

    Args:
        following: the record.
        watching: decides what is new in it.
        teller: is told of each event.
        hooks: are run for each finding.
        record: gets all that is read.
        source: where all of it can be read later, or empty.

    Attributes:
        diagnosis: the last one, or None before there was anything to judge.
        seen: the kinds of the findings, and the verdicts, that were told.
    """

    def __init__(
        self, following: Following, watching: Watching, teller: Teller, hooks: Hooks, record: Record, source: str
    ) -> None:
        self._following, self._watching, self._teller = following, watching, teller
        self._hooks, self._record, self._source = hooks, record, source
        self._faults: set[str] = set()
        self._complete, self.seen = False, set[str]()
        self.diagnosis: Diagnosis | None = None

    @property
    def fault(self) -> str:
        """Why there is no diagnosis."""
        return self._following.fault

    def look(self) -> None:
        """Look, if it is time and there is anything new."""
        with self._unharmed():
            run = self._following.look()
            if run is not None:
                self._tell(self._watching.look(self._judged(run)))
                self._following.worked()
            self._teller.tick()

    def end(self, whole: bool) -> None:
        """Look for the last time; not `whole` if the run was cut short."""
        with self._unharmed():
            run = self._following.look(last=True)
            diagnosis = self.diagnosis if run is None else self._judged(run)
            if diagnosis is not None:
                self._tell(self._watching.end(diagnosis, whole))
            self._teller.tick()

    def follow(self, idle: float, last_rows: float, tick: float) -> bool:
        """Look until there is nothing new for `idle` seconds, or for `last_rows` of a run that is complete."""
        while True:
            self.look()
            rest = min(idle, last_rows) if self._complete else idle
            if self._following.unchanged() > rest:
                return True
            time.sleep(tick)

    @contextmanager
    def _unharmed(self) -> Iterator[None]:
        """A fault of ours, in a reader or a check, must not take a training along; it is said once."""
        try:
            yield
        except BrokenPipeError:  # our reader has had enough
            raise
        except Exception as error:
            if (fault := f"{type(error).__name__}: {error}") not in self._faults:
                self._faults.add(fault)
                with suppress(OSError):
                    talk(f"stepsize: this could not be judged, and is watched on: {fault}")

    def _judged(self, run: Run) -> Diagnosis:
        planned = self._watching.planned(run, self._source)
        self._record.add(planned)
        self._teller.seen(planned)
        trace = trace_of(planned)
        self._complete = trace.length >= trace.planned > 0
        self.diagnosis = diagnose(planned)
        return self.diagnosis

    def _tell(self, events: Iterable[Event]) -> None:
        for event in events:
            self.diagnosis = event.diagnosis
            self.seen.add(event.diagnosis.verdict if event.finding is None else event.finding.kind)
            if event.finding is not None:
                self._hooks.add(event.finding)
            self._teller.told(event)


@final
class Hooks:
    """The command that is run for each finding, one after the other, while the watching goes on.

    Args:
        command: of the user's; None for none.
        source: what the run is called.
    """

    def __init__(self, command: str | None, source: str) -> None:
        self._command, self._source = command, source
        self._waiting: queue.Queue[Finding | None] = queue.Queue()
        self._worker = Thread(target=self._work, daemon=True)

    def add(self, finding: Finding) -> None:
        """Tell it of this one."""
        if self._command is not None:
            self._waiting.put(finding)

    def __enter__(self) -> Hooks:
        self._worker.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._waiting.put(None)
        self._worker.join()

    def _work(self) -> None:
        while (finding := self._waiting.get()) is not None:
            run_hook(self._command or "", finding, self._source)


@final
class Record:
    """What was read, kept as JSON lines that `Run.read` takes; each is whole as soon as it is written.

    Args:
        path: the file, which is begun anew; None to keep nothing.
    """

    def __init__(self, path: Path | None) -> None:
        self._file = None if path is None else path.open("wb", buffering=0)
        self._told, self._head = Told(), ""

    def add(self, run: Run) -> None:
        """Keep what is new."""
        if self._file is None:
            return
        clock = trace_of(run).clock
        rows = self._told.rows({name: column for name, column in run.columns.items() if column.clock == clock})
        lines = [json.dumps(row) for row in rows]
        if clock != "epoch":  # whose rows are steps, so that they can say what was planned
            lines = [*self._new_head(run), *lines]
        if lines:
            self._file.write(("\n".join(lines) + "\n").encode())

    def _new_head(self, run: Run) -> list[str]:
        head = json.dumps(
            {"schema": SCHEMA, "steps": run.steps, "settings": run.settings, "notes": list(run.notes)}, default=str
        )
        new, self._head = head != self._head, head
        return [head] if new else []

    def close(self) -> None:
        """Nothing more will come."""
        if self._file is not None:
            self._file.close()
