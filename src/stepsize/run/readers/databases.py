"""SQLite files that hold runs: MLflow's, Trackio's and those of a stepsize study, told apart by their tables."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from stepsize.errors import UnreadableRun
from stepsize.run.database import MAGIC, Connection, Tables, opened, tables
from stepsize.run.log import Log
from stepsize.run.readers import mlflow_database, study, trackio_database
from stepsize.run.readers.source import Source


class Kind(Protocol):
    """A module that reads one program's database."""

    FORMAT: str

    def fits(self, tables: Tables) -> bool:
        """Whether these tables are that program's."""

    def logs(self, database: Connection, tables: Tables, path: Path) -> list[Log]:
        """The runs in it; raises UnreadableRun."""


KINDS: tuple[Kind, ...] = (study, mlflow_database, trackio_database)
FORMAT = ", ".join(kind.FORMAT for kind in KINDS)
# So many tables of a strange database are named.
NAMED = 6


def recognises(source: Source) -> bool:
    """Whether it is a SQLite file; whose it is, `read` says."""
    return source.head.startswith(MAGIC)


def read(path: Path) -> list[Log]:
    """The runs in it, under their names.

    Raises:
        UnreadableRun: it is another program's, damaged before the first run, locked, or holds no run yet.
    """
    with opened(path) as database:
        held = tables(database)
        kind = next((kind for kind in KINDS if kind.fits(held)), None)
        if kind is None:
            shown = ", ".join(sorted(held)[:NAMED]) + (", ..." if len(held) > NAMED else "")
            raise UnreadableRun(
                f"{path}: a database of another program (tables: {shown or 'none'}); known are {FORMAT}"
            )
        return kind.logs(database, held, path)
