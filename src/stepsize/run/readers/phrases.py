"""What the numbers in a printed line are: `step 100/1000 | loss 2.31 | lr 3e-4` says which is which.

A line is cut at its numbers. The text before a number names it, as far back as the last separator; lines that
differ in nothing but their numbers are understood once.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, final

from stepsize.run.readers.guessed import OTHERS
from stepsize.run.readers.names import TRAINING, VALIDATION, WORD, house_name
from stepsize.run.readers.settings import is_setting

Role = Literal["step", "steps", "epoch", "epochs", "within", "each", "value"]

# A number stands free of words; 1,234 is one, but [1,200] are two.
NUMBER = re.compile(
    r"(?<![\w.@])(?<!\d,)"
    r"([+-]?(?:(?<!\[)\d{1,3}(?:,\d{3})+(?![\d,])|\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\d.]\d)"
    r"|[+-]?(?:nan|inf|infinity)\b)",
    re.IGNORECASE,
)
# Between a number and its name.
FILLED = re.compile(
    r"(?:(?:tensor|array|float\d*|np\.float\d+)\s*\(\[?|[\s:=\"'`~\[({<>*#.]|\bis\b|\bwas\b|\bat\b|\bof\b)+$", re.I
)
SEPARATOR = re.compile(r"[|,;:\[\](){}<>\"'=\t]|\s-+\s|\s{3,}|[\u2010-\u27ff]")
# mmengine and PyTorch's examples put the part of the data in brackets: Epoch(train), [val].
BRACKETED = re.compile(r"[(\[](train|val|valid|validation|eval|test)[)\]]", re.I)
# Words before the name of a quantity that are no part of it.
AROUND = frozenset({
    *("with", "the", "a", "an", "and", "for", "on", "in", "to", "from", "after", "this", "now", "has", "got"),
    *("info", "debug", "warning", "rank", "worker", "gpu", "host", "global", "local", "current", "cur", "new"),
    *("finished", "done", "complete", "completed", "ended", "end", "starting", "begin"),
    *("result", "results", "metrics", "stats", "summary"),
})  # fmt: skip
STEPS = frozenset({"step", "steps", "iter", "iters", "iteration", "iterations", "it", "itr", "update", "updates"})
BATCHES = frozenset({"batch", "batches", "minibatch", "mb"})
COUNTED = ({"num", "updates"}, {"n", "iter"}, {"optimizer", "step"}, {"global", "step"})
# Not "epochs": those are how many there will be.
EPOCHS = frozenset({"epoch", "ep"})
PARTS = VALIDATION | {"test", "testing", "evaluating", "validating"}
# Of lines like these nothing is taken.
BESIDE = re.compile(r"train_runtime|checkpoint|\.ckpt|\bsav(?:ed|ing)\b|\bbest\b|\bload(?:ed|ing)\b|early stop", re.I)
# So a line of settings begins, as Namespace(lr=0.1, ...): nothing in it is a row.
LISTED = re.compile(
    r"(?:Namespace|Arguments|Config|args|config|hparams|params)\w{0,40}\s{0,8}[:=]?\s{0,8}[({]", re.IGNORECASE
)
# What stands before the message: a file, a day as glog writes it.
FILE = re.compile(r"\.(?:py|cc|cpp|rs)$|^[IWEFT]\d*$")
LONGEST_NAME, MOST_WORDS = 60, 5
RATES = ("lr", "grad_norm", "update_ratio")


@final
@dataclass(frozen=True, slots=True)
class Phrase:
    """How the numbers of a line are to be read.

    Attributes:
        roles: what each number is that is anything: its place among the numbers, its role, and its name.
        part: "val" or "test" for a line that speaks of other data than the training's; else empty.
        tells: whether there is a loss in it, or a rate with a clock.
        samples: whether its place within the epoch counts examples, not updates.
        clock: whether it says when.
        rate: which number is the rate; -1 if none is.
    """

    roles: tuple[tuple[int, Role, str], ...] = ()
    part: str = ""
    tells: bool = False
    samples: bool = False
    clock: bool = False
    rate: int = -1

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the quantities in it."""
        return tuple(name for _, role, name in self.roles if role == "value")


NOTHING = Phrase()


def split(line: str) -> list[str]:
    """The text and the numbers in turn: texts at even places, numbers at odd ones."""
    return NUMBER.split(line)


@lru_cache(maxsize=8192)
def phrase_of(texts: tuple[str, ...]) -> Phrase:
    """What the texts around the numbers of a line say of them.

    >>> phrase_of(("step ", "/", " | loss ", "")).roles
    ((0, 'step', 'step'), (1, 'steps', ''), (2, 'value', 'loss'))
    """
    told = " ".join(texts)
    if BESIDE.search(told) or LISTED.search(told):
        return NOTHING
    said = _Said()
    for place in range(len(texts) - 1):
        said.hear(place, texts)
    return said.phrase(texts)


