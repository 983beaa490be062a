"""`Schedules`: a callback that puts hyperparameters of the model's optimizer on schedules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final

import keras

from stepsize.errors import InvalidPolicy
from stepsize.keras.following import follow, position
from stepsize.schedule import Schedule, as_schedule


@final
class Schedules(keras.callbacks.Callback):  # type: ignore[misc]
    """While `fit` runs, any hyperparameters of the optimizer have the values of schedules, at every update.

    The values enter the compiled train step, on every backend and with any `steps_per_execution`. The
    position is the optimizer's own counter, so a restored training goes on with the right values. Each
    epoch's logs hold the values that its last update used.

    Args:
        schedules: as in `following`: `learning_rate`, `weight_decay`, `momentum`, `beta_1`, `clipnorm`, ...
    Raises:
        InvalidPolicy: no schedule at all; when training begins, what the optimizer cannot follow.

    >>> import keras, stepsize as ss
    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    >>> model.compile(keras.optimizers.SGD(0.1, momentum=0.9), loss="mse")
    >>> x = keras.ops.ones((8, 1))
    >>> schedules = Schedules(momentum=ss.linear(0, 0.8, 8))
    >>> history = model.fit(x, x, batch_size=2, epochs=2, verbose=0, callbacks=[schedules])
    >>> [round(value, 3) for value in history.history["momentum"]]
    [0.3, 0.7]
    """

    def __init__(self, **schedules: Schedule | float) -> None:
        super().__init__()
        if not schedules:
            raise InvalidPolicy("Schedules needs at least one schedule, for example momentum=...")
        self.schedules = {name: as_schedule(value, name) for name, value in schedules.items()}
        self._release: Callable[[], None] | None = None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Put the optimizer on the schedules; a train step traced before is traced anew."""
        self.release()
        self._release = follow(self.model.optimizer, self.schedules)
        self.model.make_train_function(force=True)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Take the optimizer off the schedules."""
        self.release()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Log the values of the update just made."""
        last = max(position(self.model.optimizer) - 1, 0)
        (logs if logs is not None else {}).update({name: curve(last) for name, curve in self.schedules.items()})

    def release(self) -> None:
        """Take the optimizer off the schedules, also where a training was interrupted."""
        if self._release is not None:
            self._release()
            self._release = None
            self.model.train_function = None
