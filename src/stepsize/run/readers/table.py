"""Comma- or tab-separated values with a header line, as loggers export them."""

from __future__ import annotations

import csv
from pathlib import Path

from stepsize.run.column import Column
from stepsize.run.readers.rows import columns_of


def recognises(head: str) -> bool:
    """Whether the first line looks like two or more column names, none of them a number."""
    first = head.lstrip().split("\n", 1)[0]
    names = first.split(_separator(first))
    return len(names) > 1 and all(name.strip() and not _is_number(name) for name in names)


def read(path: Path) -> dict[str, Column]:
    """Every column that holds numbers; empty cells are left out."""
    with path.open(encoding="utf-8", newline="") as text:
        separator = _separator(text.readline())
        text.seek(0)
        return columns_of(list(csv.DictReader(text, delimiter=separator)), path)


def _separator(line: str) -> str:
    return "\t" if "\t" in line else ","


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
