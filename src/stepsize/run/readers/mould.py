"""`Mould`: one kind of printed line as a pattern, by which many lines are read at once.

Lines that differ in nothing but their numbers are most of a long log. To cut each at its numbers takes ten times as
long as to see that a stretch of them has one shape.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import final

from stepsize.run.readers.phrases import Phrase, phrase_of

# A number that is read is written plainly; one that is passed over may have thousands, as the time 10:00:00,123 does.
PLAIN = r"[+-]?(?:\d{1,32}\.?\d{0,32}|\.\d{1,32})(?:[eE][+-]?\d{1,5})?|[+-]?(?:nan|NaN|inf|Inf)\b"
COUNT = r"\d{1,15}"
ANY = r"[+-]?[\d.][\d.,]{0,40}(?:[eE][+-]?\d{1,5})?"


@final
@dataclass(frozen=True, slots=True)
class Mould:
    """The shape of a line.

    Attributes:
        phrase: what its numbers are.
        pattern: matches such a line, with a group for the step and for each quantity.
        clock: what the step is called.
        names: the quantities, in the order of their groups, which follow that of the step.
        rate: which of them is the rate; -1 if none is.
    """

    phrase: Phrase
    pattern: re.Pattern[str]
    clock: str
    names: tuple[str, ...]
    rate: int

    def columns(self, lines: Sequence[str]) -> list[tuple[str, ...]] | None:
        """The step and the quantities of the lines, as they are written; None unless all have this shape."""
        rows = self.pattern.findall("\n".join(lines))
        return list(zip(*rows, strict=True)) if len(rows) == len(lines) else None


@lru_cache(maxsize=256)
def mould_of(texts: tuple[str, ...]) -> Mould | None:
    """The shape of lines with these texts around their numbers; None where a line depends on those before it.

    So it is with epochs, and places in one; and where numbers are parted by a comma alone, as thousands are.
    """
    phrase = phrase_of(texts)
    roles = [role for _, role, _ in phrase.roles]
    first: dict[str, int] = {}
    for place, role, name in phrase.roles:
        if role == "value":
            first.setdefault(name, place)
    if not phrase.tells or phrase.part or "step" not in roles or {*roles} - {"step", "steps", "value"}:
        return None
    step, clock = next((place, name) for place, role, name in phrase.roles if role == "step")
    if "," in texts or any(place < step for place in first.values()):
        return None
    told = {step: f"({COUNT})", **dict.fromkeys(first.values(), f"({PLAIN})")}
    body = re.escape(texts[0]) + "".join(told.get(place, ANY) + re.escape(text) for place, text in enumerate(texts[1:]))
    names = tuple(first)
    rate = next((k for k, name in enumerate(names) if first[name] == phrase.rate), -1)
    return Mould(phrase, re.compile(f"^{body}$", re.MULTILINE), clock, names, rate)
