"""A file of separated values as columns of numbers.

Any encoding with a byte order mark, any of the usual separators, decimal commas, comment lines, a header in a comment
as NumPy's `savetxt` writes it, headers that come again where a log was appended to, rows too short or too long, and
an end that was cut off: what can be read is read, and `Gathered.notes` says what was not.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import TextIO, final

import numpy as np

from stepsize.errors import UnreadableRun
from stepsize.run.readers.form import BLANKS, Form, Row, are_names, different
from stepsize.run.readers.rows import Gathered

# So many characters are read at once, and a line may have at most.
BLOCK = LONGEST = 2**22
# A number that no log holds.
EMPTY = "-7e-301"


def gathered(path: Path, form: Form) -> Gathered:
    """Every number of the file in its column; what could not be read is said in the notes.

    Raises:
        UnreadableRun: not even the first rows can be read.
    """
    found = Gathered()
    table = _Table(form, found)
    with path.open(encoding=form.encoding, errors="replace") as file:
        try:
            for text in _blocks(file):
                table.take(text)
        except csv.Error as error:
            if not table.rows:
                raise UnreadableRun(f"{path}, line {table.lines + 1}: no separated values: {error}") from error
            found.notes.append(f"after line {table.lines:,} nothing can be read: {error}")
    if table.long:
        found.notes.append(f"{table.long:,} rows have more cells than the header: those beyond it are left out")
    if table.nuls:
        found.notes.append(f"{table.nuls:,} NUL bytes were passed over")
    return found


def _blocks(file: TextIO) -> Iterator[str]:
    """The text in pieces that end where a line ends, and a quoted cell; raises csv.Error where no line ends."""
    while text := file.read(BLOCK):
        while not text.endswith("\n") or (text.count('"') % 2 and len(text) < 2 * BLOCK):
            more = file.readline(LONGEST)
            if len(more) == LONGEST and not more.endswith("\n"):
                raise csv.Error(f"a line of more than {LONGEST:,} characters")
            text += more
            if not more:
                break
        yield text


def _filled(lines: list[str], separator: str | None) -> list[str]:
    """The lines with a word that stands for nothing in their empty cells."""
    if separator is None:
        return lines
    text = "\n".join(("", *lines, ""))
    if not any(gap in text for gap in (separator * 2, f"\n{separator}", f"{separator}\n")):
        return lines
    for _ in range(2):  # of three in a row, the first two are found first
        text = text.replace(separator * 2, f"{separator}{EMPTY}{separator}")
    text = text.replace(f"\n{separator}", f"\n{EMPTY}{separator}").replace(f"{separator}\n", f"{separator}{EMPTY}\n")
    return text.split("\n")[1:-1]


@final
class _Table:
    """The rows of a file, block by block."""

    def __init__(self, form: Form, found: Gathered) -> None:
        self._form, self._found = form, found
        self._names, self._known = form.names, set(form.names)
        self._headed = form.commented
        self.rows = self.lines = self.nuls = self.long = 0

    def take(self, text: str) -> None:
        """The next lines; only the end of a file does not end its last one."""
        if "\0" in text:
            self.nuls += text.count("\0")
            text = text.replace("\0", "")
        whole = text.endswith("\n")
        lines = [line for line in text.split("\n") if line and not line.isspace()]
        if "#" in text:
            lines = [line for line in lines if not line.startswith("#")]
        if not self._headed and lines:
            self._headed = True
            del lines[0]
        if not (whole and self._take_numbers(lines)):
            self._take_cells(lines, whole)
        self.lines += text.count("\n")

    def _take_numbers(self, lines: list[str]) -> bool:
        """The lines, if all their cells are numbers or empty: read without making a string of each cell."""
        if not lines:
            return True
        separator = None if self._form.separator == BLANKS else self._form.separator
        if self._form.comma:
            lines = [line.replace(",", ".") for line in lines]
        try:
            table = np.loadtxt(_filled(lines, separator), delimiter=separator, comments=None, ndmin=2)
        except ValueError:
            return False
        if table.shape != (len(lines), len(self._names)):
            return False
        self.rows += len(lines)
        self._found.extend_numbers(self._names, table, empty=float(EMPTY))
        return True

    def _take_cells(self, lines: list[str], whole: bool) -> None:
        if self._form.separator == BLANKS:
            rows = [line.split() for line in lines]
        else:
            rows = list(csv.reader(lines, delimiter=self._form.separator))
        if rows and not whole:
            self._mistrust(rows)
        begin = 0
        for at in [k for k, row in enumerate(rows) if row and row[0].strip() in self._known]:
            if are_names(rows[at]):
                self._put(rows[begin:at])
                self._head(rows[at])
                begin = at + 1
        self._put(rows[begin:])

    def _head(self, row: Row) -> None:
        """A header amid the rows: whoever appends to a log writes one."""
        names = different(row)
        if names != self._names:
            self._found.notes.append(f"after {self.rows:,} rows the columns are others: {', '.join(names)[:80]}")
        self._names, self._known = names, self._known | set(names)

    def _put(self, rows: list[Row]) -> None:
        if not rows:
            return
        self.rows += len(rows)
        width = len(self._names)
        even = set(map(len, rows)) == {width}
        columns = list(zip(*rows, strict=True)) if even else self._padded(rows, width)
        if self._form.comma:
            columns = [tuple(cell.replace(",", ".") for cell in column) for column in columns]
        self._found.extend(self._names, columns)

    def _padded(self, rows: list[Row], width: int) -> list[tuple[str, ...]]:
        """Rows of different lengths: what lies beyond the header has no name and is left out."""
        self.long += sum(len(row) > width for row in rows)
        columns = list(zip_longest(*(row[:width] for row in rows), fillvalue=""))
        return columns + [("",) * len(rows)] * (width - len(columns))

    def _mistrust(self, rows: list[Row]) -> None:
        """Leave out the last cell of a file that does not end its last line, where it may be cut off in a number.

        It is taken for whole if its row is, and none of the rows before has a shorter one there.
        """
        last, width = rows[-1], len(self._names)
        others = [len(row[-1]) for row in rows[-51:-1] if len(row) == width and row[-1]]
        if len(last) == width and len(last[-1]) >= min(others, default=0):
            return
        if last and last[-1]:
            last[-1] = ""
            self._found.notes.append("the last line has no end: its last cell may be cut off and is left out")
