"""A Schedule goes wherever Optax takes a schedule, as it is: under jit, vmap, scan and grad."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import stepsize as ss

LR = ss.linear(0.0, 0.1, 10) >> ss.cosine(0.1, 0.01, 20)
SCHEDULES = [
    LR,
    ss.warmup_cosine(1e-3, 10_000, 500),
    0.5 * LR.clip(0.02, 0.08) + 1e-6,
    ss.sgdr(0.1, 10, growth=2, shrink=0.9),
    ss.step_decay(1.0, 0.5, 1_000) * ss.inverse_sqrt(1.0, 50) + ss.rex(1, 0, 700),
    ss.wsd(1e-3, 1_000, 50, 200).repeat(),
]
STEPS = np.unique(np.concatenate([np.arange(60), np.geomspace(60, 60_000, 200).astype(int)]))
# Rounding, as a share of the largest value: that of some operations in float32, or of float64.
FLOAT32, FLOAT64 = 16 * 2.0**-24, 16 * 2.0**-53


def assert_close(got, schedule, steps, rounding):
    exact = schedule(np.asarray(steps, dtype=float))
    np.testing.assert_allclose(np.asarray(got, dtype=float), exact, rtol=0, atol=rounding * np.abs(exact).max())


@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
def test_counts_of_either_kind_under_jit_vmap_and_scan(schedule):
    together = jax.jit(
        lambda steps: (
            schedule(steps),
            jax.vmap(schedule)(steps),
            jax.lax.scan(lambda _, k: (_, schedule(k)), 0, steps)[1],
        )
    )
    for dtype in (jnp.int32, jnp.float32):
        for values in together(jnp.asarray(STEPS, dtype)):
            assert_close(values, schedule, STEPS, FLOAT32)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
def test_with_64_bits_the_value_is_exact_though_optax_counts_in_32(schedule):
    with jax.enable_x64(True):
        values = jax.jit(schedule)(jnp.asarray(STEPS, jnp.int32))
        assert values.dtype == jnp.float64
        assert_close(values, schedule, STEPS, FLOAT64)


def test_far_out_neighbouring_steps_do_not_merge():
    # A count in float32 goes by twos above 2**24, and by 128 at the last of these.
    schedule = ss.constant(1.0, 7).repeat(3) >> (ss.constant(1.0, 1) >> ss.constant(0.5, 2)).repeat()
    steps = np.concatenate([np.arange(8) + far for far in (2**24 - 4, 2**27, 2**31 - 9)]).astype("int32")
    assert_close(jax.jit(schedule)(jnp.asarray(steps)), schedule, steps, 0)


def test_a_schedule_longer_than_32_bits_can_count():
    schedule = ss.linear(1.0, 0.0, 10**11)
    steps = np.array([0, 10**9, 2**31 - 1])
    assert_close(jax.jit(schedule)(jnp.asarray(steps, jnp.int32)), schedule, steps, FLOAT32)


@pytest.mark.parametrize("at", [0.5, 5.0, 9.5, 10.5, 17.0, 29.5, 40.0])
def test_its_slope_is_that_of_the_curve(at):
    with jax.enable_x64(True):
        slope = jax.jit(jax.grad(LR))(at)
        assert slope == pytest.approx((LR(at + 1e-5) - LR(at - 1e-5)) / 2e-5, abs=1e-9)


def test_gradients_pass_through_what_it_multiplies():
    gradient = jax.grad(lambda x, k: jnp.sum(LR(k) * x**2))(jnp.array([1.0, 2.0]), 17)
    np.testing.assert_allclose(gradient, 2 * LR(17) * np.array([1.0, 2.0]), rtol=1e-6)


TAKEN = {
    "sgd": (lambda lr: optax.sgd(lr), lambda k: -LR(k)),
    "scale_by_schedule": (lambda lr: optax.scale_by_schedule(lr), lambda k: LR(k)),
    "scale_by_learning_rate": (lambda lr: optax.scale_by_learning_rate(lr), lambda k: -LR(k)),
    "inject_hyperparams": (lambda lr: optax.inject_hyperparams(optax.sgd)(learning_rate=lr), lambda k: -LR(k)),
    "sign": (lambda lr: optax.adamw(lr, b1=0.0, b2=0.0, weight_decay=0.0), lambda k: -LR(k)),
    "join_schedules": (lambda lr: optax.sgd(optax.join_schedules([lr, lr], [5])), lambda k: -LR(k if k < 5 else k - 5)),
}


@pytest.mark.parametrize("name", TAKEN)
def test_it_goes_where_a_schedule_goes(name):
    make, expected = TAKEN[name]
    optimizer, weight = make(LR), jnp.ones(())
    step = lambda state, _: optimizer.update(weight, state, weight)[::-1]  # noqa: E731
    _, updates = jax.lax.scan(step, optimizer.init(weight), length=35)
    np.testing.assert_allclose(updates, [expected(k) for k in range(35)], rtol=1e-5, atol=1e-8)


def test_any_hyperparameter_can_be_injected():
    share = ss.linear(0.0, 0.9, 10)
    optimizer = optax.inject_hyperparams(optax.sgd)(learning_rate=LR, momentum=share)
    weight = jnp.zeros(())
    state = optimizer.init(weight)
    for k in range(3):
        _, state = optimizer.update(weight, state, weight)
        assert float(state.hyperparams["learning_rate"]) == pytest.approx(LR(k))
        assert float(state.hyperparams["momentum"]) == pytest.approx(share(k))


def test_no_thread_a_phase_of_no_steps_is_no_phase():
    # optax.warmup_constant_schedule(0, 1e-3, 0) is 0 for ever.
    assert float(jax.jit(ss.linear(0.0, 1e-3, 0) >> ss.constant(1e-3))(0)) == pytest.approx(1e-3)


def test_no_thread_a_part_that_is_not_in_charge_trips_no_check_for_nans():
    # optax.join_schedules asks every part at every step, the later ones at negative steps.
    schedule = ss.linear(0.1, 1.0, 10) >> ss.polynomial(1.0, 0.0, 10, 0.5) >> ss.inverse_sqrt(1.0, 5)
    with jax.debug_nans(True):
        values = jax.jit(schedule)(jnp.arange(30))
    assert_close(values, schedule, np.arange(30), FLOAT32)


@pytest.mark.parametrize("last", ["1-sqrt", "linear", "rex"])
def test_the_slope_is_finite_before_a_last_part_that_starts_steeply(last):
    schedule = ss.wsd(1.0, 100, 10, 20, shape=last)
    slopes = jax.vmap(jax.grad(schedule))(jnp.array([5.0, 50.0, 90.0]))
    assert np.all(np.isfinite(slopes))


def test_a_decay_by_powers_keeps_the_precision_of_float32():
    schedule = ss.exponential_decay(1.0, 0.999_999, 1)
    steps = np.array([1_000, 100_000, 1_000_000])
    np.testing.assert_allclose(jax.jit(schedule)(jnp.asarray(steps)), schedule(steps), rtol=2e-6)


def test_a_float_count_of_a_schedule_longer_than_32_bits():
    schedule = ss.linear(1.0, 0.0, 10**11)
    assert float(jax.jit(schedule)(jnp.float32(1e9))) == pytest.approx(0.99)
