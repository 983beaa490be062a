"""`trainer_state.json`, which Hugging Face's Trainer keeps beside every checkpoint and at the end.

Its `log_history` has a row every `logging_steps` updates, `{loss, grad_norm, learning_rate, epoch, step}`, a row for
every evaluation, `{eval_loss, ..., epoch, step}`, and at the end of a training a row of totals whose `train_loss` is
the mean over all of it. Two things in it are known to be untrue; the notes say them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from stepsize.errors import UnreadableRun
from stepsize.run.column import Column
from stepsize.run.log import Log
from stepsize.run.readers.guessed import with_losses
from stepsize.run.readers.lines import blocks_of, head_of
from stepsize.run.readers.object_rows import FILTER, cleaned
from stepsize.run.readers.objects import WRONG
from stepsize.run.readers.rows import Gathered, number_of
from stepsize.run.readers.settings import whole
from stepsize.run.readers.source import Source

FORMAT = "a Hugging Face trainer_state.json"
NAME = "trainer_state.json"
# Only the row of totals has these.
TOTALS = {"train_runtime", "train_loss", "train_samples_per_second"}

RATE = (
    "learning_rate is the rate of the next update in Transformers before 4.51 and that of the update just made since"
    " then; it is shown as it was logged"
)
DECODER = json.JSONDecoder()


def recognises(source: Source) -> bool:
    """Whether it is such a file, or a folder with one, or with checkpoints that have one."""
    if source.folder:
        return _latest(source.path) is not None
    head = head_of(source).lstrip()
    return head.startswith("{") and '"log_history"' in head


def read(path: Path) -> list[Log]:
    """The one training in it; of a folder of checkpoints, as the latest tells it.

    Raises:
        UnreadableRun: it is no such document, or nothing was logged yet.
    """
    file = (_latest(path) or path) if path.is_dir() else path
    state, cut = _state(file)
    history = [cleaned(row) for row in state["log_history"] if isinstance(row, dict)]
    if not history:
        raise UnreadableRun(f"{file}: log_history is empty: nothing was logged yet")
    gathered = Gathered()
    for row in history:
        if not (TOTALS & row.keys() and "loss" not in row):
            gathered.add(row)
    columns, guessed = with_losses(gathered.columns(file))
    steps, planned = _planned(state, columns)
    notes = (*_lies(columns), *_rows(state, columns), *planned, *gathered.notes, *guessed, *cut)
    return [Log(columns, steps=steps, settings=_settings(state), notes=notes)]


def _latest(folder: Path) -> Path | None:
    """The state in the folder, else that of its latest checkpoint."""
    if (folder / NAME).is_file():
        return folder / NAME
    found = [file for file in folder.glob(f"checkpoint-*/{NAME}") if file.parent.name[11:].isdigit()]
    return max(found, key=lambda file: int(file.parent.name[11:]), default=None)


def _state(path: Path) -> tuple[dict[str, Any], list[str]]:
    """The document, and a sentence if it was cut off."""
    text = "".join(blocks_of(path))
    try:
        state = json.loads(text)
    except WRONG as error:
        rows = list(_rows_until_damage(text))
        if not rows:
            raise UnreadableRun(f"{path}: not a JSON document: {error}") from error
        return {"log_history": rows}, [f"the file is damaged: {len(rows)} rows could be read"]
    if not isinstance(state, dict) or not isinstance(state.get("log_history"), list):
        raise UnreadableRun(f"{path}: expected an object with a list under log_history")
    return state, []


def _rows_until_damage(text: str) -> Iterable[Any]:
    at = text.find('"log_history"')
    at = text.find("[", at) + 1 if at >= 0 else 0
    while at:
        while at < len(text) and text[at] in " \t\r\n,":
            at += 1
        try:
            row, at = DECODER.raw_decode(text, at)
        except WRONG:
            return
        yield row


def _settings(state: dict[str, Any]) -> dict[str, Any]:
    epochs, batch = number_of(state.get("num_train_epochs")), whole(state.get("train_batch_size"))
    found: dict[str, Any] = {"epochs": whole(epochs) or epochs} if epochs and math.isfinite(epochs) else {}
    return {**found, **({"batch_size": batch} if batch else {})}


def _planned(state: dict[str, Any], columns: dict[str, Column]) -> tuple[int, list[str]]:
    """The length planned; old files leave it to be worked out."""
    steps, made = whole(state.get("max_steps")), whole(state.get("global_step"))
    if not steps:
        epoch, epochs = number_of(state.get("epoch")) or 0.0, number_of(state.get("num_train_epochs")) or 0.0
        steps = round(made / epoch * epochs) if made and 0 < epoch <= epochs < math.inf else 0
        return steps, [f"max_steps is not stated: {steps} was worked out from the epochs"] if steps else []
    made = made or max((int(column.step[-1]) for column in columns.values()), default=0)
    cut = [f"this is the state at update {made} of {steps} planned, not at the end"] if made < steps else []
    return steps, cut


def _rows(state: dict[str, Any], columns: dict[str, Column]) -> list[str]:
    """What one value of the loss is."""
    loss = columns.get("loss")
    if loss is None:
        return []
    every = whole(state.get("logging_steps"))
    if not every and loss.step.size > 1:
        every = int(np.median(np.diff(loss.step)))
    return [f"each loss is the mean of about {every} updates"] if every > 1 else []


def _lies(columns: dict[str, Column]) -> list[str]:
    """What is known to be untrue in such files, said louder where it shows."""
    notes = [FILTER]
    if sign := _hidden(columns):
        notes.append(f"{sign}: that is how a hidden NaN looks; do not trust the loss from there on")
    return [*notes, RATE] if "lr" in columns else notes


def _hidden(columns: dict[str, Column]) -> str:
    loss, norm = columns.get("loss"), columns.get("grad_norm")
    if loss is not None and (zeros := loss.step[loss.value == 0]).size:
        return f"the loss is exactly 0 at update {zeros[0]}"
    if loss is not None and norm is not None:
        lost = norm.step[~np.isfinite(norm.value)]
        told = np.intersect1d(lost, loss.step[np.isfinite(loss.value)])
        if told.size:
            return f"the gradient norm is not finite at update {told[0]} while the loss is"
    return ""
