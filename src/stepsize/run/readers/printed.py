"""What a training printed: lines such as `step 100/1000 | loss 2.31 | lr 3e-4`, among any others."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from stepsize.run.log import Log
from stepsize.run.readers.form import is_plain_table
from stepsize.run.readers.lines import blocks_of, head_of, lines_of, shown
from stepsize.run.readers.mould import Mould, mould_of
from stepsize.run.readers.objects import WRONG
from stepsize.run.readers.phrases import Phrase, is_loss, phrase_of, split
from stepsize.run.readers.printed_rows import Printed
from stepsize.run.readers.source import Source

FORMAT = "printed lines with a step and a loss"
# A line without one of these is passed over; a longer one is no line of a log.
SIGNS = ("loss", "epoch", "it/s", "s/it")
LONGEST = 4096
# So many lines are looked at together, once one has told something.
STRETCH = 512
# So many lines of one kind make a log, and they begin so early in the file (characters).
ENOUGH, EARLY = 3, 2**25
# A document of more blocks is no manifest.
MOST = 32
PAGE = re.compile(r"\s*(?:<[!?a-zA-Z]|%PDF|\{\\rtf)")


def recognises(source: Source) -> bool:
    """Whether three lines of one kind tell a loss, and when it was."""
    if source.folder or not (head := head_of(source)) or PAGE.match(head):
        return False
    if is_plain_table(source.head) or _document(source.path, head):
        return False
    kinds: Counter[tuple[str, ...]] = Counter()
    undated: dict[tuple[str, ...], set[str]] = {}
    try:
        for phrase, numbers in _phrases(source.path, EARLY):
            losses = [(place, name) for place, role, name in phrase.roles if role == "value" and is_loss(name)]
            if not losses:
                continue
            kind = tuple(name for _, name in losses)
            if phrase.clock:
                kinds[kind] += 1
            elif "." in (text := numbers[losses[0][0]]):
                undated.setdefault(kind, set()).add(text)
            if kinds[kind] >= ENOUGH or len(undated.get(kind, ())) >= ENOUGH:
                return True
    except OSError:
        return False
    return False


def read(path: Path) -> list[Log]:
    """Every line that tells a loss, or a rate with its step.

    Raises:
        UnreadableRun: there is none.
    """
    printed = Printed()
    mould: Mould | None = None
    for block in blocks_of(path):
        lines = block.removesuffix("\n").split("\n")
        for begin in range(0, len(lines), STRETCH):
            some = lines[begin : begin + STRETCH]
            columns = mould.columns(some) if mould and len(some) > ENOUGH else None
            if mould and columns:
                # The first may belong to the line before, and what follows asks where the last one stood.
                _take(printed, some[:1])
                inner = [column[1:-1] for column in columns]
                some = some[-1:] if printed.take_many(mould, inner) else some[1:]
            mould = _take(printed, some) or mould
    return [printed.log(path)]


def _take(printed: Printed, lines: Sequence[str]) -> Mould | None:
    """Take lines one by one; the mould of the last one that told something."""
    texts: tuple[str, ...] = ()
    for line in lines:
        for text in shown(line):
            if not printed.begun:
                printed.preamble(text)
            if _signs(text):
                parts = split(text)
                told = tuple(parts[::2])
                phrase = phrase_of(told)
                printed.take(phrase, parts[1::2])
                texts = told if phrase.tells else texts
    return mould_of(texts) if texts else None


def _document(path: Path, head: str) -> bool:
    """Whether the whole file is one JSON value: what its strings tell was not printed."""
    if not head.lstrip().startswith(("{", "[")):
        return False
    try:
        json.loads("".join(islice(blocks_of(path), MOST)))
    except WRONG:
        return False
    return True


def _phrases(path: Path, limit: int) -> Iterator[tuple[Phrase, list[str]]]:
    passed = 0
    for line in lines_of(path):
        for text in shown(line):
            if _signs(text):
                parts = split(text)
                phrase = phrase_of(tuple(parts[::2]))
                if phrase.tells:
                    yield phrase, parts[1::2]
        passed += len(line) + 1
        if passed > limit:
            return


def _signs(text: str) -> bool:
    if len(text) > LONGEST:
        return False
    low = text.lower()
    return any(sign in low for sign in SIGNS)
