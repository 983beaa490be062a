"""Aim's repository, the folder `.aim`: recognised, and refused with the way around it.

It is a set of RocksDB stores, which nothing but Aim's own 300 MB reads; and what aim 3.29.1 had written to them with
Python 3.11, its `Repo.iter_runs` did not find again.
"""

from __future__ import annotations

from pathlib import Path

from stepsize.errors import UnreadableRun
from stepsize.run.log import Log
from stepsize.run.readers.source import Source

FORMAT = "Aim repository (by way of a CSV)"

HELD = ("meta", "seqs", "VERSION")


def recognises(source: Source) -> bool:
    """Whether this is a `.aim` folder."""
    return source.folder and all((source.path / name).exists() for name in HELD)


def read(path: Path) -> list[Log]:
    """Raises UnreadableRun, which says what to do."""
    raise UnreadableRun(
        f"{path}: an Aim repository is not read here; in Aim's Metrics Explorer (`aim up`) export the metrics as CSV, "
        "or write step, loss and lr of `aim.Repo(path).iter_runs()` to one, and read that"
    )
