"""Random schedules: evenly drawn, unrelated from period to period and from seed to seed, the same bits everywhere."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

import stepsize as ss

N = 100_000
K = np.arange(N)


def drawn(seed, steps=K, every=1):
    return ss.random(0.0, 1.0, every, seed, log=False)(steps)


@pytest.mark.parametrize("seed", [0, 1, 2, 3, 1234, 2**31, 2**53 + 1])
def test_values_are_spread_evenly(seed):
    counts = np.histogram(drawn(seed), bins=100, range=(0, 1))[0]
    chi_square = ((counts - N / 100) ** 2 / (N / 100)).sum()
    # 99 degrees of freedom: mean 99, deviation 14. A permutation of all numbers would be too even far below.
    assert 99 - 5 * 14 < chi_square < 99 + 5 * 14


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
@pytest.mark.parametrize("lag", [1, 2, 3, 7, 64, 256, 1_000, 1 << 15, 1 << 16])
def test_a_value_says_nothing_about_a_later_one(seed, lag):
    values = drawn(seed, np.arange(N + lag))
    correlation = np.corrcoef(values[:N], values[lag:])[0, 1]
    assert abs(correlation) < 5 / np.sqrt(N)
    pairs = np.histogram2d(values[:N], values[lag:], bins=16, range=[(0, 1), (0, 1)])[0]
    chi_square = ((pairs - N / 256) ** 2 / (N / 256)).sum()
    assert chi_square < 255 + 6 * np.sqrt(2 * 255)


def test_seeds_are_unrelated_even_if_they_are_neighbours():
    n = 10_000
    table = np.array([drawn(seed, np.arange(n)) for seed in range(60)])
    correlations = np.corrcoef(table)[np.triu_indices(60, 1)]
    assert np.abs(correlations).max() < 5.5 / np.sqrt(n)
    assert correlations.std() == pytest.approx(1 / np.sqrt(n), rel=0.1)
    shifted = [np.corrcoef(table[0, :-k], table[1, k:])[0, 1] for k in range(1, 50)]
    assert np.abs(shifted).max() < 5 / np.sqrt(n)


def test_the_first_values_of_many_seeds_are_spread_evenly_too():
    for step in (0, 1, 100):
        first = np.array([ss.random(0.0, 1.0, 1, seed, log=False)(step) for seed in range(2_000)])
        counts = np.histogram(first, bins=20, range=(0, 1))[0]
        assert ((counts - 100) ** 2 / 100).sum() < 19 + 5 * np.sqrt(38)


def test_a_logarithm_is_drawn_evenly_by_default():
    values = ss.random(1e-5, 1e-1, 1, 0)(K)
    assert 1e-5 <= values.min() < 1.01e-5
    assert 0.99e-1 < values.max() <= 1e-1
    for edge, share in ((1e-4, 0.25), (1e-3, 0.5), (1e-2, 0.75)):
        assert np.mean(values < edge) == pytest.approx(share, abs=0.01)


def test_a_value_lasts_its_period_and_no_longer():
    values = ss.random(0.0, 1.0, 7, 3, log=False)(np.arange(700)).reshape(100, 7)
    assert np.all(values == values[:, :1])
    assert len(np.unique(values)) == 100
    assert np.array_equal(values[:, 0], drawn(3, np.arange(100)))


def test_the_values_of_a_seed_never_change():
    expected = [0.98918, 0.44751, 0.42841]
    assert drawn(0, np.arange(3)).round(5).tolist() == expected


@pytest.mark.parametrize("every", [1, 3, 10**6])
def test_bits_are_the_same_in_every_framework(every):
    steps = np.concatenate([np.arange(2_000), 2**24 + np.arange(50), 2**31 - 1 - np.arange(50)])
    schedule = ss.random(0.0, 1.0, every, 5, log=False)
    expected = schedule(steps)
    assert [schedule(k) for k in steps.tolist()] == expected.tolist()
    assert np.array_equal(schedule(torch.as_tensor(steps)).numpy(), expected)
    traced = jax.jit(schedule)(jnp.asarray(steps, dtype=jnp.int32))
    np.testing.assert_array_equal(np.asarray(traced), expected.astype(np.float32))


def test_far_periods_are_drawn_too_and_alike():
    steps = 10**12 + np.arange(1_000)
    schedule = ss.random(0.0, 1.0, 1, 0, log=False)
    expected = schedule(steps)
    assert len(np.unique(expected)) == 1_000
    assert [schedule(k) for k in steps.tolist()] == expected.tolist()
    assert np.array_equal(schedule(torch.as_tensor(steps)).numpy(), expected)
    with jax.enable_x64(True):
        for dtype in (jnp.int64, jnp.float64):
            assert np.array_equal(jax.jit(schedule)(jnp.asarray(steps, dtype=dtype)), expected)


def test_noise_of_other_seeds_is_other_noise():
    lr = ss.cosine(1.0, 0.1, 1_000)
    one, other = lr.noise(0.2, 10, seed=0), lr.noise(0.2, 10, seed=1)
    assert one.diff(other)
    assert not one.diff(lr.noise(0.2, 10, seed=0))
