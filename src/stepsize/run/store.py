"""The ledger: one SQLite file that holds the runs of a study, append-only and safe at any moment.

One process writes (a lock file sees to it), any number read while it grows. A run is written in one
transaction when it has ended, so a kill at any moment loses at most the run in flight.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, final
from zipfile import BadZipFile

from filelock import FileLock, Timeout

from stepsize.errors import EngineError, StepsizeError, UnreadableRun
from stepsize.policy import Policy
from stepsize.run.packed import packed, unpacked
from stepsize.run.record import Run

APPLICATION = 0x53544550  # "STEP", in the header of the file
FORMAT = 1
TABLES = """
CREATE TABLE note (name TEXT PRIMARY KEY, document TEXT NOT NULL) STRICT;
CREATE TABLE run (
    number INTEGER PRIMARY KEY, key TEXT UNIQUE NOT NULL, about TEXT NOT NULL, columns BLOB NOT NULL
) STRICT;
"""


@final
class Ledger:
    """The runs of one study and the notes about it, in the file `path`, or in memory for None.

    Args:
        path: the file; created when it is missing.
        write: open for writing, which only one process can at a time.
    Raises:
        UnreadableRun: the file is damaged or belongs to another program.
        EngineError: another process is writing it, or the disk refuses.
    """

    def __init__(self, path: str | os.PathLike[str] | None, write: bool = True) -> None:
        self.path = None if path is None else Path(path)
        self._lock = None if self.path is None or not write else _locked(self.path)
        try:
            with self._errors():
                self._database = self._connect(write)
        except StepsizeError:
            self._release()
            raise

    def _connect(self, write: bool) -> sqlite3.Connection:
        if self.path is None:
            database = sqlite3.connect(":memory:", isolation_level=None)
        elif write:
            database = sqlite3.connect(self.path, isolation_level=None)
        else:
            database = sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
        try:
            self._prepare(database, write)
        except BaseException:
            database.close()
            raise
        return database

    def _prepare(self, database: sqlite3.Connection, write: bool) -> None:
        # Looked at before anything is changed: the file may be somebody else's.
        empty = database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
        if not (empty and write):
            self._check(database)
        if write:
            database.execute("PRAGMA journal_mode=WAL")
            database.execute("PRAGMA synchronous=FULL")
        if write and empty:
            database.executescript(
                f"BEGIN; {TABLES} PRAGMA application_id={APPLICATION}; PRAGMA user_version={FORMAT}; COMMIT;"
            )

    def _check(self, database: sqlite3.Connection) -> None:
        application = database.execute("PRAGMA application_id").fetchone()[0]
        version = database.execute("PRAGMA user_version").fetchone()[0]
        if application != APPLICATION:
            raise UnreadableRun(f"{self.path} is a database of another program, not a study; choose another place")
        if version != FORMAT:
            raise UnreadableRun(
                f"{self.path} has format {version}, this stepsize reads {FORMAT}; install the one that wrote it"
            )

    def note(self, name: str) -> Any:
        """The note `name`, or None if nobody wrote it."""
        with self._errors():
            row = self._database.execute("SELECT document FROM note WHERE name = ?", (name,)).fetchone()
        return None if row is None else json.loads(row[0])

    def write_note(self, name: str, document: Any) -> None:
        """Write or replace the note `name`."""
        with self._errors():
            self._database.execute(
                "INSERT INTO note VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET document = excluded.document",
                (name, json.dumps(document)),
            )

    def append(self, key: str, run: Run) -> None:
        """Write a run that has ended, under the key that says what was asked of it."""
        with self._errors():
            self._database.execute(
                "INSERT INTO run (key, about, columns) VALUES (?, ?, ?)",
                (key, _about(run), packed(run.columns)),
            )

    def find(self, key: str) -> Run | None:
        """The run under `key`, if it is there."""
        with self._errors():
            row = self._database.execute("SELECT about, columns FROM run WHERE key = ?", (key,)).fetchone()
            return None if row is None else self._run(*row)

    def count(self) -> int:
        """How many runs there are."""
        with self._errors():
            return int(self._database.execute("SELECT count(*) FROM run").fetchone()[0])

    def runs(self) -> list[Run]:
        """All runs, in the order in which they ended."""
        with self._errors():
            rows = self._database.execute("SELECT about, columns FROM run ORDER BY number").fetchall()
            return [self._run(*row) for row in rows]

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()
        self._release()

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.release()

    def _run(self, about: str, columns: bytes) -> Run:
        fields = json.loads(about)
        policy = Policy.from_json(json.dumps(fields.pop("policy")))
        return Run(columns=unpacked(columns), policy=policy, source=str(self.path or ""), **fields)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """SQLite's errors as ours."""
        try:
            yield
        except StepsizeError:
            raise  # said already; some of ours are ValueErrors too
        except sqlite3.OperationalError as error:
            raise EngineError(
                f"{self.path}: {error}; the runs already in it are intact: mend this (is the disk full?), then resume"
            ) from error
        except (sqlite3.DatabaseError, ValueError, KeyError, TypeError, EOFError, BadZipFile) as error:
            raise UnreadableRun(f"{self.path} is not a study, or is damaged ({error}); choose another place") from error


def delete(path: str | os.PathLike[str]) -> None:
    """Remove a ledger and the files SQLite keeps beside it."""
    for suffix in ("", "-wal", "-shm"):
        Path(f"{os.fspath(path)}{suffix}").unlink(missing_ok=True)


def _locked(path: Path) -> FileLock:
    lock = FileLock(f"{path}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise EngineError(f"another process is writing {path}; wait for it, or choose another place") from None
    except OSError as error:
        raise EngineError(f"{path}: cannot be written: {error.strerror}") from error
    return lock


def _about(run: Run) -> str:
    about = {name: getattr(run, name) for name in ("outcome", "reason", "steps", "seed", "settings", "seconds")}
    return json.dumps({**about, "policy": run.policy.document() if run.policy else None})
