"""One curve, whoever computes it: a number, an array, a variable, a compiled function."""

import json

import keras
import numpy as np
import pytest
from keras import ops

import stepsize as ss
from stepsize.keras import LearningRate
from tests.keras.backend.problem import BACKEND

SCHEDULES = [
    ss.warmup_cosine(1e-3, 10_000, 500),
    0.5 * (ss.linear(0, 1, 10) >> ss.cosine(1, 0.1, 20) >> ss.one_minus_sqrt(0.1, 0, 5)) + 1e-6,
    ss.sgdr(0.1, 10, growth=2, shrink=0.9),
    ss.exponential_decay(1.0, 0.96, 100) * ss.cosine(1, 0.5, 300).clip(0.6, 0.9),
    ss.step_decay(1.0, 0.5, 1_000) + ss.inverse_sqrt(1.0, 50) + ss.rex(1, 0, 700),
    ss.wsd(1e-3, 1_000, 50, 200).repeat(),
]
STEPS = np.unique(np.concatenate([np.arange(60), np.geomspace(60, 60_000, 200).astype(int)]))
# A value lies this close to the exact one, measured by the largest value of its schedule. Where the graph has
# float64, only the result is rounded to float32; JAX computes in float32 unless told otherwise.
ROUNDED = 2.0**-24
TOLERANCE = {"tensorflow": ROUNDED, "torch": ROUNDED, "jax": 16 * ROUNDED}[BACKEND]


def compiled(function):
    """`function` of an array of steps, as this backend compiles it."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        return tf.function(function, jit_compile=True)
    if BACKEND == "jax":
        import jax

        return jax.jit(function)
    import torch

    return torch.compile(function, backend="eager")  # what a C++ compiler does with the rest is its affair


def assert_close(got, schedule, steps, tolerance):
    exact = schedule(np.asarray(steps, dtype=float))
    got = np.asarray(ops.convert_to_numpy(got), dtype=float)
    np.testing.assert_allclose(got, exact, rtol=0, atol=tolerance * np.abs(exact).max())


@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
def test_numbers_arrays_and_variables_get_the_value_of_the_schedule(schedule):
    rate = LearningRate(schedule)
    counter = keras.Variable(0, dtype="int", trainable=False)
    for step in STEPS[::20].tolist():
        counter.assign(step)
        exact = np.float32(schedule(step))
        assert float(rate(step)) == float(rate(np.int64(step))) == float(rate(counter)) == exact
    for steps in (STEPS, STEPS.reshape(2, -1), ops.convert_to_tensor(STEPS.astype("int32"))):
        assert_close(rate(steps), schedule, ops.convert_to_numpy(steps), ROUNDED)


def test_compiled_the_values_are_the_same():
    rates = [LearningRate(schedule) for schedule in SCHEDULES]
    together = compiled(lambda steps: [rate(steps) for rate in rates])
    values = together(ops.convert_to_tensor(STEPS.astype("int32")))
    for schedule, value in zip(SCHEDULES, values, strict=True):
        assert keras.backend.standardize_dtype(value.dtype) == "float32"
        assert_close(value, schedule, STEPS, TOLERANCE)


def test_far_out_neighbouring_steps_do_not_merge():
    # Above 2**24 a counter in float32 counts by twos, and by 128 at the last of these.
    schedule = ss.constant(1.0, 7).repeat(3) >> (ss.constant(1.0, 1) >> ss.constant(0.5, 2)).repeat()
    steps = np.concatenate([np.arange(8) + far for far in (2**24 - 4, 2**27, 2**31 - 9)]).astype("int32")
    assert_close(LearningRate(schedule)(steps), schedule, steps, 0)
    assert_close(compiled(LearningRate(schedule))(ops.convert_to_tensor(steps)), schedule, steps, 0)


def test_no_thread_integer_arguments_do_not_make_an_integer_schedule():
    # Keras takes the dtype of its first argument: ExponentialDecay(1, 100, .96) is 0 from update 1 on.
    for schedule, step, value in [
        (ss.exponential_decay(1, 0.96, 100), 100, 0.96),
        (ss.cosine(1, 0, 100), 50, 0.5),
        (ss.inverse_time(1, 1, 100), 100, 0.5),
        (ss.warmup_cosine(1, 100, 10), 55, 0.5),
        (ss.linear(0, 1, 10), 1, 0.1),
    ]:
        assert float(LearningRate(schedule)(step)) == pytest.approx(value, rel=1e-6)
        assert float(compiled(LearningRate(schedule))(ops.convert_to_tensor(step))) == pytest.approx(value, rel=1e-6)


def test_no_thread_every_restart_is_at_the_peak():
    # Keras finds the cycle by floor(log(...)): of 241 exact restarts it puts 25 at the bottom.
    for growth in (2, 3, 5, 10):
        schedule = ss.sgdr(1.0, 3, growth=growth)
        starts = [3 * (growth**i - 1) // (growth - 1) for i in range(30) if growth**i < 10**8]
        assert ops.convert_to_numpy(LearningRate(schedule)(starts)).tolist() == [1.0] * len(starts)
        traced = compiled(LearningRate(schedule))(ops.convert_to_tensor(np.array(starts, dtype="int32")))
        assert ops.convert_to_numpy(traced).tolist() == [1.0] * len(starts)


def test_keras_counts_batches_and_the_schedule_updates():
    rate = LearningRate(ss.linear(0.0, 1.0, 4), accumulation=3)
    assert ops.convert_to_numpy(rate(np.arange(9))).tolist() == [0, 0, 0, 0.25, 0.25, 0.25, 0.5, 0.5, 0.5]


@pytest.mark.skipif(BACKEND == "jax", reason="JAX has float64 only where it was switched on")
def test_in_double_precision_it_is_the_schedule_s_own():
    before = keras.config.floatx()
    keras.config.set_floatx("float64")
    try:
        assert float(LearningRate(SCHEDULES[0])(700)) == SCHEDULES[0](700)
    finally:
        keras.config.set_floatx(before)


def test_a_learning_rate_is_a_value():
    one, same, other = (LearningRate(ss.linear(0, 1, steps)) for steps in (4, 4, 5))
    assert one == same != other
    assert hash(one) == hash(same)
    assert LearningRate(0.1) == LearningRate(ss.constant(0.1)) != LearningRate(0.1, accumulation=2)
    assert repr(one) == "LearningRate(linear(0.0, 1.0, 4))"
    assert repr(LearningRate(0.1, 2)) == "LearningRate(constant(0.1), accumulation=2)"


@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
def test_its_config_is_json_and_gives_it_back(schedule):
    rate = LearningRate(schedule, accumulation=2)
    config = json.loads(json.dumps(keras.optimizers.schedules.serialize(rate)))
    assert config["registered_name"] == "stepsize>LearningRate"
    assert keras.optimizers.schedules.deserialize(config) == rate


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: LearningRate("fast"), "lr must be"),
        (lambda: LearningRate(ss.linear(1, -1, 4)), "negative"),
        (lambda: LearningRate(0.1, accumulation=0), "accumulation"),
        (lambda: LearningRate(ss.wsd(0.1, "100%", "5%", "20%")), "over"),
        (lambda: LearningRate(ss.linear([0.1, 0.2], 0.0, 4)), "one value a step"),
    ],
)
def test_what_is_no_learning_rate_is_refused_when_it_is_made(make, says):
    with pytest.raises(ValueError, match=says):
        make()
