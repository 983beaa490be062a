"""`Form`: how a file of separated values is written, seen from its beginning."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import final

from stepsize.errors import UnreadableRun
from stepsize.run.readers.names import HOUSE, house_name
from stepsize.run.readers.rows import number_of
from stepsize.run.readers.source import HEAD, Source
from stepsize.run.readers.timeline import kind_of

# Tried in this order; blanks separate only where none of them does.
SEPARATORS = ("\t", ";", ",", "|")
BLANKS = " "
# So many lines of the beginning are looked at.
SAMPLE = 30
# A header may have so many bytes.
WIDEST = 2**22
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
DECIMAL_COMMA = re.compile(r"\s*[+-]?\d+,\d+([eE][+-]?\d+)?\s*")
# The header of a file of one column: with a separator in it, it is that of several.
ALONE = re.compile(r"[\w /.-]+")
Row = list[str]


@final
@dataclass(frozen=True)
class Form:
    """How a file is written.

    Attributes:
        names: of its columns, stripped; where one is empty or comes twice, made different.
        separator: between cells.
        encoding: of its text.
        comma: whether numbers have a decimal comma.
        commented: whether the names stand in a comment, so that the first row is data.
    """

    names: tuple[str, ...]
    separator: str
    encoding: str = "utf-8"
    comma: bool = False
    commented: bool = False


@lru_cache(maxsize=4)
def is_plain_table(head: bytes) -> bool:
    """Whether all first rows have a cell for each name, and one column has nothing but numbers: no prose is so."""
    form = form_of(head)
    if form is None or form.separator == BLANKS:
        return False
    lines = [line for line in head.decode(form.encoding, errors="replace").splitlines() if not line.startswith("#")]
    rows = [split(line, form.separator) for line in lines[1 : SAMPLE + 1]][:-1]
    even = len(form.names) > 1 and all(len(row) == len(form.names) for row in rows)
    return even and bool(rows) and any(all(map(_spells, column)) for column in zip(*rows, strict=True))


@lru_cache(maxsize=4)
def form_of(head: bytes) -> Form | None:
    """The form of a file by its first bytes; None where they are no table with a header."""
    encoding = next((name for mark, name in MARKS if head.startswith(mark)), "utf-8")
    text = codecs.getincrementaldecoder(encoding)(errors="replace").decode(head).replace("\r\n", "\n")
    lines = [line.replace("\0", "") for line in text.replace("\r", "\n").split("\n")]
    if len(head) in (HEAD, WIDEST) and len(lines) > 1:
        lines.pop()  # it goes on beyond the head
    comments = [line.lstrip("# \t") for line in lines if line.startswith("#")]
    plain = [line for line in lines if line.strip() and not line.startswith("#")][:SAMPLE]
    return _headed(plain, encoding) or _commented(comments, plain, encoding)


def _headed(lines: Sequence[str], encoding: str) -> Form | None:
    """The separator that fits most rows to the header."""
    if not lines or any(not char.isprintable() and char != "\t" for char in lines[0]):
        return None
    fits = [(_fit(lines, separator), separator) for separator in SEPARATORS]
    best, separator = max(fits, key=lambda fit: fit[0])
    if best <= 0:
        separator = BLANKS
        if _strict_fit(lines) <= 0:
            return None
    cells = [split(line, separator) for line in lines]
    comma = separator != "," and _has_decimal_commas(cells[1:])
    return Form(different(cells[0]), separator, encoding, comma)


def _commented(comments: Sequence[str], lines: Sequence[str], encoding: str) -> Form | None:
    """The last comment that has as many words as the rows have cells."""
    for comment in reversed(comments):
        form = _headed([comment, *lines], encoding)
        if form is not None and all(len(split(line, form.separator)) == len(form.names) for line in lines):
            return Form(form.names, form.separator, encoding, form.comma, commented=True)
    return None


def _fit(lines: Sequence[str], separator: str) -> float:
    """How well lines are a table with this separator: 0 if not at all."""
    names, *rows = ([cell.strip() for cell in split(line, separator)] for line in lines)
    if not are_names(names) or (len(names) == 1 and not (_known(names) and ALONE.fullmatch(names[0]))):
        return 0
    if not rows:
        return len(names) * 1e-3 if _known(names) else 0
    equal = [row for row in rows if len(row) == len(names)] or rows
    numeric = any(_spells(cell) for row in equal for cell in row)
    return (sum(len(row) == len(names) for row in rows) / len(rows) + 1e-3) * len(names) if numeric else 0


def _strict_fit(lines: Sequence[str]) -> int:
    """With blanks, which prose has too: every row has a cell for each name, a number first, and half are numbers."""
    names, *rows = (line.split() for line in lines)
    if not rows or len(names) < 2 or not are_names(names):
        return 0
    whole = all(len(row) == len(names) and _spells(row[0]) and 2 * sum(map(_spells, row)) >= len(row) for row in rows)
    return len(names) if whole else 0


def are_names(names: Sequence[str]) -> bool:
    return not any(_spells(name) for name in names) and any(any(map(str.isalpha, name)) for name in names)


def _known(names: Sequence[str]) -> bool:
    return any(kind_of(name) or house_name(name) in HOUSE for name in names)


def _spells(cell: str) -> bool:
    return number_of(cell) is not None or DECIMAL_COMMA.fullmatch(cell) is not None


def _has_decimal_commas(rows: Sequence[Row]) -> bool:
    cells = [cell for row in rows for cell in row]
    return any(DECIMAL_COMMA.fullmatch(cell) for cell in cells) and not any(
        "." in cell and number_of(cell) is not None for cell in cells
    )


def different(cells: Sequence[str]) -> tuple[str, ...]:
    """The names of columns: stripped, none empty, none twice."""
    names: dict[str, None] = {}
    for at, cell in enumerate(cells, start=1):
        name = cell.strip() or f"column_{at}"
        again = 2
        while name in names:
            name, again = f"{cell.strip()}_{again}", again + 1
        names[name] = None
    return tuple(names)


def split(line: str, separator: str) -> Row:
    """The cells of one line."""
    if separator == BLANKS:
        return line.split()
    try:
        return next(csv.reader([line], delimiter=separator), [])
    except csv.Error:
        return []


def form_at(path: Path) -> Form:
    """How a file is written; raises UnreadableRun where it is no table."""
    head = Source.of(path).head
    if len(head) == HEAD and b"\n" not in head:  # thousands of columns
        with path.open("rb") as file:
            head = file.read(WIDEST)
    form = form_of(head)
    if form is None:
        raise UnreadableRun(f"{path}: no table with a header line")
    return form
