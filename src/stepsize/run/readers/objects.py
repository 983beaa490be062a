"""Objects in text: as JSON writes them, as Python prints a dict, with NaN as C and its kin spell it."""

from __future__ import annotations

import json
import re
from ast import literal_eval
from collections.abc import Callable, Mapping
from typing import Any

# As C, awk and their kin print what JSON has no word for.
BARE = re.compile(r"(?<=[:\s])([+-]?)(nan|inf)(?:inity)?(?:\(\w*\))?(?=\s*[,}])", re.IGNORECASE)
# A longer line is no row of numbers.
LONGEST = 2**20
# Objects in objects, so deep, are followed.
DEEPEST = 8
# What parsing strange text may raise.
WRONG = (ValueError, SyntaxError, TypeError, MemoryError, RecursionError)


def object_in(text: str) -> dict[str, Any] | None:
    """The object that a line is; None if it is none.

    >>> object_in("{'loss': '0.69', 'epoch': 0.5}"), object_in('{"loss": -nan}'), object_in("[1]")
    ({'loss': '0.69', 'epoch': 0.5}, {'loss': '-nan'}, None)
    """
    if len(text) > LONGEST:
        return None
    quoted = BARE.sub(r'"\1\2"', text)  # a string is a number, too
    # Python warns of strange escapes, and no log of numbers has any.
    ways: list[tuple[Callable[[str], Any], str]] = [(json.loads, text), (json.loads, quoted)]
    if "'" in text and "\\" not in text:
        ways.append((literal_eval, quoted))
    for read, spelled in ways:
        try:
            row = read(spelled)
        except WRONG:
            continue
        return row if isinstance(row, dict) and all(isinstance(name, str) for name in row) else None
    return None


def flat(row: Mapping[str, Any], within: str = "", depth: int = 0) -> dict[str, Any]:
    """The row with what stands in objects of its own under joined names.

    >>> flat({"step": 1, "train": {"loss": 0.5}})
    {'step': 1, 'train/loss': 0.5}
    """
    found: dict[str, Any] = {}
    for name, value in row.items():
        if not isinstance(value, dict):
            found[f"{within}{name}"] = value
        elif depth < DEEPEST:
            found.update(flat(value, f"{within}{name}/", depth + 1))
    return found
