"""What Megatron-LM and Megatron-DeepSpeed print: ` iteration 10/ 1000 | learning rate: 1.5E-04 | lm loss: 7.1E+00 |`.

A line tells the mean loss since the last one, and the rate and gradient norm of the last update. With mixed
precision, iterations whose gradients overflow are skipped: they are counted, and make no update.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, final

from stepsize.run.log import Log
from stepsize.run.readers.form import is_plain_table
from stepsize.run.readers.guessed import with_losses
from stepsize.run.readers.lines import head_of, lines_of, shown
from stepsize.run.readers.phrases import number
from stepsize.run.readers.rows import Gathered
from stepsize.run.readers.settings import Stated, whole
from stepsize.run.readers.source import Source

FORMAT = "a log of Megatron"
LINE = re.compile(r"iteration +(\d{1,15}) */ *(\d{1,15}) *\|(.*\|)")
VALIDATION = re.compile(r"validation loss at iteration +(\d{1,15})\b(.*)")
ARGUMENT = re.compile(r"^(?:\[\w+\]: ?|\d+: ?)? +([a-z]\w*) \.{2,} (\S+)\s*$")
PAIR = re.compile(r"([A-Za-z][\w ./()-]*?): *([+-]?(?:\d+\.?\d*(?:[eE][+-]?\d+)?|nan|inf))(?![\w.])", re.IGNORECASE)
# A line of Megatron's has one of these.
MARKS = ("elapsed time per iteration", "consumed samples", "number of skipped iterations")
LOSS, SKIPPED = "lm loss", "number of skipped iterations"
# Its own name of a quantity -> what the column is called.
NAMES = {"learning rate": "lr", "grad norm": "grad_norm", LOSS: "loss", SKIPPED: "skipped"}
# Arguments that count on one device alone.
LOCAL = {"batch_size", "micro_batch_size"}
# The arguments and the machines' own talk come first.
EARLY = 2**25


def recognises(source: Source) -> bool:
    """Whether one of its lines is there, after all the talk that may stand first."""
    if not head_of(source) or is_plain_table(source.head):
        return False
    try:
        passed = 0
        for line in lines_of(source.path):
            if "iteration" in line and LINE.search(line) and any(mark in line for mark in MARKS):
                return True
            passed += len(line) + 1
            if passed > EARLY:
                break
    except OSError:
        pass
    return False


def read(path: Path) -> list[Log]:
    """Loss, rate, gradient norm and validation loss by iteration, with the arguments as settings."""
    told = _Told()
    for line in lines_of(path):
        if "iteration" in line:
            for text in shown(line):
                told.iteration(text)
        elif " .." in line and (found := ARGUMENT.match(line)) and found[1] not in LOCAL:
            told.stated.take({found[1]: found[2]})
    return [told.log(path)]


@final
class _Told:
    """What the lines told so far."""

    def __init__(self) -> None:
        self.stated = Stated()
        self._gathered = Gathered()
        self._planned = self._skipped = 0
        self._lines: list[int] = []

    def iteration(self, text: str) -> None:
        if found := LINE.search(text):
            row = self._row(int(found[1]), found[3])
            self._planned = int(found[2])
            self._skipped += whole(row.get("skipped"))
            self._lines.append(int(found[1]))
        elif (found := VALIDATION.search(text)) and " test" not in text:
            row = {"iteration": int(found[1])}
            values = {name.strip(): number(value) for name, value in PAIR.findall(found[2])}
            if f"{LOSS} value" in values:
                row["val_loss"] = values[f"{LOSS} value"]
            row.update({f"validation {name}": value for name, value in values.items() if name != f"{LOSS} value"})
        else:
            return
        self._gathered.add(row)

    def log(self, path: Path) -> Log:
        columns, guessed = with_losses(self._gathered.columns(path))
        every = self._every()
        notes = [f"each loss is the mean of about {every} iterations"] if every > 1 else []
        if self._skipped:
            notes.append(
                f"{self._skipped} iterations were skipped because of overflow in mixed precision: they made no update,"
                " and while all are skipped the rate is printed as 0 and no loss is"
            )
        said = (*notes, *self._gathered.notes, *guessed)
        return Log(columns, steps=self._planned or self.stated.steps, settings=self.stated.settings, notes=said)

    def _row(self, iteration: int, text: str) -> dict[str, Any]:
        pairs = (PAIR.search(part) for part in text.split("|"))
        named = {found[1].strip(): number(found[2]) for found in pairs if found}
        return {"iteration": iteration, **{NAMES.get(name, name): value for name, value in named.items()}}

    def _every(self) -> int:
        gaps = sorted(b - a for a, b in zip(self._lines, self._lines[1:], strict=False) if b > a)
        return gaps[len(gaps) // 2] if gaps else 0
