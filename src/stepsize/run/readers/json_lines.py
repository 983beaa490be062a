"""JSON lines: one object an update, as most loops log them: {"step": 10, "loss": 0.3, "lr": 1e-3}."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from stepsize.errors import UnreadableRun
from stepsize.run.log import Log
from stepsize.run.readers.rows import columns_of
from stepsize.run.readers.source import Source

FORMAT = "JSON lines"


def recognises(source: Source) -> bool:
    """Whether the first line begins an object."""
    return source.text.lstrip().startswith("{")


def read(path: Path) -> list[Log]:
    """Every number in every object; a line that a kill cut off at the end is left out."""
    lines = [line for line in path.read_text(encoding="utf-8-sig").split("\n") if line.strip()]
    rows: list[dict[str, Any]] = []
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            if number == len(lines) and rows:
                break
            raise UnreadableRun(f"{path}, line {number}: not a JSON object: {error}") from error
        if not isinstance(row, dict):
            raise UnreadableRun(f"{path}, line {number}: expected a JSON object, found {line[:40]!r}")
        rows.append(row)
    return [Log(columns_of(rows, path))]
