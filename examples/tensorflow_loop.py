"""A training loop of one's own in a tf.function, with warmup and decay: by hand, and the same from a Schedule."""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import tensorflow as tf
from digits import Digits, Outcome, compare, load, options

import stepsize as ss
from stepsize.keras import LearningRate

PEAK, WARMUP, RATE, EVERY = 0.2, 20, 0.5, 100


class WarmupThenDecay(keras.optimizers.schedules.LearningRateSchedule):
    """BEFORE: a straight line to the peak, then half of it every 100 updates, smoothly."""

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        step = tf.cast(step, tf.float32)
        rising = (step + 1) / (WARMUP + 1)
        falling = RATE ** (tf.maximum(step - WARMUP, 0) / EVERY)
        return PEAK * tf.minimum(rising, falling)


# AFTER: the same in a line; it also saves with the model, prints itself and can be drawn.
AFTER = LearningRate(ss.exponential_decay(PEAK, RATE, every=EVERY).warmup(WARMUP))


def train(digits: Digits, epochs: int, rate: keras.optimizers.schedules.LearningRateSchedule) -> Outcome:
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((784,)), keras.layers.Dense(32, "relu"), keras.layers.Dense(10)])
    optimizer = keras.optimizers.SGD(rate, momentum=0.9)
    optimizer.build(model.trainable_variables)

    @tf.function
    def update(x: tf.Tensor, y: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(y, model(x, training=True))
            loss = tf.reduce_mean(losses)
        used = tf.identity(optimizer.learning_rate)  # before the update moves on to the next
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        return used, loss

    rates, losses = [], []
    for epoch in range(epochs):
        for x, y in digits.batches(0, epoch):
            used, loss = update(x, y)
            rates.append(float(used))
            losses.append(float(loss))
    found = tf.argmax(model(digits.test_x), axis=1).numpy()
    return Outcome(rates, losses, float((found == digits.test_y).mean()))


def main() -> None:
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    chosen = options(__doc__, epochs=8)
    digits = load(chosen.digits)
    compare("warmup and decay", train(digits, chosen.epochs, WarmupThenDecay()), train(digits, chosen.epochs, AFTER))


if __name__ == "__main__":
    main()
