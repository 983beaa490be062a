"""What Keras prints while it fits: `Epoch 1/3`, then `5/5 - 0s - 4ms/step - loss: 0.65 - val_loss: 0.62`.

With verbose=1 the second line is a progress bar that is written over and over; what it shows within an epoch are
means from the epoch's start, so only its last state, the one with the validation, is read.
"""

from __future__ import annotations

import re
from pathlib import Path

from stepsize.run.log import Log
from stepsize.run.readers.guessed import with_losses
from stepsize.run.readers.lines import head_of, lines_of, shown
from stepsize.run.readers.phrases import number
from stepsize.run.readers.rows import Gathered
from stepsize.run.readers.source import Source

FORMAT = "what Keras prints"
EPOCH = re.compile(r"^\s*Epoch (\d{1,15})/(\d{1,15})\s*$")
# A bar or a count of batches; then times; then the means.
BAR = re.compile(r"^\s*(\d{1,15})/(\d{1,15}|Unknown)\b.*?(?:/step|/sample|s|ETA: [\d:]+)\s+-\s+(\w.*)$")
PAIR = re.compile(r"([A-Za-z_][\w/.@-]*): ([+-]?(?:\d+\.?\d*(?:[eE][+-]?\d+)?|nan|inf))(?![\w.])", re.IGNORECASE)
LONGEST = 4096


def recognises(source: Source) -> bool:
    """Whether an epoch is begun as Keras does, and a line of its means follows."""
    begun = False
    for line in head_of(source).split("\n"):
        for text in shown(line):
            begun = begun or EPOCH.match(text) is not None
            if begun and (bar := _means(text)) and "loss" in bar[2]:
                return True
    return False


def read(path: Path) -> list[Log]:
    """Every epoch with the means at its end; the epochs are counted from 1, as they are printed."""
    gathered = Gathered()
    epoch = epochs = batches = 0
    last: dict[str, float] = {}
    cut = False
    for line in lines_of(path):
        for text in shown(line):
            if found := EPOCH.match(text):
                if last:
                    gathered.add({"epoch": epoch, **last})
                epoch, epochs, last, cut = int(found[1]), int(found[2]), {}, False
            elif epoch and (bar := _means(text)):
                _, batches, last = bar[0], bar[1] or batches, bar[2]
                cut = bar[0] < bar[1]
    notes = ["read as Keras prints it: epochs, with the mean of each at its end"]
    if last and not cut:
        gathered.add({"epoch": epoch, **last})
    elif last:
        notes.append(f"epoch {epoch} was not finished and is left out")
    columns, guessed = with_losses(gathered.columns(path))
    settings = {"epochs": epochs, **({"batches": batches} if batches else {})}
    return [Log(columns, settings=settings, notes=(*notes, *gathered.notes, *guessed))]


def _means(text: str) -> tuple[int, int, dict[str, float]] | None:
    """The batch, the number of batches (0 where it is unknown), and the means so far."""
    if len(text) > LONGEST or " - " not in text or (found := BAR.match(text)) is None:
        return None
    means = {name: number(value) for name, value in PAIR.findall(found[3])}
    return (int(found[1]), int(found[2]) if found[2].isdigit() else 0, means) if means else None
