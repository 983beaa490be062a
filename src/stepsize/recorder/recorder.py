"""`Recorder`: three lines in any loop, and its log is one that `Run.read` and `diagnose` understand."""

from __future__ import annotations

import json
import os
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any, final

from stepsize._codec import summary
from stepsize.errors import InvalidTraining
from stepsize.recorder.journal import Journal
from stepsize.recorder.mirrors import Mirrors
from stepsize.recorder.pages import Fetch, Pages
from stepsize.run.readers.recorded import SCHEMA


@final
class Recorder:
    """Writes what a training does, update by update, into a file that only grows.

    The file has one JSON object a line: a head, then a row an update, numbered from 0. Rows are handed to the
    operating system once a second at the latest, if updates go on: a kill loses what came after that. Opened
    again, the file is gone on with: a row whose number was there before takes over from the rows after it. A
    disk that is full is warned of once, and the training goes on.

    `stepsize.torch.Recorder`, `stepsize.keras.Recorder` and `stepsize.optax.Recorder` measure gradients and updates
    as well. This one writes down what it is given.

    Args:
        path: of the file, for example "run.jsonl".
        steps: optimizer updates planned; with it, more can be said of the rate. 0 if you do not know.
        start: the number of the first update; after a resume, of the next one.
        also: besides the file: a TensorBoard `SummaryWriter`, a function of (update, values), or a list of these. An
            open run of W&B, MLflow or Trackio is found by itself.
        fetch: makes numbers of what `add` was given instead of numbers; it is asked when rows are written.
        settings: what holds for all of it: `optimizer="adamw"`, `batch_size=64`, `seed=0`, ...
    Raises:
        EngineError: another process writes the file, or it cannot be opened.
        InvalidTraining: `steps` or `start` is no number of updates, or `also` nothing that can be told.

    >>> import stepsize as ss
    >>> with ss.Recorder("run.jsonl", steps=3, optimizer="sgd") as recorder:
    ...     for k in range(3):
    ...         recorder.step(loss=1 / (k + 1), lr=0.1)
    ...     recorder.log(val_loss=0.5)
    >>> run = ss.Run.read("run.jsonl")
    >>> run.loss.tolist(), run["val_loss"].tolist(), run.steps, run.settings
    ([1.0, 0.5, 0.3333333333333333], [0.5], 3, {'optimizer': 'sgd'})
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        steps: int = 0,
        start: int = 0,
        also: Any = None,
        fetch: Fetch | None = None,
        **settings: Any,
    ) -> None:
        self.updates = whole(start, "start")
        head = {"schema": SCHEMA, "steps": whole(steps, "steps"), "settings": settings}
        mirrors = Mirrors(also)
        place = str(Path(path).resolve())
        if (earlier := _OPEN.get(place)) is not None:  # a cell of a notebook, run again
            earlier.close()
        self._pages = Pages(Journal(path), mirrors, fetch or _as_floats)
        self._pages.journal.append(json.dumps(head, default=str) + "\n")
        # For those who make rows themselves: a dict with its `step` first, and nothing that is None.
        self.put = self._pages.add
        # At the latest when the process ends: also where nobody calls `close`.
        self._finish = weakref.finalize(self, self._pages.close)
        _OPEN[place] = self

    def step(self, loss: Any = None, **values: Any) -> None:
        """Write the row of the update just made.

        Args:
            loss: of the training.
            values: whatever else was seen; the names `lr`, `val_loss`, `grad_norm`, `update_ratio` and `epoch` are
                understood. What is None is left out.
        """
        self.add(as_numbers({"loss": loss, **values}))
        self.updates += 1

    def log(self, **values: Any) -> None:
        """Write more about the last update, for example `val_loss` after a validation."""
        self.add(as_numbers(values), max(self.updates - 1, 0))

    def add(self, values: dict[str, Any], update: int | None = None, measured: bool = False) -> None:
        """Write a row.

        Args:
            values: numbers, or what `fetch` makes numbers of.
            update: its number; None for the present one.
            measured: whether mirrors are told of it.
        """
        known = {name: value for name, value in values.items() if value is not None}
        self.put({"step": self.updates if update is None else update, **known}, measured)

    def flush(self) -> None:
        """Hand all rows to the operating system now."""
        if self._finish.alive:
            self._pages.flush()

    def close(self) -> None:
        """Write what is left and give the file free; done by itself when the process ends."""
        self._finish()

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


# By their place: of one process, the last to come writes the file.
_OPEN: weakref.WeakValueDictionary[str, Recorder] = weakref.WeakValueDictionary()


def _as_floats(values: Sequence[Any]) -> list[float]:
    return [float(value) for value in values]


def as_numbers(values: dict[str, Any]) -> dict[str, float]:
    """The values that are given, as numbers.

    Raises:
        InvalidTraining: one is no number.
    """
    return {name: _number(value, name) for name, value in values.items() if value is not None}


def _number(value: Any, name: str) -> float:
    if type(value) in (float, int):
        return value  # type: ignore[no-any-return]
    try:
        return float(value)
    except (TypeError, ValueError, RuntimeError):
        raise InvalidTraining(f"{name} must be one number, got {summary(value)}") from None


def whole(value: Any, name: str) -> int:
    """`value` as a number of updates, or an error naming the argument."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InvalidTraining(f"{name} must be a whole number of updates, got {summary(value)}")
    return value
