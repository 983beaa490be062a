"""SQLite files of this and of other programs, opened to be read only, also while their owner writes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from sqlite3 import Connection as Connection
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from stepsize.errors import UnreadableRun

MAGIC = b"SQLite format 3\0"
# The byte of the header that says how changes are kept, and its value for a write-ahead log.
JOURNAL, AHEAD = 18, 2
# Another's lock is waited for, this many seconds.
PATIENCE = 5.0
# Rows read by one statement: between two, their writer has its turn.
STRETCH = 500_000
# Rows taken over at once.
PART = 4096
# The largest row number there is.
LAST = 2**63 - 1

Tables = dict[str, set[str]]


@contextmanager
def opened(path: Path) -> Iterator[Connection]:
    """A connection that can change nothing.

    Raises:
        UnreadableRun: it is no database, it is damaged where it was looked at, or its owner keeps it locked.
    """
    try:
        with closing(sqlite3.connect(_address(path), uri=True, timeout=PATIENCE, isolation_level=None)) as database:
            # Temporary tables stay in memory, and no code that a file brings along is run.
            database.executescript("PRAGMA temp_store=MEMORY; PRAGMA trusted_schema=OFF;")
            database.text_factory = _text
            yield database
    except sqlite3.Error as error:
        raise UnreadableRun(f"{path}: {why(error)}") from error


def tables(database: Connection) -> Tables:
    """The names of the tables, each with those of its columns."""
    names = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {name: {row[1] for row in database.execute("SELECT * FROM pragma_table_info(?)", (name,))} for name in names}


def scanned(database: Connection, table: str, query: str, form: DTypeLike) -> tuple[NDArray[Any], str]:
    """The rows of a table, in the order in which they were written, and what is wrong behind them, if anything.

    Args:
        table: read a stretch at a time, so that its writer never waits long.
        query: whose two parameters are the row numbers a stretch lies between.
        form: the type of the rows; what SQLite holds is made to fit by the query.
    """
    parts = [np.empty(0, dtype=form)]
    try:
        for stretch in _stretches(database, table):
            parts.extend(_rows(database.execute(query, stretch), form))
    except sqlite3.Error as error:
        return np.concatenate(parts), why(error)
    return np.concatenate(parts), ""


def walked(database: Connection, table: str, query: str) -> Iterator[tuple[Any, ...]]:
    """The same rows one by one, as they are.

    Raises:
        UnreadableRun: the database is damaged from there on.
    """
    try:
        for stretch in _stretches(database, table):
            yield from database.execute(query, stretch)
    except sqlite3.Error as error:
        raise UnreadableRun(why(error)) from error


def _rows(cursor: sqlite3.Cursor, form: DTypeLike) -> Iterator[NDArray[Any]]:
    """Some hundreds of rows at a time; an error in the database comes behind the rows before it."""
    while (part := np.fromiter(islice(cursor, PART), dtype=form)).size:
        yield part


def _stretches(database: Connection, table: str) -> Iterator[tuple[int, int]]:
    """The first and the last row number of each; numbers that nobody uses are jumped over."""
    (begin,) = database.execute(f'SELECT min(rowid) FROM "{table}"').fetchone()
    while begin is not None:
        end = min(begin + STRETCH - 1, LAST)
        yield begin, end
        (begin,) = database.execute(f'SELECT min(rowid) FROM "{table}" WHERE rowid > ?', (end,)).fetchone()


def why(error: sqlite3.Error) -> str:
    """What is wrong with a database, in words."""
    if "locked" in str(error) or "busy" in str(error):
        return f"the program that writes it keeps it locked ({error}); try again, or read a copy of it"
    return f"the database is damaged, or is none ({error})"


def _address(path: Path) -> str:
    """Where a write-ahead log is kept but there is none, nobody has it open, and nothing need be put beside it."""
    with path.open("rb") as file:
        header = file.read(JOURNAL + 1)
    alone = header[JOURNAL:] == bytes([AHEAD]) and not Path(f"{path}-wal").exists()
    return f"{path.absolute().as_uri()}?mode=ro" + ("&immutable=1" if alone else "")


def _text(raw: bytes) -> str:
    return raw.decode(errors="replace")
