"""Readers of training records, one file a format; the first that recognises a file by its content reads it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

from stepsize.errors import UnreadableRun
from stepsize.run.column import Column
from stepsize.run.log import Log
from stepsize.run.readers import (
    aim_repository,
    algoperf,
    databases,
    history,
    json_lines,
    keras_bar,
    keras_csv,
    lightning_csv,
    megatron,
    mlflow_files,
    nanogpt,
    printed,
    recorded,
    table,
    tensorboard,
    trainer_state,
    ultralytics,
    wandb_csv,
    wandb_offline,
)
from stepsize.run.readers.source import Source


class Reader(Protocol):
    """A module that reads one format."""

    FORMAT: str
    """What people call it; the message about an unknown file lists these."""

    def recognises(self, source: Source) -> bool:
        """Whether this is the format; never raises."""

    def read(self, path: Path) -> list[Log]:
        """The runs in it, one at least; raises UnreadableRun naming the place that is wrong."""


# Most particular first.
READERS: tuple[Reader, ...] = (
    databases,
    wandb_offline,
    mlflow_files,
    aim_repository,
    recorded,
    tensorboard,
    trainer_state,
    history,
    json_lines,
    algoperf,
    wandb_csv,
    ultralytics,
    lightning_csv,
    keras_csv,
    megatron,
    nanogpt,
    keras_bar,
    printed,
    table,
)


def reader_of(path: str | os.PathLike[str]) -> Reader | None:
    """The reader that recognises what is at `path`, or None.

    Raises:
        UnreadableRun: nothing is there, or it cannot be opened.
    """
    try:
        source = Source.of(path)
    except OSError as error:
        raise UnreadableRun(f"{path}: cannot be read: {error.strerror or error}") from error
    return next((reader for reader in READERS if reader.recognises(source)), None)


def read_logs(path: str | os.PathLike[str]) -> list[Log]:
    """The runs in the record at `path`: a file, or a folder that is one record, as of TensorBoard events.

    Raises:
        UnreadableRun: there is no such file, no reader recognises it, or it is damaged.
    """
    reader = reader_of(path)
    if reader is None:
        known = ", ".join(reader.FORMAT for reader in READERS)
        raise UnreadableRun(f"{path}: no reader recognises it; known are {known}")
    try:
        return reader.read(Path(path))
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableRun(f"{path}: cannot be read as {reader.FORMAT}: {error}") from error


def read_columns(path: str | os.PathLike[str]) -> dict[str, Column]:
    """The columns of the first run in the record at `path`; raises UnreadableRun like `read_logs`."""
    return read_logs(path)[0].columns
