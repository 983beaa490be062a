"""A training loop of one's own in TensorFlow, as a `tf.function`."""

import keras
import numpy as np
import tensorflow as tf

import stepsize as ss
from stepsize.keras import LearningRate, build, following
from tests.keras.backend.problem import BATCH, DECAY, RATE, SHARE, X, Y, assert_followed, keras_sgd, model


def loop(made, optimizer):
    optimizer.build(made.trainable_variables)

    @tf.function
    def step(x, y):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((made(x) - y) ** 2)
        optimizer.apply_gradients(
            zip(tape.gradient(loss, made.trainable_variables), made.trainable_variables, strict=True)
        )

    for begin in range(0, len(X), BATCH):
        step(X[begin : begin + BATCH], Y[begin : begin + BATCH])
    assert step.experimental_get_tracing_count() == 1


def test_a_tf_function_follows_the_schedules():
    for optimizer in (keras.optimizers.SGD(LearningRate(RATE)), build(ss.Policy(RATE, "sgd"))):
        made = model(optimizer)
        loop(made, optimizer)
        assert_followed(made, keras_sgd(RATE))


def test_a_tf_function_traced_in_the_block_follows():
    optimizer = keras.optimizers.SGD(0.1, momentum=0.5, weight_decay=0.1)
    made = model(optimizer)
    with following(optimizer, learning_rate=RATE, momentum=SHARE, weight_decay=DECAY):
        loop(made, optimizer)
    assert_followed(made, keras_sgd(RATE, SHARE, DECAY))


def test_a_schedule_asked_with_the_loop_s_own_counter():
    counter = tf.Variable(0, dtype=tf.int64)

    @tf.function
    def rate():
        value = LearningRate(RATE)(counter)
        counter.assign_add(1)
        return value

    np.testing.assert_allclose([rate().numpy() for _ in range(14)], RATE(np.arange(14)), rtol=1e-7)
