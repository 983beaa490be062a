"""A folder of runs: every record beneath it, found by content, and read side by side where that saves time."""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import final

from stepsize.errors import UnreadableRun
from stepsize.run import workers
from stepsize.run.log import Log
from stepsize.run.readers import READERS, mlflow_files, tensorboard
from stepsize.run.readers.source import Source

# So many files are looked at.
MOST = 10_000
# Never records of a training, whatever their content looks like: weights, pictures, code, archives, settings.
OTHERS = re.compile(
    r"\.(?:pt|pth|ckpt|safetensors|bin|h5|hdf5|keras|npz|npy|onnx|pkl|pickle|joblib|gguf|parquet|arrow|model"
    r"|png|jpe?g|gif|svg|pdf|html?|css|js|ts|map|mp[34]|wav|py|pyc|ipynb|so|[ch]|cpp|cu|sh|md|rst|tex|diff|patch"
    r"|zip|tar|tgz|bz2|zst|whl|ya?ml|toml|ini|cfg|lock)",
    re.IGNORECASE,
)
# Readers that know a folder by what is deep in it, and the file that marks where in a tree their record begins.
MARKS: dict[object, str] = {tensorboard: "tfevents", mlflow_files: mlflow_files.ABOUT}
# A run has one of these, or something that calls itself a loss.
TELLING = ("loss", "val_loss", "lr", "grad_norm", "update_ratio")


@final
@dataclass(frozen=True)
class Found:
    """What a folder holds.

    Attributes:
        logs: each with the file or folder it was read from; named by its place beneath the folder.
        unread: what looked like a record and could not be read, or was not looked at; each says what and why.
    """

    logs: list[tuple[Path, Log]]
    unread: list[UnreadableRun]


def found_in(folder: Path) -> Found:
    """The runs beneath a folder.

    Hidden folders and files that are no records by their ending are passed over, and of the others only the head is
    looked at before one is read. What is linked several times is read once.
    """
    records, more = _records(folder)
    logs: list[tuple[Path, Log]] = []
    unread = [UnreadableRun(f"{folder}: holds more than {MOST:,} files; the rest was not looked at")] if more else []
    for record, result in zip(records, workers.read_each(records), strict=True):
        if isinstance(result, str):
            unread.append(UnreadableRun(result))
            continue
        telling = [log for log in result if _tells(log)]
        if not telling:
            unread.append(UnreadableRun(f"{record}: no loss and no learning rate in it, so it is not taken for a run"))
        logs.extend((record, replace(log, name=_name(record, folder, log))) for log in telling)
    return Found(logs, unread)


def _name(record: Path, folder: Path, log: Log) -> str:
    place = record.relative_to(folder).as_posix() if record != folder else ""
    return "/".join(part for part in (place, log.name) if part)


def _tells(log: Log) -> bool:
    return any(name in TELLING or "loss" in name.lower() for name in log.columns)


def _records(folder: Path) -> tuple[list[Path], bool]:
    """The files and folders that a reader recognises, by name, and whether there were too many to look at all."""
    found: list[Path] = []
    looked = 0
    # Links come last: what they lead to is better known by its own name.
    folders, links = deque([folder]), deque[Path]()
    seen: set[tuple[int, int]] = set()
    while folders or links:
        here = (folders or links).popleft()
        if not _new(here, seen):
            continue
        entries = sorted(_entries(here), key=lambda entry: (entry.is_symlink(), entry.name))
        record = _record(here, [entry.name for entry in entries])
        if record:
            found.append(record)
            continue
        for entry in entries:
            path = Path(entry.path)
            if entry.is_dir():
                (links if entry.is_symlink() else folders).append(path)
                continue
            looked += 1
            if looked > MOST:
                return sorted(found), True
            if _is_record(path) and _new(path, seen):
                found.append(path)
    return _outermost(found), False


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from (entry for entry in entries if not entry.name.startswith("."))
    except OSError:
        return  # not ours to look into, or gone


def _new(path: Path, seen: set[tuple[int, int]]) -> bool:
    """Whether this is there and was not met before, under whatever name."""
    try:
        about = path.stat()
    except OSError:
        return False
    place = about.st_dev, about.st_ino
    new = place not in seen
    seen.add(place)
    return new


def _record(folder: Path, names: list[str]) -> Path | None:
    """The folder that is one record of which this one is the whole or a part; None for a folder of others."""
    source = Source(folder)
    for reader in READERS:
        mark = MARKS.get(reader)
        if (mark is None or any(mark in name for name in names)) and reader.recognises(source):
            # Keras writes `train` and `validation` beside each other: together they are the record.
            return folder.parent if reader is tensorboard and folder.name.lower() in tensorboard.ROLES else folder
    return None


def _outermost(records: list[Path]) -> list[Path]:
    """The records by name, without what lies in a folder that is one."""
    whole = {record for record in records if record.is_dir()}
    return sorted({record for record in records if whole.isdisjoint(record.parents)})


def _is_record(path: Path) -> bool:
    if OTHERS.fullmatch(path.suffix) or not path.is_file() or not path.stat().st_size:
        return False
    try:
        source = Source.of(path)
    except OSError:
        return False
    return any(reader.recognises(source) for reader in READERS)
