"""JSON lines: one object an update, as most loops log them: {"step": 10, "loss": 0.3, "lr": 1e-3}.

So do Detectron2 (`metrics.json`), mmengine and mmcv (`scalars.json`, `*.log.json`); a JSON list of objects is read
the same way. Objects in objects get joined names: {"train": {"loss": 0.3}} holds `train/loss`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, final

from stepsize.errors import UnreadableRun
from stepsize.run.log import Log
from stepsize.run.readers.guessed import is_telling
from stepsize.run.readers.lines import blocks_of, head_of
from stepsize.run.readers.object_rows import Objects
from stepsize.run.readers.objects import WRONG, object_in
from stepsize.run.readers.source import Source

FORMAT = "JSON lines"
NAME = re.compile(r'"([^"\n]{1,120})"\s*:')
# So many lines are looked at; where so many begin like objects, one has to be one.
FIRST, ENOUGH = 20, 3
# A list is decoded object by object where it is damaged.
DECODER = json.JSONDecoder()


def recognises(source: Source) -> bool:
    """Whether the first lines begin objects, or a list of objects begins."""
    head = head_of(source).lstrip()
    if head.startswith("["):
        # many other things are lists of objects
        return head[1:].lstrip().startswith("{") and any(map(is_telling, set(NAME.findall(head))))
    lines = [line for line in head.split("\n")[:FIRST] if line.strip()]
    begun = [line for line in lines if line.lstrip().startswith("{")]
    if not head.startswith("{") or 2 * len(begun) < len(lines):
        return False
    return len(begun) < ENOUGH or any(object_in(line.strip()) is not None for line in begun)


def read(path: Path) -> list[Log]:
    """Every number in every object; lines that are none are left out, and the log says so.

    Raises:
        UnreadableRun: more than half of the lines are no objects, or none of them holds a number.
    """
    objects = Objects()
    lines = Lines()
    for rows in lines.rows(path):
        objects.add(rows)
    lines.check(path)
    return [objects.log(path, lines.notes())]


@final
class Lines:
    """The objects in a file, and which of its lines are none."""

    def __init__(self) -> None:
        self.count = 0
        self._good = 0
        self._wrong: list[tuple[int, str]] = []
        self._wrongs = 0

    def rows(self, path: Path) -> Iterator[list[dict[str, Any]]]:
        """The objects, many at a time."""
        for block in blocks_of(path):
            if not self.count and block.lstrip().startswith("["):
                yield self._list(path)
                return
            rows = _at_once(block)
            yield self._one_by_one(block) if rows is None else rows
            self.count += block.count("\n") + (not block.endswith("\n"))
            self._good += 0 if rows is None else len(rows)

    def check(self, path: Path) -> None:
        """Raise UnreadableRun where this is no such file."""
        if self._wrongs > self._good or not self._good:
            line, said = self._wrong[0] if self._wrong else (1, "nothing")
            raise UnreadableRun(f"{path}, line {line}: expected a JSON object, found {said!r}")

    def notes(self) -> list[str]:
        """What was left out."""
        if not self._wrongs:
            return []
        first = self._wrong[0][0]
        if self._wrongs == 1 and first == self.count:
            return [f"the last line, {first}, is cut off and was left out"]
        return [f"{self._wrongs} lines that are no JSON objects were left out, the first of them line {first}"]

    def _one_by_one(self, block: str) -> list[dict[str, Any]]:
        rows = []
        for number, line in enumerate(block.split("\n"), start=self.count + 1):
            if (row := object_in(line.strip())) is not None:
                rows.append(row)
            elif line.strip():
                self._wrongs += 1
                self._wrong = self._wrong or [(number, line.strip()[:40])]
        self._good += len(rows)
        return rows

    def _list(self, path: Path) -> list[dict[str, Any]]:
        text = "".join(blocks_of(path))
        try:
            found = json.loads(text)
        except WRONG:
            found = list(_readable(text))
        rows = [row for row in found if isinstance(row, dict)]
        self._good, self.count = len(rows), text.count("\n") + 1
        if not text.rstrip().endswith("]"):
            self._wrongs, self._wrong = 1, [(self.count, text[-40:])]
        return rows


def _at_once(block: str) -> list[dict[str, Any]] | None:
    """The objects on the lines of a block, parsed as one list: far faster than one by one. None if one is no object."""
    try:
        rows = json.loads(f"[{block.strip().replace(chr(10), ',')}]")
    except WRONG:
        return None
    return rows if set(map(type, rows)) <= {dict} else None


def _readable(text: str) -> Iterator[Any]:
    """The values of a list up to where it is damaged."""
    at = text.index("[") + 1
    while True:
        while at < len(text) and text[at] in " \t\r\n,":
            at += 1
        try:
            value, at = DECODER.raw_decode(text, at)
        except WRONG:
            return
        yield value
