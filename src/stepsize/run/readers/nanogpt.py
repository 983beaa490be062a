"""Logs of llm.c and of modded-nanogpt, its kin: `s:10 trl:3.2 lr:0.0006 norm:0.2`, `step:10/6000 train_loss:3.2`.

modded-nanogpt prints its own source before the first line; only lines of these forms are read.
"""

from __future__ import annotations

import re
from pathlib import Path

from stepsize.run.log import Log
from stepsize.run.readers.lines import head_of, lines_of
from stepsize.run.readers.names import house_name
from stepsize.run.readers.phrases import number
from stepsize.run.readers.printed_rows import decimals_of_zero, rounding
from stepsize.run.readers.rows import Gathered
from stepsize.run.readers.source import Source

FORMAT = "a log of llm.c or modded-nanogpt"
LINE = re.compile(r"^(?:s|step):(\d{1,15})(?:/(\d{1,15}))?((?: \w+:\S+)+)\s*$", re.MULTILINE)
PAIR = re.compile(r"(\w+):([+-]?\d+\.?\d*(?:[eE][+-]?\d+)?|[+-]?nan|[+-]?inf)")
# llm.c's short names; its eval is the share of HellaSwag it gets right.
NAMES = {"trl": "loss", "tel": "val_loss", "norm": "grad_norm", "eval": "hellaswag"}
TOLD = {"trl", "tel", "train_loss", "val_loss"}
# The source that is printed first may be this long.
EARLY = 2**21


def recognises(source: Source) -> bool:
    """Whether there is such a line with a loss, after the source that may stand first."""
    head = head_of(source)
    if not head:
        return False
    if not LINE.search(head):
        # Only modded-nanogpt prints its source.
        if "import torch" not in head:
            return False
        try:
            head = _beginning(source.path)
        except OSError:
            return False
    return any(TOLD & dict(PAIR.findall(found[3])).keys() for found in LINE.finditer(head))


def read(path: Path) -> list[Log]:
    """Loss, validation loss, rate and gradient norm by update.

    llm.c adds to its log when it resumes: the later lines take over.
    """
    gathered = Gathered()
    planned = decimals = 0
    for line in lines_of(path):
        if (found := LINE.match(line)) is None:
            continue
        pairs = PAIR.findall(found[3])
        gathered.add({"step": int(found[1]), **{NAMES.get(name, name): number(text) for name, text in pairs}})
        planned = max(planned, int(found[2] or 0))
        decimals = decimals or next((decimals_of_zero(text) for name, text in pairs if house_name(name) == "lr"), 0)
    columns = gathered.columns(path)
    notes = [*gathered.notes, *([rounding(decimals)] if decimals else [])]
    return [Log(columns, steps=planned, notes=tuple(notes))]


def _beginning(path: Path) -> str:
    lines, size = [], 0
    for line in lines_of(path):
        lines.append(line)
        size += len(line) + 1
        if size > EARLY:
            break
    return "\n".join(lines)
