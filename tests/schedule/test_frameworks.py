"""One set of numbers: a call, NumPy, JAX under jit, PyTorch and TensorFlow tell the same curve."""

import json
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, example, given, settings

import stepsize as ss
from tests.schedule.trees import array_schedules, bound, schedules, whole_steps

# Shares of the largest value in the tree: a composition of at most a dozen roundings of each kind of float.
FLOAT64, FLOAT32 = 1e-13, 2e-5
few = settings(max_examples=5, suppress_health_check=[HealthCheck.too_slow])

EVERY_LEAF = ss.warmup_cosine(1.0, 400, 20).noise(0.3, 5, seed=9) + ss.sgdr(1.0, 10, growth=3, shrink=0.5)
FAR = (ss.linear(0, 1, 10) >> ss.cosine(1, 0.5, 10**12)) * ss.cosine(1, 0.5, 10**11).reverse()


def assert_same(schedule, got, steps, share):
    expected = schedule(np.asarray(steps))
    assert np.shape(got) == expected.shape
    within = share * max(bound(schedule.node.document()), 1e-30)  # what float32 holds
    np.testing.assert_allclose(np.asarray(got, dtype=float), expected, rtol=0, atol=within)


@few
@given(schedules | array_schedules)
@example(EVERY_LEAF)
@example(FAR)
def test_torch_tensors_of_any_dtype_and_shape(schedule):
    steps = whole_steps(schedule)
    for dtype in (torch.int64, torch.float64):
        got = schedule(torch.as_tensor(steps).to(dtype))
        assert got.dtype == torch.float64
        assert_same(schedule, got.numpy(), steps, FLOAT64)
    short = torch.arange(0, 64, dtype=torch.int32).reshape(4, 16)
    assert_same(schedule, schedule(short).numpy(), short.numpy(), FLOAT64)
    assert_same(schedule, schedule(short.float()).numpy(), short.numpy(), FLOAT32)


@few
@given(schedules | array_schedules)
@example(EVERY_LEAF)
@example(FAR)
def test_jax_traced_in_32_bits(schedule):
    steps = whole_steps(schedule)[:-1].astype(np.int32)  # all but the one that 32 bits cannot hold
    assert_same(schedule, jax.jit(schedule)(jnp.asarray(steps)), steps, FLOAT32)


@few
@given(schedules | array_schedules)
@example(EVERY_LEAF)
@example(FAR)
def test_jax_traced_in_64_bits(schedule):
    steps = whole_steps(schedule)
    with jax.enable_x64(True):
        for dtype in (np.int64, np.float64):
            assert_same(schedule, jax.jit(schedule)(jnp.asarray(steps, dtype=dtype)), steps, FLOAT64)


@pytest.mark.parametrize("schedule", [FAR, ss.wsd([1.0, 2.0], 100, 10, 20)])
def test_jax_vmap_scan_and_one_step_at_a_time(schedule):
    steps = jnp.arange(40)
    line = jax.jit(schedule)(steps)
    np.testing.assert_allclose(jax.vmap(schedule)(steps), line, rtol=1e-6)
    np.testing.assert_allclose(jax.lax.scan(lambda carry, k: (carry, schedule(k)), 0, steps)[1], line, rtol=1e-6)
    np.testing.assert_allclose(schedule(jnp.asarray(7)), schedule(7), rtol=1e-5)


def test_jax_differentiates_through_every_joint():
    schedule = (ss.one_minus_sqrt(1, 0.5, 10) >> ss.cosine(0.5, 0, 10)).clip(0, 2) * ss.inverse_sqrt(1, 10)
    for step in (0.5, 9.5, 10.5, 25.0):
        assert math.isfinite(jax.grad(schedule)(step))


def test_tensorflow_eager_and_in_a_graph():
    tf = pytest.importorskip("tensorflow")
    for schedule, graph in ((EVERY_LEAF, True), (FAR, False), (ss.wsd([1.0, 2.0], 100, 10, 20), False)):
        steps = whole_steps(schedule)
        for ask in (schedule, tf.function(schedule)) if graph else (schedule,):
            assert_same(schedule, ask(tf.constant(steps)).numpy(), steps, FLOAT64)
            short = tf.constant(steps[:100].astype(np.float32))
            assert_same(schedule, ask(short).numpy(), steps[:100], FLOAT32)


@given(array_schedules)
def test_each_lane_of_a_schedule_of_arrays_is_a_schedule_of_numbers(schedule):
    steps = whole_steps(schedule)
    values = schedule(steps)
    assert values.shape == (*steps.shape, *schedule.node.shape)
    for lane in range(3):
        alone = ss.Schedule.from_json(_lane(schedule, lane))
        expected = alone(steps)
        got = values[:, lane] if values.ndim == 2 else values
        np.testing.assert_allclose(got, expected, rtol=0, atol=FLOAT64 * max(bound(alone.node.document()), 1e-300))


def _lane(schedule, lane):
    """The document with each array replaced by one of its numbers."""

    def pick(value):
        if isinstance(value, dict):
            return {key: pick(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [pick(item) for item in value] if value and isinstance(value[0], dict) else value[lane]
        return value

    return json.dumps(pick(json.loads(schedule.to_json())))


@given(array_schedules)
def test_a_number_asks_a_schedule_of_arrays_for_one_value_a_lane(schedule):
    for step in (0, 3, 7.5, 10**6):
        assert np.shape(schedule(step)) == schedule.node.shape
        np.testing.assert_allclose(schedule(step), schedule([step])[0], rtol=1e-12)
    grid = np.arange(12).reshape(3, 4)
    np.testing.assert_array_equal(schedule(grid).reshape(12, *schedule.node.shape), schedule(np.arange(12)))


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int32, np.float16, np.float32, np.float64])
def test_a_short_number_of_numpy_is_the_step_it_says(kind):
    schedule = ss.cosine(1.0, 0.1, 997).repeat(3, stretch=2)
    assert schedule(kind(101)) == schedule(101)
    assert schedule(np.array([101], dtype=kind))[0] == schedule(np.array([101]))[0]
