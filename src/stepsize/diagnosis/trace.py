"""`Trace`: the columns of a run that say something of its learning rate, under the names the checks know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from stepsize.run import Column, Run
from stepsize.run.column import Clock

NOTHING = Column(np.empty(0, dtype=np.int64), np.empty(0))


@final
@dataclass(frozen=True, eq=False)
class Trace:
    """A run as the checks see it; what was not logged is an empty column.

    Attributes:
        loss: of the training; NaN and Inf are in it.
        val_loss: of the validation.
        lr: the rate; of several groups, the first.
        grad_norm: the norm of the gradient.
        update_ratio: |change of the parameters| / |parameters|, one update each.
        clock: what `loss` counts: "step", "epoch" or "row".
        planned: the length of the training on that clock, where the log states it; else 0.
        optimizer: "adam" (and its kin), "sgd", "momentum" (SGD with it), or empty.
        rate: the peak rate: the largest of `lr`, or the one the settings state; NaN where neither does.
        scheduler: what moved the rate, as the settings name it, in lower case; or empty.
        lr_planned: the length of the training on the clock of `lr`, where that is not the one of `loss`; else 0.
    """

    loss: Column = NOTHING
    val_loss: Column = NOTHING
    lr: Column = NOTHING
    grad_norm: Column = NOTHING
    update_ratio: Column = NOTHING
    clock: Clock = "step"
    planned: int = 0
    optimizer: str = ""
    rate: float = np.nan
    scheduler: str = ""
    lr_planned: int = 0

    @property
    def length(self) -> int:
        """How far the training went, on the clock of the loss."""
        columns = [c for c in (self.loss, self.val_loss, self.lr) if c.step.size and c.clock == self.clock]
        return 1 + max((int(c.step[-1]) for c in columns), default=-1)

    @property
    def cut_short(self) -> bool:
        """Whether the log states a length that the training has not reached: a checkpoint, a kill, a live run."""
        return 0 < self.length < 0.98 * self.planned


def trace_of(run: Run) -> Trace:
    """The trace of a run."""
    loss = run.columns.get("loss", NOTHING)
    lr = run.columns.get("lr", NOTHING)
    return Trace(
        loss=loss,
        val_loss=run.columns.get("val_loss", NOTHING),
        lr=lr,
        grad_norm=run.columns.get("grad_norm", NOTHING),
        update_ratio=run.columns.get("update_ratio", NOTHING),
        clock=loss.clock,
        planned=_planned(run, loss.clock),
        optimizer=_family(run),
        rate=_peak(lr.value, run),
        scheduler=_scheduler(run),
        lr_planned=_planned(run, lr.clock) if lr.clock != loss.clock else 0,
    )


def _planned(run: Run, clock: Clock) -> int:
    if clock == "step":
        return run.steps
    epochs = run.settings.get("epochs", 0)
    known = isinstance(epochs, int | float) and clock == "epoch" and 0 < epochs < np.inf
    return int(epochs) if known else 0


def _scheduler(run: Run) -> str:
    named = (run.settings.get(name) for name in ("scheduler", "lr_scheduler", "lr_scheduler_type"))
    return next((str(name).lower() for name in named if name), "")


def _family(run: Run) -> str:
    policy = run.policy
    name = (policy.optimizer if policy is not None else "") or str(run.settings.get("optimizer", ""))
    name = name.lower()
    if "adam" in name or name in ("lamb", "lion", "rmsprop", "adagrad", "adafactor"):
        return "adam"
    if "sgd" not in name and "momentum" not in name:
        return ""
    momentum = run.settings.get("momentum", 0.0)
    return "momentum" if "momentum" in name or (isinstance(momentum, float) and momentum > 0) else "sgd"


def _peak(rates: NDArray[np.float64], run: Run) -> float:
    known = rates[np.isfinite(rates)]
    if known.size:
        return float(known.max())
    stated = run.settings.get("lr")
    return float(stated) if isinstance(stated, int | float) and not isinstance(stated, bool) else float("nan")
