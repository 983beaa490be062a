"""Comma- or tab-separated values with a header line, as loggers export them."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from stepsize.errors import UnreadableRun
from stepsize.run.log import Log
from stepsize.run.readers.rows import columns_of
from stepsize.run.readers.source import Source

FORMAT = "CSV with a header line"


def recognises(source: Source) -> bool:
    """Whether the first line looks like two or more column names, none of them a number."""
    first = source.text.lstrip().split("\n", 1)[0]
    names = first.split(_separator(first))
    return len(names) > 1 and all(name.strip() and not _is_number(name) for name in names)


def read(path: Path) -> list[Log]:
    """Every column that holds numbers; empty cells are left out."""
    text = path.read_text(encoding="utf-8-sig").lstrip()
    separator = _separator(text.split("\n", 1)[0])
    try:
        rows = list(csv.DictReader(io.StringIO(text), delimiter=separator))
    except csv.Error as error:
        raise UnreadableRun(f"{path}: not comma- or tab-separated values: {error}") from error
    return [Log(columns_of(rows, path))]


def _separator(line: str) -> str:
    return "\t" if "\t" in line else ","


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
