"""`Printed`: rows out of printed lines, each with the step it belongs to, or the last one that was printed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import final

from stepsize.run.log import Log
from stepsize.run.readers.guessed import with_losses
from stepsize.run.readers.mould import Mould
from stepsize.run.readers.object_rows import FILTER
from stepsize.run.readers.phrases import LISTED, Phrase, number
from stepsize.run.readers.rows import Gathered
from stepsize.run.readers.settings import Stated, is_setting

# A line of settings: `lr: 0.1`, `lr ........ 0.1`; and many on one line: Namespace(lr=0.1, ...), `--lr 0.1 ...`.
STATED = re.compile(r"^[\s\-*|]*([A-Za-z][\w /-]{0,40}?)\s*(?:\.{2,}|[:=])\s*['\"]?([\w.,+-]+?)['\"]?,?\s*$")
PAIR = re.compile(r"['\"]?([A-Za-z]\w{0,40})['\"]?\s*[:=]\s*['\"]?([\w.+-]+)")
FLAG = re.compile(r"--([A-Za-z][\w-]{0,40})[ =]([\w.+-]+)")
# So many lines before the first row are looked at for settings, and so many names are kept.
PREAMBLE, MOST = 20_000, 256
LONGEST = 20_000
# Beyond this a float is no longer a whole number of steps.
LAST_STEP = 2**53


@final
class Printed:
    """Lines as they come; `log` at the end.

    Attributes:
        begun: whether a line told something already.
    """

    def __init__(self) -> None:
        self.begun = False
        self._gathered = Gathered()
        self._stated = Stated()
        self._looked = 0
        self._names: set[str] = set()
        self._waiting: tuple[dict[str, float], dict[str, float]] = ({}, {})
        self._clocks: Counter[str] = Counter()
        self._place = _Place()
        self._brackets = self._samples = False
        self._decimals = 0

    def preamble(self, text: str) -> None:
        """Look for settings in a line before the first row."""
        self._looked += 1
        if self._looked > PREAMBLE or len(text) > LONGEST:
            return
        if found := STATED.match(text):
            self._stated.take({found[1]: found[2].replace(",", "")})
        elif (pairs := dict(PAIR.findall(text) + FLAG.findall(text))) and (
            LISTED.search(text) or (len(pairs) > 1 and any(map(is_setting, pairs)))
        ):
            self._stated.take(pairs)

    def take(self, phrase: Phrase, numbers: Sequence[str]) -> None:
        """What a line tells; one that has no more than a clock says where the next ones stand."""
        row: dict[str, float] = {}
        clock: dict[str, float] = {}
        for place, role, name in phrase.roles:
            if role != "value":
                if 0 <= (count := number(numbers[place])) <= LAST_STEP:
                    clock[role] = count
                if role == "step":
                    self._clocks[name] += phrase.tells
            elif name not in row and (name in self._names or len(self._names) < MOST):
                row[name] = number(numbers[place])
        at = self._place.now(clock, phrase)
        if not phrase.tells:
            return
        self.begun = True
        self._names.update(row)
        self._samples = self._samples or phrase.samples
        if phrase.rate >= 0 and not self._decimals:
            self._decimals = decimals_of_zero(numbers[phrase.rate])
        self._add(at, row)

    def take_many(self, mould: Mould, columns: Sequence[Sequence[str]]) -> bool:
        """What many lines of one shape tell that follow one such line; False where epochs are counted with them."""
        if self._place.has_epochs or not self._names.issuperset(mould.names):
            return False
        told, before = self._waiting[::-1]
        if told:
            self._gathered.add({**told, **before})
        self._waiting = {}, {}
        self._gathered.extend(("step", *mould.names), columns)
        self._clocks[mould.clock] += len(columns[0])
        if mould.rate >= 0 and not self._decimals and 0.0 in map(float, columns[1 + mould.rate]):
            self._decimals = next((many for text in columns[1 + mould.rate] if (many := decimals_of_zero(text))), 0)
        return True

    def log(self, path: Path) -> Log:
        """All of it; raises UnreadableRun where nothing was told."""
        self._add({}, {})
        columns, guessed = with_losses(self._gathered.columns(path))
        if self._place.epochs:
            self._stated.settings.setdefault("epochs", self._place.epochs)
        notes = (*self._meant(), *self._gathered.notes, *guessed, *self._doubts())
        return Log(
            columns, steps=self._place.planned() or self._stated.steps, settings=self._stated.settings, notes=notes
        )

    def _add(self, at: dict[str, float], row: dict[str, float]) -> None:
        """Take a row; lines that tell different things of one place are one row."""
        before, told = self._waiting
        if at and at == before and not row.keys() & told.keys():
            told.update(row)
            return
        if told:
            self._gathered.add({**told, **before})
        self._waiting = at, row

    def _meant(self) -> list[str]:
        read = [f"{own!r} as {house}" for house, own in self._gathered.read_as.items() if own != house]
        if self._clocks:
            read.insert(0, f"{self._clocks.most_common(1)[0][0]!r} as the step")
        elif self._place.barred:
            read.insert(0, "the count of the progress bar, or the place in the epoch, as the step")
        return [f"read from printed text: {', '.join(read)}"] if read else ["read from printed text"]

    def _doubts(self) -> list[str]:
        notes = []
        if self._place.counted:
            notes.append("the place in the epoch was counted on through all epochs to get steps")
        if self._samples:
            notes.append("the place in the epoch counts examples, not updates: it was not read as the step")
        if {"loss", "learning_rate"} <= self._names and self._place.fractions:
            notes.append(FILTER)
        if self._decimals:
            notes.append(rounding(self._decimals))
        return notes


def decimals_of_zero(text: str) -> int:
    """With how many decimals a zero is printed; 0 for any other number, and for a plain 0.

    >>> decimals_of_zero("0.000000"), decimals_of_zero("1e-7"), decimals_of_zero("0")
    (6, 0, 0)
    """
    whole, point, rest = text.partition(".")
    return len(rest) if point and set(whole + rest) == {"0"} else 0


def rounding(decimals: int) -> str:
    """The sentence that says what a rate printed as zero may be."""
    return f"the rate is printed with {decimals} decimals: one below {0.5 * 10**-decimals:.0e} reads as 0"


@final
class _Place:
    """Where in the training a line stands.

    Attributes:
        epochs: planned; 0 where nothing says.
        counted: whether steps were made of epochs and places in them.
        barred: whether a place in an epoch, or on a progress bar, was read as the step.
        fractions: whether epochs are told as fractions, as Hugging Face does: they are no clock then.
    """

    def __init__(self) -> None:
        self.epochs = 0
        self.counted = self.barred = self.fractions = False
        self._steps = 0
        self._epoch: float | None = None
        self._step: float | None = None
        self._first = 1.0
        self._passes = 0
        self._last: tuple[float, float] | None = None
        self._bar: tuple[float, float] | None = None
        self._inner = False

    @property
    def has_epochs(self) -> bool:
        """Whether the place of a line depends on the epoch that was told before."""
        return self._inner or self._epoch is not None

    def planned(self) -> int:
        """The updates planned, where the lines say."""
        if self._inner or (self.counted and self._epoch is not None):
            return self._steps * self.epochs
        return self._steps * max(1, self._passes + 1)

    def now(self, clock: dict[str, float], phrase: Phrase) -> dict[str, float]:
        """The clock of a line: what it says, else what was said last."""
        own = "epoch" in clock and not self._fraction(clock["epoch"])
        if own:
            self._epoch = clock["epoch"]
            self._first = min(self._first, self._epoch)
            self.epochs = max(self.epochs, int(clock.get("epochs", 0)))
        step = None if phrase.part else self._training(clock, phrase)
        if step is not None:
            self._step = step
        elif not own or phrase.part:
            step = self._step if self._step is not None else self._from_bar(phrase.tells)
        at = {"step": step, "epoch": clock.get("epoch", self._epoch)}
        return {name: value for name, value in at.items() if value is not None}

    def _fraction(self, epoch: float) -> bool:
        self.fractions = self.fractions or epoch != int(epoch)
        return self.fractions

    def _training(self, clock: dict[str, float], phrase: Phrase) -> float | None:
        if "step" in clock:
            return self._named(clock["step"], clock.get("steps", 0.0))
        if "within" not in clock or phrase.samples:
            return None
        if not phrase.tells:
            # whatever has a progress bar: it may be a download
            self._bar = clock["within"], clock.get("each", 0.0)
            return None
        return self._within(clock["within"], clock.get("each", 0.0))

    def _from_bar(self, tells: bool) -> float | None:
        """The step where a bar stood when a line without one told something."""
        return self._within(*self._bar) if tells and self._bar else None

    def _within(self, within: float, each: float) -> float:
        self.barred = True
        self._steps = int(each) or self._steps
        return within + (self._before(within, each) if each else 0.0)

    def _named(self, step: float, steps: float) -> float:
        """A step that is called so; it may still begin anew in every epoch."""
        self._steps = int(steps) or self._steps
        if self._last and self._epoch is not None and step < self._last[1] and self._epoch > self._last[0] and steps:
            self._inner = self.counted = True
        if self._epoch is not None:
            self._last = (self._epoch, step)
        return step + ((self._epoch or 0.0) - self._first) * steps if self._inner and steps else step

    def _before(self, within: float, each: float) -> float:
        if self._epoch is not None:
            self.counted = True
            return max(0.0, self._epoch - self._first) * each
        if self._last and within < self._last[1] and self._last[1] > 0.9 * each:
            self._passes += 1
            self.counted = True
        self._last = (0.0, within)
        return self._passes * each
