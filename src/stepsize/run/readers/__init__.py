"""Readers of training records, one file a format; the first that recognises a file reads it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

from stepsize.errors import UnreadableRun
from stepsize.run.column import Column
from stepsize.run.readers import json_lines, table, tensorboard


class Reader(Protocol):
    """A module that reads one format."""

    def recognises(self, head: str) -> bool:
        """Whether a file that begins with `head` has this format."""

    def read(self, path: Path) -> dict[str, Column]:
        """The columns in the file; raises UnreadableRun naming the line that is wrong."""


# Most particular first.
READERS: tuple[Reader, ...] = (json_lines, table)
HEAD = 4096


def read_columns(path: str | os.PathLike[str]) -> dict[str, Column]:
    """The columns of the record at `path`: a file, or a folder of TensorBoard events.

    Raises:
        UnreadableRun: there is no such file, no reader recognises it, or it is damaged.
    """
    file = Path(path)
    try:
        if tensorboard.recognises(file):  # no text, and perhaps a folder
            return tensorboard.read(file)
        with file.open(encoding="utf-8-sig") as text:
            head = text.read(HEAD)
        for reader in READERS:
            if reader.recognises(head):
                return reader.read(file)
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableRun(f"{path}: cannot be read as text: {error}") from error
    raise UnreadableRun(
        f"{path}: no reader recognises it; known are JSON lines, CSV with a header line, and TensorBoard events"
    )
