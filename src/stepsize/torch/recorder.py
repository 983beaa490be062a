"""`Recorder`: three lines in a loop of PyTorch log its loss, rate, gradient norm and update ratio."""

from __future__ import annotations

import os
import time
import warnings
import weakref
from collections.abc import Callable
from typing import Any, final

import torch
from torch import Tensor
from torch.optim import Optimizer

from stepsize._codec import summary
from stepsize.errors import InvalidTraining
from stepsize.recorder import Pace
from stepsize.recorder import Recorder as Rows
from stepsize.torch.facts import captured, made_before, rank, rates, settings_of
from stepsize.torch.later import Mean, Scalar, fetch, scalar
from stepsize.torch.meter import Meter
from stepsize.torch.updates import PATIENCE, _innermost, release


@final
class Recorder:
    """Writes a training into a file that `Run.read` and `diagnose` understand; it never changes the training.

    Call `step(loss)` after each `optimizer.step()`. A row an update holds the loss and the rates which that update
    used. Now and then it also holds `grad_norm`, the norm of the gradient as the optimizer got it, so unscaled and
    after clipping (see `gradients`), and `update_ratio`, the change of the parameters over their size. With several
    groups there are `lr/0`, `grad_norm/0`, `update_ratio/0`, ... besides, by the group's `name` if it has one.

    **What counts.** Updates that the optimizer made, from 0. A call without one adds to the mean of the next row's
    loss: a micro-batch of an accumulated gradient, an update that the AMP scaler skipped.

    **What it costs.** Measurements take at most 0.5 % of the time and 20 ms; the rows come on top.
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
        inner = _innermost(optimizer)
        if not isinstance(inner, Optimizer):
            raise InvalidTraining(f"optimizer must be a torch.optim.Optimizer, got {summary(optimizer)}")
        self._pace = Pace(every)
        self._optimizer = inner
        self._cuda = torch.cuda.is_available()
        self._clipped = clipped
        self._meter: Meter | None = Meter(inner)
        self._rows: Rows | None = None
        self._made = self._idle = 0
        self._blind = self._measuring = False
        self._spent = 0.0
        self._asks = start is None
        self._rates: dict[str, Scalar] = {}
        self._losses: list[Scalar] = []
        self._due: bool | None = None
        self._unclipped: dict[str, Any] = {}
        self._measured: tuple[int, dict[str, Any]] | None = None
        if rank() == 0:
            told = {**settings_of(inner), **settings}
            self._rows = Rows(path, steps=steps, start=start or 0, also=also, fetch=fetch, **told)
            weakref.finalize(self, release, self._hook_into(inner)).atexit = False

    @property
    def updates(self) -> int:
        """The number of the next update."""
        return 0 if self._rows is None else self._rows.updates + self._made

    def step(self, loss: Any = None, **values: Any) -> None:
        """Write the row of the update just made.

        Args:
            loss: of the training, as the batch gave it: one number, or a tensor of one, on any device.
            values: whatever else was seen; `val_loss`, `epoch` and `grad_norm` are understood. Give
                `grad_norm=` what `clip_grad_norm_` returned to have the norm before clipping.
        """
        if self._rows is None:
            return
        if loss is not None:
            self._losses.append(scalar(loss, "loss"))
        if not self._made and not self._blind:
            self._wait(values)
            return
        if not self._made:  # updates that no hook sees: a compiled one, or a CUDA graph's
            self._rates = rates(self._optimizer)
        self._rows.updates += max(self._made - 1, 0)
        row, measured = self._row(values)
        self._rows.add(row, measured=measured)
        self._rows.updates += 1
        self._made = self._idle = 0

    def gradients(self) -> None:
        """Look at the gradients now, if at all at this update: before they are clipped.

        To be called between `backward` and the clipping. `grad_norm` is then the norm before it.
        """
        if self._rows is not None and self._meter is not None and self._is_due():
            self._measure(lambda meter: self._unclipped.update(meter.gradients()))

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
        self._made, self._asks = 0, False
        if self._rows is not None:
            self._rows.updates = int(state_dict["updates"])

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _row(self, values: dict[str, Any]) -> tuple[dict[str, Any], bool]:
        assert self._rows is not None
        number, found = self._measured or (-1, {})
        if found and number != self._rows.updates:  # measured at an update that got no row of its own
            self._rows.add(found, number, measured=True)
            found = {}
        row = {**_loss(self._losses), **self._rates, **found, **(_scalars(values) if values else {})}
        self._losses, self._measured = [], None
        return row, bool(found)

    def _wait(self, values: dict[str, Any]) -> None:
        self._idle += 1
        if values:
            self.log(**values)
        if self._idle == PATIENCE:
            warnings.warn(
                f"Recorder.step() was called {PATIENCE} times, and its optimizer has made no update, so no row was "
                "written. Give it the optimizer that is stepped",
                UserWarning,
                stacklevel=3,
            )
        del self._losses[:-PATIENCE]

    def _hook_into(self, optimizer: Optimizer) -> list[Any]:
        return [
            optimizer.register_step_pre_hook(_weakly(self._before)),
            optimizer.register_step_post_hook(_weakly(self._after)),
            optimizer.register_load_state_dict_post_hook(_weakly(self._loaded)),
        ]

    def _before(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        """What is true only now: the rates, and on a measured update the gradients and parameters."""
        if self._rows is None or torch.compiler.is_compiling() or (self._cuda and captured()):
            return
        if self._asks:
            self._number()
        self._rates = rates(optimizer)
        if self._meter is not None and self._is_due():
            # The optimizer itself is the first of its arguments.
            closure = (*args[1:], kwargs.get("closure"))[0] is not None
            self._measuring = True
            self._measure(lambda meter: meter.before(closure))

    def _is_due(self) -> bool:
        """Whether the next update is measured; asked twice, it says the same."""
        if self._due is None:
            self._due = self._pace.due(self._number())
        return self._due

    def _number(self) -> int:
        if self._asks and self._rows is not None:
            self._asks = False
            self._rows.updates = max(made_before(self._optimizer), self._rows.updates)
        return self.updates

    def _after(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        if torch.compiler.is_compiling() or (self._cuda and captured()):
            self._blind = True
            return
        found_inf = getattr(optimizer, "found_inf", None)
        made = not (isinstance(found_inf, Tensor) and bool(found_inf))
        if self._measuring:
            self._measure(lambda meter: self._keep(meter.after(), made))
            self._pace.spend(self._spent)
            self._measuring, self._spent, self._unclipped = False, 0.0, {}
        self._due = None
        self._made += made

    def _keep(self, found: dict[str, Any], made: bool) -> None:
        if made:
            named = {_as_clipped(name): value for name, value in found.items()} if self._clipped else found
            every = {**named, **self._unclipped}
            self._measured = (self.updates, {name: _now(value) for name, value in every.items()})

    def _measure(self, measurement: Callable[[Meter], None]) -> None:
        if (meter := self._meter) is None:
            return
        begun = time.perf_counter()
        try:
            measurement(meter)
        except Exception as error:  # whatever an exotic optimizer or tensor does to it: the training goes on
            self._meter = self._measured = None
            warnings.warn(
                f"the recorder measures no more, only writes: {type(error).__name__}: {error}",
                RuntimeWarning,
                stacklevel=4,
            )
        self._spent += time.perf_counter() - begun + meter.unseen / 2  # before, and after

    def _loaded(self, optimizer: Optimizer) -> None:
        if self._rows is not None and self._rows.updates == 0:
            self._asks = True


def _weakly(method: Any) -> Callable[..., None]:
    """A hook that does not keep the recorder alive."""
    reference = weakref.WeakMethod(method)

    def hook(*args: Any) -> None:
        if (bound := reference()) is not None:
            bound(*args)

    return hook


def _as_clipped(name: str) -> str:
    return name.replace("grad_norm", "grad_norm/clipped")


def _loss(losses: list[Scalar]) -> dict[str, Any]:
    """One, or the mean of a gradient's batches."""
    if not losses:
        return {}
    return {"loss": losses[0] if len(losses) == 1 else Mean(tuple(losses))}


def _scalars(values: dict[str, Any]) -> dict[str, Scalar]:
    return {name: scalar(value, name) for name, value in values.items() if value is not None}


def _now(value: Any) -> Any:
    """A number where reading it waits for nothing."""
    return value.item() if isinstance(value, Tensor) and value.device.type == "cpu" else value
