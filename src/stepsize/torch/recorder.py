"""`Recorder`: three lines in a loop of PyTorch log its loss, rate, gradient norm and update ratio."""

from __future__ import annotations

import os
import warnings
import weakref
from typing import Any, final

from torch.optim import Optimizer

from stepsize._codec import summary
from stepsize.errors import InvalidTraining
from stepsize.recorder import Pace
from stepsize.recorder import Recorder as Rows
from stepsize.torch.facts import rank, settings_of
from stepsize.torch.later import Mean, Scalar, fetch, scalar
from stepsize.torch.observer import Observer
from stepsize.torch.updates import PATIENCE, innermost, release


@final
class Recorder:
    """Writes a training into a file that `Run.read` and `diagnose` understand; it never changes the training.

    Call `step(loss)` after each `optimizer.step()`. A row an update holds the loss and the rates which that update
    used. Now and then it also holds `grad_norm`, the norm of the gradient as the optimizer got it, so unscaled and
    after clipping (see `gradients`), and `update_ratio`, the change of the parameters over their size. With several
    groups there are `lr/0`, `grad_norm/0`, `update_ratio/0`, ... besides, by the group's `name` if it has one.

    **What counts.** Updates that the optimizer made, from 0. A call without one adds to the mean of the next row's
    loss: a micro-batch of an accumulated gradient, an update that the AMP scaler skipped.

    **What it costs.** Measurements take at most 0.2 % of the time and 5 ms; the rows come on top.
    Nothing waits for a device, except once a second, when rows are written; and where a fused optimizer under
    a gradient scaler must be asked whether it made the update. In a distributed training, only process 0 writes.

    Args:
        path: of the file, for example "run.jsonl"; one that is there is gone on with.
        optimizer: whose updates are recorded.
        steps: updates planned; with it, more can be said of the rate.
        every: measure every so many updates; None for as often as the time allows.
        start: the number of the first update; None asks the optimizer, of which Adam and its kin know, or takes 0.
        also: besides the file: a `SummaryWriter`, a function of (update, values), or a list of these.
        clipped: gradients are clipped where `gradients()` cannot be called before: what is measured of them is then
            `grad_norm/clipped`.
        settings: what holds for all of it: `batch_size=64`, `seed=0`, ... The optimizer tells of itself.
    Raises:
        InvalidTraining: what is given for `optimizer` is none, or another argument makes no sense.
        EngineError: another process writes the file, or it cannot be opened.

    >>> import torch, stepsize as ss
    >>> weight = torch.ones(2, requires_grad=True)
    >>> optimizer = torch.optim.SGD([weight], lr=0.25)
    >>> with Recorder("run.jsonl", optimizer, steps=2, every=1) as recorder:
    ...     for _ in range(2):
    ...         optimizer.zero_grad()
    ...         loss = weight.square().sum()
    ...         loss.backward(); optimizer.step(); recorder.step(loss)
    >>> run = ss.Run.read("run.jsonl")
    >>> run.loss.tolist(), run["lr"].tolist(), run["update_ratio"].tolist()
    ([2.0, 0.5], [0.25, 0.25], [0.5, 0.5])
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        optimizer: Optimizer,
        *,
        steps: int = 0,
        every: int | None = None,
        start: int | None = None,
        also: Any = None,
        clipped: bool = False,
        **settings: Any,
    ) -> None:
        inner = innermost(optimizer)
        if not isinstance(inner, Optimizer):
            raise InvalidTraining(f"optimizer must be a torch.optim.Optimizer, got {summary(optimizer)}")
        self._seen = Observer(inner, Pace(every), start, clipped)
        self._rows: Rows | None = None
        self._losses: list[Scalar] = []
        self._idle = self._waits_for = 0
        if rank() == 0:
            told = {**settings_of(inner), **settings}
            self._rows = Rows(path, steps=steps, start=start or 0, also=also, fetch=fetch, **told)
            weakref.finalize(self, release, self._seen.hook_in()).atexit = False

    @property
    def updates(self) -> int:
        """The number of the next update."""
        return self._seen.next

    def step(self, loss: Any = None, **values: Any) -> None:
        """Write the row of the update just made.

        Args:
            loss: of the training, as the batch gave it: one number, or a tensor of one, on any device.
            values: whatever else was seen; `val_loss`, `epoch` and `grad_norm` are understood. Give
                `grad_norm=` what `clip_grad_norm_` returned to have the norm before clipping.
        """
        if (rows := self._rows) is None:
            return
        seen = self._seen
        if loss is not None:
            loss = scalar(loss, "loss")
        if seen.made and not (self._losses or values or seen.found):  # the usual case, as short as it can be
            rows.updates, seen.made = seen.next, 0
            rows.put({"step": seen.next - 1, **({} if loss is None else {"loss": loss}), **seen.rates})
            return
        if loss is not None:
            self._losses.append(loss)
        if seen.made or self._hidden(values):
            rows.put(*self._row(values))
            rows.updates, seen.made = seen.next, 0

    def gradients(self) -> None:
        """Look at the gradients now, if at all at this update: before they are clipped.

        To be called between `backward` and the clipping. `grad_norm` is then the norm before it.
        """
        if self._rows is not None:
            self._seen.gradients()

    def log(self, **values: Any) -> None:
        """Write more about the last update, for example `val_loss` after a validation."""
        if self._rows is not None:
            self._rows.add(_scalars(values), max(self._rows.updates - 1, 0))

    def flush(self) -> None:
        """Hand all rows to the operating system now."""
        if self._rows is not None:
            self._rows.flush()

    def close(self) -> None:
        """Write what is left and give the file free; done by itself when the process ends."""
        if self._rows is not None:
            self._rows.close()

    def state_dict(self) -> dict[str, int]:
        """The number of the next update, for a checkpoint."""
        return {"updates": self.updates}

    def load_state_dict(self, state_dict: dict[str, int]) -> None:
        """Go on from a checkpoint."""
        self._seen.go_on(int(state_dict["updates"]))
        if self._rows is not None:
            self._rows.updates = self._seen.next

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _row(self, values: dict[str, Any]) -> tuple[dict[str, Any], bool]:
        """The row of the last update, and whether it was measured; the loss is the mean of a gradient's batches."""
        row: dict[str, Any] = {"step": self._seen.next - 1}
        if losses := self._losses:
            row["loss"] = losses[0] if len(losses) == 1 else Mean(tuple(losses))
            self._losses = []
        row |= self._seen.rates
        if found := self._found_at(row["step"]):
            row |= found
        return row | _scalars(values), bool(found)

    def _found_at(self, number: int) -> dict[str, Any]:
        """What was measured; at an update that got no row of its own, it gets one now."""
        if self._seen.found is None or self._rows is None:
            return {}
        (measured, found), self._seen.found = self._seen.found, None
        if measured == number:
            return found
        self._rows.put({"step": measured, **found}, True)
        return {}

    def _hidden(self, values: dict[str, Any]) -> bool:
        """Whether there was an update that no hook has seen: a compiled one, or a CUDA graph's."""
        if self._seen.blind:
            self._seen.look()
        else:
            self._wait(values)
        return self._seen.blind

    def _wait(self, values: dict[str, Any]) -> None:
        if self._waits_for != self._seen.next:
            self._waits_for, self._idle = self._seen.next, 0
        self._idle += 1
        if values:
            self.log(**values)
        if self._idle == PATIENCE:
            warnings.warn(
                f"Recorder.step() was called {PATIENCE} times, and its optimizer has made no update, so no row was "
                "written. Give it the optimizer that is stepped",
                UserWarning,
                stacklevel=4,
            )
        del self._losses[:-PATIENCE]


def _scalars(values: dict[str, Any]) -> dict[str, Scalar]:
    return {name: scalar(value, name) for name, value in values.items() if value is not None}
