"""`Recorder`: a callback that logs loss, rate, update ratio and validation of a Keras training."""

from __future__ import annotations

import os
import time
from typing import Any, final

import keras
import numpy as np

from stepsize.keras.following import position, updater
from stepsize.keras.learning_rate import LearningRate
from stepsize.keras.values import read
from stepsize.recorder import Pace
from stepsize.recorder import Recorder as Rows


@final
class Recorder(keras.callbacks.Callback):  # type: ignore[misc]
    """Writes a training by `fit` into a file that `Run.read` and `diagnose` understand, on every backend.

    A row an update holds `loss`, that of its batches alone: Keras itself tells the mean since the epoch began, from
    which it is worked out (so after a NaN there is nothing but NaN until the epoch ends); and `lr`, the rate which the
    update used. Now and then also `update_ratio`, the change of the weights over their size, and on PyTorch
    `grad_norm`, the norm of the gradient before Keras clips it: the other backends compute gradients where nobody
    sees them. After each epoch its `epoch`, `val_loss` and the other metrics of the validation.

    A schedule of Keras is asked for its rate at those updates only that are measured, as asking takes long.

    Args:
        path: of the file; one that is there is gone on with, at the optimizer's own count of updates.
        every: measure every so many updates; None for as often as takes at most 0.2 % of the time.
        also: besides the file: a `SummaryWriter`, a function of (update, values), or a list of these.
        settings: what holds for all of it: `batch_size=64`, ... The optimizer tells of itself.
    Raises:
        InvalidTraining: `every` is no number of updates.

    >>> import keras, stepsize as ss
    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    >>> model.compile(keras.optimizers.SGD(0.1), loss="mse")
    >>> x = keras.ops.ones((8, 1))
    >>> history = model.fit(x, x, batch_size=2, epochs=2, verbose=0, callbacks=[Recorder("run.jsonl")])
    >>> run = ss.Run.read("run.jsonl")
    >>> len(run.loss), run.steps, run.settings["optimizer"]
    (8, 8, 'sgd')
    """

    def __init__(
        self, path: str | os.PathLike[str], *, every: int | None = None, also: Any = None, **settings: Any
    ) -> None:
        super().__init__()
        self.path, self.also, self.settings = path, also, settings
        self._pace = Pace(every)
        self._rows: Rows | None = None
        self._rate: float | None = None
        self._before: list[Any] | None = None
        self._measures = False
        self._spent = self._sum = 0.0
        self._seen = 0

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Begin, at the update where the optimizer stands."""
        optimizer = updater(self.model.optimizer)
        self._accumulation = optimizer.gradient_accumulation_steps or 1
        self._batches = position(optimizer)  # Keras counts batches in here
        self._losses: list[float] = []
        self._before = None
        planned = (self.params.get("steps") or 0) * (self.params.get("epochs") or 0)
        self._rows = Rows(
            self.path,
            steps=(self._batches + planned) // self._accumulation if planned else 0,
            start=self._batches // self._accumulation,
            also=self.also,
            **{**_settings(optimizer), **self.settings},
        )

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Keras' means begin anew; the rate may have been set."""
        self._seen, self._sum, self._rate = 0, 0.0, None

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Read the rate, and on a measured update the weights."""
        if (rows := self._rows) is None:
            return
        fixed = getattr(updater(self.model.optimizer), "_learning_rate", None)
        if self._rate is None and isinstance(fixed, keras.Variable):  # on JAX it is away while the epoch lasts
            self._rate = float(read(fixed))
        self._measures = (self._batches + 1) % self._accumulation == 0 and self._pace.due(rows.updates)
        if self._measures:
            begun = time.perf_counter()
            self._before = self._weights()
            self._spent = time.perf_counter() - begun

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Write the row of the update, if this batch made one."""
        if (rows := self._rows) is None:
            return
        if (logs or {}).get("loss") is not None:
            self._losses.append(self._loss_of(batch, float((logs or {})["loss"])))
        made = batch + 1 - self._seen
        rate = self._rate_at(self._batches)
        self._seen, self._batches = batch + 1, self._batches + made
        if self._batches // self._accumulation == rows.updates:
            return
        rows.updates = self._batches // self._accumulation - 1
        loss = sum(self._losses) / len(self._losses) if self._losses else None
        self._losses = []
        rows.add({"loss": loss, "lr": rate, **self._measured(made)}, measured=self._measures)
        rows.updates += 1

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Write what the validation gave."""
        if self._rows is not None:
            found = {name: value for name, value in (logs or {}).items() if name.startswith("val_")}
            self._rows.log(epoch=epoch, **found)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Write what is left and give the file free."""
        if self._rows is not None:
            self._rows.close()
            self._rows = None

    def _loss_of(self, batch: int, mean: float) -> float:
        """The loss of the batches since the last call, from the mean over all since the epoch began."""
        total, before = mean * (batch + 1), self._sum
        self._sum = total
        return (total - before) / (batch + 1 - self._seen)

    def _rate_at(self, batches: int) -> float | None:
        held = getattr(updater(self.model.optimizer), "_learning_rate", None)
        if isinstance(held, LearningRate):
            return float(held.schedule(batches // held.accumulation))
        if isinstance(held, keras.optimizers.schedules.LearningRateSchedule):
            return float(held(batches)) if self._measures else None
        return self._rate

    def _measured(self, made: int) -> dict[str, float]:
        if not self._measures or self._before is None:
            return {}
        begun = time.perf_counter()
        before, self._before = self._before, None
        size = _norm(before)
        changed = _norm([a - b for a, b in zip(self._weights(), before, strict=True)])
        found = {} if not size or made > 1 else {"update_ratio": changed / size}
        if keras.backend.backend() == "torch":
            grads = [variable.value.grad for variable in self.model.trainable_variables]
            found["grad_norm"] = _norm([keras.ops.convert_to_numpy(grad) for grad in grads if grad is not None])
        self._pace.spend(self._spent + time.perf_counter() - begun)
        return found

    def _weights(self) -> list[Any]:
        if keras.backend.backend() == "jax":
            self.model.jax_state_sync()  # the train loop holds them itself, and hands them over when asked
        # A copy: the array may be the very memory that the next update writes.
        return [np.array(keras.ops.convert_to_numpy(variable)) for variable in self.model.trainable_variables]


def _norm(arrays: list[Any]) -> float:
    return float(np.sqrt(sum(float(np.vdot(array, array).real) for array in map(_single, arrays))))


def _single(array: Any) -> Any:
    """Half precision overflows where its sum of squares does."""
    return array.astype(np.float32) if array.dtype.itemsize < 4 else array


def _settings(optimizer: Any) -> dict[str, Any]:
    config = {name: value for name, value in optimizer.get_config().items() if isinstance(value, int | float)}
    if "learning_rate" in config:
        config["lr"] = config.pop("learning_rate")
    policy = getattr(optimizer, "policy", None)  # an optimizer of ours
    name = type(optimizer).__name__.lower() if policy is None else policy.optimizer
    return {"optimizer": name, **config}