@final
@dataclass
class _Said:
    """A line while it is understood, from left to right."""

    roles: list[tuple[int, Role, str]] = field(default_factory=list)
    part: str = ""
    last: Role | None = None

    def hear(self, place: int, texts: tuple[str, ...]) -> None:
        """Number `place`, with all the texts of the line."""
        bare = FILLED.sub("", BRACKETED.sub(r" \1 ", texts[place]))
        if not WORD.search(bare):
            self._unnamed(place, texts)
            return
        *before, piece = SEPARATOR.split(bare)
        for other in before:
            self._part_in(other)
        self._named(place, piece, texts[place + 1])

    def _unnamed(self, place: int, texts: tuple[str, ...]) -> None:
        between, after = texts[place].strip(), texts[place + 1].strip()
        # 2023/01/31 is a day
        ratio = after == "/" and texts[place + 2 : place + 3] != ("/",)
        role: Role | None = None
        if between in ("/", "of") and self.last in ("step", "epoch", "within"):
            role = {"step": "steps", "epoch": "epochs", "within": "each"}[self.last]  # type: ignore[assignment]
        elif ratio and not between.endswith("(") and not self._has("within", "step"):
            role = "within"
        elif place == 0 and between.endswith("[") and after == ",":
            role = "epoch"
        elif between == "," and self.last == "epoch" and after.startswith("]"):
            role = "within"
        self._put(place, role, "")

    def _named(self, place: int, piece: str, after: str) -> None:
        name = _name(piece)
        spoken = {word.lower() for word in WORD.findall(name)}
        core = spoken - TRAINING - PARTS
        role = _counts(core) or ("value" if FILE.search(name) is None and 0 < len(name) <= LONGEST_NAME else None)
        if spoken and spoken <= PARTS:
            # Test: [ 10/100]
            role = "within" if after.strip()[:1] == "/" else None
        if role == "value" and self.part and not spoken & (TRAINING | PARTS) and house_name(name) not in RATES:
            name = f"{self.part} {name}"
        elif role != "value" or not self._has("value"):
            self._part_in(name)
        if role == "step" and core in COUNTED:
            # the surer of two counts
            self.roles = [other for other in self.roles if other[1] != "step"]
        self._put(place, role, name)

    def _put(self, place: int, role: Role | None, name: str) -> None:
        if role is not None and (role == "value" or not self._has(role)):
            self.roles.append((place, role, name))
            self.last = role
        else:
            self.last = None

    def _has(self, *roles: Role) -> bool:
        return any(role in roles for _, role, _ in self.roles)

    def _part_in(self, text: str) -> None:
        words = {word.lower() for word in WORD.findall(text)}
        if not self.part and len(words) <= 4 and words & PARTS and not words & TRAINING:
            self.part = "test" if words & {"test", "testing"} else "val"

    def phrase(self, texts: tuple[str, ...]) -> Phrase:
        measured = [name for _, role, name in self.roles if role == "value"]
        clock = self._has("step", "epoch", "within")
        tells = any(is_loss(name) for name in measured)
        stated = not self._has("step") and any(is_setting(name) for name in measured)
        tells = tells or (clock and not stated and any(house_name(name) in RATES for name in measured))
        each = next((place for place, role, _ in self.roles if role == "each"), len(texts))
        # PyTorch's MNIST example: [640/60000 (1%)]
        samples = [text.strip()[:1] for text in texts[each + 1 : each + 3]] == ["(", "%"]
        part = self.part if not any(house_name(name) == "loss" for name in measured) else ""
        rate = next((place for place, role, name in self.roles if role == "value" and house_name(name) == "lr"), -1)
        return Phrase(tuple(self.roles), part, tells, samples, clock, rate)


def _name(piece: str) -> str:
    """The name that a piece of text ends with; empty for a sentence."""
    words = [word for word in piece.split() if WORD.search(word)]
    around = [k for k, word in enumerate(words) if word.lower().strip(".-!") in AROUND]
    words = words[around[-1] + 1 :] if around else words
    return " ".join(words).strip("-.*#!> ") if len(words) <= MOST_WORDS else ""


def _counts(words: set[str]) -> Role | None:
    """Of which clock the words are the name."""
    if words and words <= EPOCHS:
        return "epoch"
    if words and (words <= STEPS or words in COUNTED):
        return "step"
    return "within" if words and words <= BATCHES else None


@lru_cache(maxsize=4096)
def is_loss(name: str) -> bool:
    """Whether a name speaks of a loss.

    >>> is_loss("tr_loss"), is_loss("loss scale"), is_loss("accuracy")
    (True, False, False)
    """
    words = {word.lower() for word in WORD.findall(name)}
    return "loss" in words and not words & (OTHERS - {"test"})


def number(text: str) -> float:
    """The number a text spells; NaN where it spells none."""
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return float(text.replace(",", ""))
    except ValueError:
        return math.nan
