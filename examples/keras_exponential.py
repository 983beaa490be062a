"""Keras 784-10-10 with Adam and ExponentialDecay(0.01, 10_000, 0.96, staircase=True), and the same from a Schedule.

A few epochs on these digits are far fewer updates than 10,000: both trainings stay on the first stair. So the
two curves are compared over the first 50,000 updates as well, where the stairs are.
"""

from __future__ import annotations

import os

os.environ.setdefault("KERAS_BACKEND", "jax")  # or tensorflow, or torch

import keras
import numpy as np
from digits import BATCH, Digits, Outcome, compare, load, options

import stepsize as ss
from stepsize.keras import LearningRate

BEFORE = keras.optimizers.schedules.ExponentialDecay(0.01, decay_steps=10_000, decay_rate=0.96, staircase=True)
AFTER = LearningRate(ss.step_decay(0.01, factor=0.96, every=10_000))
# Both sides of every stair, and some in between.
STEPS = sorted({10_000 * stair + shift for stair in range(1, 6) for shift in (-1, 0, 1)} | {0, 1, 4_321, 49_999})


class Record(keras.callbacks.Callback):
    """The rate and the loss of every update."""

    def __init__(self) -> None:
        super().__init__()
        self.rates: list[float] = []
        self.losses: list[float] = []

    def on_train_batch_begin(self, batch: int, logs: object = None) -> None:
        self.rates.append(float(self.model.optimizer.learning_rate))

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        self.losses.append(logs["loss"])


def train(digits: Digits, epochs: int, rate: keras.optimizers.schedules.LearningRateSchedule) -> Outcome:
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((784,)), keras.layers.Dense(10, activation="relu"), keras.layers.Dense(10, activation="softmax")]
    )
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    record = Record()
    model.fit(digits.x, digits.y, batch_size=BATCH, epochs=epochs, verbose=0, callbacks=[record])
    _, accuracy = model.evaluate(digits.test_x, digits.test_y, verbose=0)
    return Outcome(record.rates, record.losses, accuracy)


def main() -> None:
    chosen = options(__doc__, epochs=5)
    digits = load(chosen.digits)
    compare("784-10-10", train(digits, chosen.epochs, BEFORE), train(digits, chosen.epochs, AFTER))
    apart = max(abs(float(BEFORE(step)) - float(AFTER(step))) for step in STEPS)
    unit = np.spacing(np.float32(0.01))
    print(f"over 50,000 updates, around every stair: apart by at most {apart:.1e}; float32 resolves {unit:.1e} at 0.01")


if __name__ == "__main__":
    main()
