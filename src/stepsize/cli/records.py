"""The records under a path: one file, one folder that is a record, text piped in, or a folder of many, side by side."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import final

from stepsize.diagnosis import Diagnosis, diagnose
from stepsize.engine.cores import free_cores
from stepsize.errors import UnreadableRun
from stepsize.run import Run
from stepsize.run.readers import reader_of

STDIN = "-"
# Bytes of records below which reading them side by side costs more than it saves.
WORTH = 20_000_000
EVENTS = "*tfevents*"
# What Keras calls the two folders of one run.
OF_ONE_RUN = {"train", "validation"}
# A run without two values of one of these says nothing of its rate.
TELLING = ("loss", "val_loss", "lr", "grad_norm")


@final
@dataclass(frozen=True, eq=False)
class Records:
    """What was found under a path.

    Attributes:
        diagnoses: of the runs that could be read.
        unreadable: of the files that look like records but are none, the reason, by path.
        foreign: files that no reader recognises, or that hold no curve.
    """

    diagnoses: tuple[Diagnosis, ...]
    unreadable: dict[str, str]
    foreign: int = 0


def diagnosed(paths: Sequence[str], name: str | None = None) -> Records:
    """The diagnoses of all runs under some paths, or of the runs `name` of some records.

    Raises:
        UnreadableRun: a file is no record, a record has no run of that name, or a folder holds no record.
    """
    found = [_under(path, name) for path in paths]
    return Records(
        tuple(diagnosis for records in found for diagnosis in records.diagnoses),
        {place: reason for records in found for place, reason in records.unreadable.items()},
        sum(records.foreign for records in found),
    )


def _under(path: str, name: str | None) -> Records:
    if path == STDIN:
        return _piped(name)
    if name is not None:
        return Records((diagnose(Run.read(path, name)),), {})
    if not Path(path).is_dir() or _is_record(Path(path)):
        return Records(tuple(map(diagnose, Run.read_all(path))), {})
    return _folder(Path(path))


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
    return Records(tuple(diagnose(replace(run, source=STDIN)) for run in runs), {})


def _folder(folder: Path) -> Records:
    places = list(_places(folder))
    found: list[Diagnosis] = []
    unreadable: dict[str, str] = {}
    foreign = 0
    for place, answer in zip(places, _each(places), strict=True):
        if isinstance(answer, str):
            unreadable[str(place)] = answer
        elif answer:
            found += answer
        else:
            foreign += 1
    if not found:
        raise UnreadableRun(f"{folder} holds no record of a run among {len(places)} files{_first(unreadable)}")
    return Records(tuple(found), unreadable, foreign)


def _first(unreadable: dict[str, str]) -> str:
    return f"; {next(iter(unreadable.values()))}" if unreadable else ""


def _places(folder: Path) -> Iterator[Path]:
    """The files of a folder, and its folders that are records; hidden ones are passed over."""
    for place in sorted(folder.iterdir()):
        if place.name.startswith("."):
            continue
        if place.is_file() or (place.is_dir() and _is_record(place)):
            yield place
        elif place.is_dir() and not place.is_symlink():
            yield from _places(place)


def _is_record(folder: Path) -> bool:
    """Whether a folder is one record, and not a folder of some."""
    try:
        if reader_of(folder) is None:
            return False
    except UnreadableRun:
        return False
    events = {file.parent for file in folder.rglob(EVENTS)}
    return not events or folder in events or {place.name for place in events} <= OF_ONE_RUN


def _each(places: Sequence[Path]) -> Iterator[list[Diagnosis] | str]:
    """What is in each, in their order; large ones are read side by side."""
    workers = min(free_cores(), len(places))
    if workers < 2 or sum(place.stat().st_size for place in places) < WORTH:
        yield from map(_read, places)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(_read, places)


def _read(place: Path) -> list[Diagnosis] | str:
    """The diagnoses of the runs in a record that have a curve, or why it cannot be read."""
    try:
        if reader_of(place) is None:
            return []
        runs = Run.read_all(os.fspath(place))
    except UnreadableRun as error:
        return str(error)
    return [diagnose(run) for run in runs if any(_telling(run, name) for name in TELLING)]


def _telling(run: Run, name: str) -> bool:
    return name in run.columns and run.columns[name].step.size > 1
