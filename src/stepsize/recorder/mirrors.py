"""Mirrors: what was measured, told to the trackers that the user has open, and to where the user says.

No tracker is imported here: one that is open has been imported already.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any, final

from stepsize._codec import summary
from stepsize.errors import InvalidTraining
from stepsize.recorder.pace import Pace

Values = Mapping[str, float]
Send = Callable[[int, Values], Any]

# Logged by nearly every loop already; the rest is what a recorder adds.
COMMON = {"loss", "lr", "val_loss", "epoch"}
# So that nothing of the user's own is overwritten.
PREFIX = "stepsize/"
# Of the time, for trackers that write to a database or a server at once.
SHARE = 0.002


@final
class Mirrors:
    """Everything that hears of measured updates besides the file.

    Args:
        also: a TensorBoard `SummaryWriter`, or anything with its `add_scalar`; or a function that is given the
            number of the update and its values; or several of them.
    Raises:
        InvalidTraining: it is none of these.
    """

    def __init__(self, also: Any = None) -> None:
        several = also if isinstance(also, Iterable) and not callable(also) else [] if also is None else [also]
        self._asked: dict[str, Send] = {f"also[{i}]": _as_send(one) for i, one in enumerate(several)}
        self._failed: set[str] = set()
        self._pace = Pace(share=SHARE)

    def send(self, rows: list[dict[str, Any]]) -> None:
        """Tell of measured updates: all of them where the user asked, of the rest the newest one."""
        for name, send in self._asked.items():
            for row in rows:
                self._try(name, send, row)
        if rows and self._pace.due(rows[-1]["step"]):
            begun = self._pace.clock()
            extra = {key: value for key, value in rows[-1].items() if key not in COMMON}
            for name, tracker in TRACKERS.items():
                self._try(name, tracker, extra)
            self._pace.spend(self._pace.clock() - begun)

    def _try(self, name: str, send: Send, row: dict[str, Any]) -> None:
        values = {key: value for key, value in row.items() if key != "step" and isinstance(value, int | float)}
        if name in self._failed or not values:
            return
        try:
            send(row["step"], values)
        except Exception as error:  # a tracker may raise anything, and must not end the training
            self._failed.add(name)
            warnings.warn(
                f"{name} takes no more from the recorder: {type(error).__name__}: {error}", RuntimeWarning, stacklevel=2
            )


def _as_send(target: Any) -> Send:
    add_scalar = getattr(target, "add_scalar", None)
    if callable(add_scalar):
        return lambda step, values: [add_scalar(name, value, step) for name, value in values.items()]
    if callable(target):
        return target  # type: ignore[no-any-return]
    raise InvalidTraining(
        f"also must be a SummaryWriter, a function of (update, values), or a list of these, got {summary(target)}"
    )


def _to_wandb(step: int, values: Values) -> None:
    run = getattr(sys.modules.get("wandb"), "run", None)
    if run is not None:
        # Not committed: it goes out with the user's own next row, whose numbering stays as it is.
        run.log({**_prefixed(values), f"{PREFIX}step": step}, commit=False)


def _to_mlflow(step: int, values: Values) -> None:
    mlflow = sys.modules.get("mlflow")
    if mlflow is not None and mlflow.active_run() is not None:
        mlflow.log_metrics(_prefixed(values), step=step)


def _to_trackio(step: int, values: Values) -> None:
    context = sys.modules.get("trackio.context_vars")
    if context is not None and context.current_run.get() is not None:
        sys.modules["trackio"].log(_prefixed(values), step=step)


def _prefixed(values: Values) -> dict[str, float]:
    return {PREFIX + name: value for name, value in values.items()}


# By name, for a message. Each does nothing where its tracker has no open run.
TRACKERS: dict[str, Send] = {"W&B": _to_wandb, "MLflow": _to_mlflow, "Trackio": _to_trackio}
