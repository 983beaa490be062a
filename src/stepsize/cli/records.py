"""The records under some paths: files, folders that are a record, text piped in, or folders of many."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import final

from stepsize.diagnosis import Diagnosis, diagnose
from stepsize.errors import UnreadableRun
from stepsize.run import Run, read_folder

STDIN = "-"


@final
@dataclass(frozen=True, eq=False)
class Records:
    """What was found under some paths.

    Attributes:
        diagnoses: of the runs that could be read.
        unreadable: of what looked like a record and is none, which and why.
    """

    diagnoses: tuple[Diagnosis, ...]
    unreadable: tuple[str, ...] = ()


def diagnosed(paths: Sequence[str], name: str | None = None) -> Records:
    """The diagnoses of all runs under some paths, or of the runs `name` of some records.

    Raises:
        UnreadableRun: a file is no record, a record has no run of that name, or a folder holds no record.
    """
    found = [_under(path, name) for path in paths]
    return Records(
        tuple(diagnosis for records in found for diagnosis in records.diagnoses),
        tuple(reason for records in found for reason in records.unreadable),
    )


def _under(path: str, name: str | None) -> Records:
    if path == STDIN:
        return _piped(name)
    if name is not None:
        return Records((diagnose(Run.read(path, name)),))
    if not Path(path).is_dir():
        return Records(tuple(map(diagnose, Run.read_all(path))))
    runs, unread = read_folder(path)
    if not runs:
        Run.read_all(path)  # says why
    return Records(tuple(diagnose(_by_itself(run, Path(path))) for run in runs), tuple(map(str, unread)))


def _by_itself(run: Run, folder: Path) -> Run:
    """A run of a folder under the name that it has in its own record: by that it can be asked for again."""
    place = Path(run.source).relative_to(folder).as_posix()
    placed = f"{run.name}/".startswith(f"{place}/")
    return replace(run, name=run.name[len(place) + 1 :] if placed else run.name)


def _piped(name: str | None) -> Records:
    """What is piped in, read from a file: readers go back and forth."""
    if sys.stdin.isatty():
        raise UnreadableRun("- reads a log from a pipe, as in: python train.py | stepsize diagnose -")
    with TemporaryDirectory() as folder:
        file = Path(folder) / "standard input"
        file.write_bytes(sys.stdin.buffer.read())
        try:
            runs = Run.read_all(file) if name is None else [Run.read(file, name)]
        except UnreadableRun as error:
            raise UnreadableRun(str(error).replace(str(file), "standard input")) from error
    return Records(tuple(diagnose(replace(run, source=STDIN)) for run in runs))
