"""Repetitions with growing cycles: their boundaries stay exact however far away they are."""

import math

import numpy as np
import pytest

import stepsize as ss

HUGE = [10**3, 10**6, 10**9, 10**12]


def restart_at_or_before(k: int, period: int, growth: int) -> tuple[int, int]:
    """Where the cycle around step k begins, and its length, in whole numbers."""
    if growth == 1:
        return k - k % period, period
    begin, length = 0, period
    while begin + length <= k:
        begin, length = begin + length, length * growth
    return begin, length


@pytest.mark.parametrize("period", range(1, 8))
@pytest.mark.parametrize("growth", [1, 2, 3])
@pytest.mark.parametrize("around", HUGE)
def test_warm_restarts_begin_exactly_on_their_steps(period, growth, around):
    schedule = ss.cosine(1.0, 0.0, period).repeat(stretch=growth)
    begin, length = restart_at_or_before(around, period, growth)
    asked = [begin, begin + length - 1, begin + length, begin + length // 2]
    local = [0, length - 1, 0, length // 2]
    expected = [math.cos(math.pi * k / length / 2) ** 2 for k in local]
    assert schedule(begin) == schedule(begin + length) == 1.0
    np.testing.assert_allclose([schedule(k) for k in asked], expected, atol=1e-9)
    np.testing.assert_array_equal(schedule(np.array(asked)), [schedule(k) for k in asked])


@pytest.mark.parametrize("period", range(1, 8))
@pytest.mark.parametrize("growth", [1, 2, 3])
def test_every_early_step_is_where_counting_puts_it(period, growth):
    schedule = ss.linear(1.0, 0.0, period).repeat(shrink=0.5, stretch=growth)
    cycle, left, length = 0, period, period
    for k in range(500):
        assert schedule(k) == pytest.approx(0.5**cycle * left / length, rel=1e-12)
        left -= 1
        if left == 0:
            cycle, length = cycle + 1, length * growth
            left = length


@pytest.mark.parametrize("growth", [1, 2, 3, 7])
@pytest.mark.parametrize("first", range(1, 7))
def test_boundaries_inside_a_stretched_cycle_are_exact_too(growth, first):
    levels = ss.constant(2.0, first) >> ss.constant(1.0, 7 - first)
    schedule = levels.repeat(5, stretch=growth)
    begin, scale = 0, 1
    for _ in range(5):
        boundary = begin + first * scale
        assert (schedule(begin), schedule(boundary - 1), schedule(boundary)) == (2.0, 2.0, 1.0)
        begin, scale = begin + 7 * scale, scale * growth
    assert schedule.length == begin


@pytest.mark.parametrize("factor", [0.5, 1.5, 2.5, 1.1])
def test_stretched_cycles_are_rounded_to_whole_steps_and_fill_the_length(factor):
    schedule = ss.linear(1.0, 0.0, 40).repeat(4, stretch=factor)
    lengths = [round(40 * factor**i) for i in range(4)]
    assert schedule.length == sum(lengths)
    starts = np.cumsum([0, *lengths])[:-1]
    assert schedule(starts).tolist() == [1.0] * 4
    assert np.all(schedule(starts[1:] - 1) < 0.2)


def test_after_the_last_cycle_its_own_end_value_holds():
    schedule = ss.linear(1.0, 0.5, 10).repeat(3, shrink=0.5)
    assert [schedule(k) for k in (29, 30, 31, 10**6)] == [pytest.approx(0.25 * 0.55), 0.125, 0.125, 0.125]
