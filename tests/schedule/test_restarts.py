"""Repetitions with growing cycles: their boundaries stay exact however far away they are."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import stepsize as ss
from tests.schedule.trees import finite_schedules

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
@pytest.mark.parametrize("growth", [1, 2, 3, 5, 7, 10])
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


@pytest.mark.parametrize("growth", [1, 2, 3, 4, 5, 6, 7, 10, 11, 13])
@pytest.mark.parametrize("period", [1, 2, 7, 10, 997, 10**6])
def test_every_restart_up_to_a_million_million_is_at_the_peak_and_the_update_before_at_the_floor(growth, period):
    schedule = ss.sgdr(1.0, period, growth=growth, end=0.001)
    starts, length = [0], period
    while starts[-1] + length <= 10**12 and len(starts) < 200:
        starts, length = [*starts, starts[-1] + length], length * growth
    assert schedule(starts) == pytest.approx(np.ones(len(starts)), abs=1e-15)
    assert all(schedule(k) == pytest.approx(1.0, abs=1e-15) for k in starts)
    for begin, end in itertools.pairwise(starts):
        last = 0.001 + 0.999 * math.sin(math.pi / (end - begin) / 2) ** 2
        # Near the floor: as high as a half wave is one step before its end, to a hundredth of a step.
        assert schedule(end - 1) == pytest.approx(last, abs=1e-9)
        assert schedule(np.array([end - 1]))[0] == pytest.approx(last, abs=1e-9)


@pytest.mark.parametrize("period", [3, 10, 1_000_003])
@pytest.mark.parametrize("growth", [2, 3, 7])
def test_boundaries_inside_far_cycles_are_on_their_exact_step(period, growth):
    schedule = (ss.constant(2.0, period // 3) >> ss.constant(1.0, period - period // 3)).repeat(stretch=growth)
    begin, scale = 0, 1
    while begin + period * scale <= 10**12:
        boundary = begin + period // 3 * scale
        asked = [begin, boundary - 1, boundary, begin + period * scale - 1]
        assert schedule(asked).tolist() == [schedule(k) for k in asked] == [2.0, 2.0, 1.0, 1.0]
        begin, scale = begin + period * scale, scale * growth


@given(finite_schedules, st.integers(10**11, 10**12))
def test_far_away_each_joint_still_tells_neighbouring_steps_apart(schedule, far):
    later = ss.constant(0.0, far) >> schedule
    k = np.arange(schedule.length + 2)
    assert np.array_equal(later(far + k), schedule(k))
    assert np.array_equal(later[far:](k), schedule(k))
    assert np.array_equal((later * 2 + 1)(far + k), schedule(k) * 2 + 1)
    cycle = far // int(schedule.length) * int(schedule.length)
    assert np.array_equal(schedule.repeat()(cycle + k[:-2]), schedule(k[:-2]))
    assert np.array_equal(later.reverse()(k[:-2]), schedule(schedule.length - k[:-2]))
