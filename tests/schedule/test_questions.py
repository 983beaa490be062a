"""What is asked about a schedule as a whole, against looking at every step."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import stepsize as ss
from tests.schedule.trees import array_schedules, bound, finite_schedules, schedules, telling_steps, values

places = st.integers(0, 400)


def slack(schedule, share=1e-12):
    return share * bound(schedule.node.document()) + 1e-300


@given(schedules | array_schedules, st.floats(0, 300), st.floats(0, 300))
def test_bounds_enclose_every_value(schedule, one, other):
    begin, end = (min(place, schedule.length) for place in sorted((one, other)))
    low, high = schedule.node.bounds(begin, end)
    steps = telling_steps(schedule)
    inside = schedule(np.concatenate([steps[(begin <= steps) & (steps <= end)], [begin, end]]))
    assert np.isfinite([low, high]).all()
    assert low - slack(schedule) <= inside.min() <= inside.max() <= high + slack(schedule)


@given(schedules)
def test_bounds_enclose_what_is_far_away(schedule):
    low, high = schedule.node.bounds(0, schedule.length)
    far = schedule([0, 10**6, 10**9, 10**12, 10**15])
    assert low - slack(schedule) <= far.min() <= far.max() <= high + slack(schedule)


@given(schedules | array_schedules, places, places)
def test_an_integral_is_the_sum_of_the_values(schedule, one, other):
    start, stop = sorted((one, other))
    values = schedule(np.arange(start, stop))
    np.testing.assert_allclose(schedule.integral(start, stop), values.sum(axis=0), rtol=0, atol=400 * slack(schedule))


@given(finite_schedules)
def test_an_integral_goes_to_the_end_by_itself(schedule):
    total = schedule(np.arange(schedule.length)).sum()
    np.testing.assert_allclose(schedule.integral(), total, rtol=0, atol=400 * slack(schedule))


def test_integrals_of_a_million_million_steps_are_exact_and_take_no_time():
    n = 10**12
    assert ss.linear(1.0, 0.0, n).integral() == pytest.approx((n + 1) / 2, rel=1e-15)
    assert ss.constant(0.5, n).integral() == n / 2
    saw = ss.linear(1.0, 0.0, 10).repeat()
    assert saw.integral(0, n) == pytest.approx(5.5 * n / 10, rel=1e-12)
    halving = ss.constant(1.0, 10).repeat(shrink=0.5)
    assert halving.integral(0, n) == pytest.approx(20.0, rel=1e-12)
    assert (2 * halving + 1).integral(0, n) == pytest.approx(n + 40.0, rel=1e-12)


def test_the_sum_of_growth_beyond_all_floats_is_infinite_without_a_warning():
    growing = ss.linear(1.0, 2.0, 10).repeat(shrink=2.0)
    assert growing.integral(0, 10**6) == math.inf


@given(schedules, values, places)
def test_the_first_step_beyond_a_value_is_what_looking_at_each_finds(schedule, value, start):
    above = schedule(np.arange(start, 3_000)) - value
    for first, beyond in ((schedule.first_below, -above), (schedule.first_above, above)):
        got = first_or_gave_up(first, value, start)
        if got is not None:
            # A value within rounding of the one asked for may count or not.
            assert first_place(beyond > -slack(schedule), start) <= min(got, 3_000)
            assert min(got, 3_000) <= first_place(beyond > slack(schedule), start)


def first_place(hits, start):
    return start + int(np.argmax(hits)) if hits.any() else 3_000


def first_or_gave_up(first, value, start):
    try:
        return first(value, start)
    except ss.InvalidSchedule:  # too many looks
        return None


def test_the_first_step_is_found_a_million_million_steps_away():
    assert ss.linear(1.0, 0.0, 10**12).first_below(0.5) == 5 * 10**11 + 1
    assert ss.inverse_sqrt(1.0, 100).first_below(1e-5) == 100 * (10**10 - 1) + 1
    assert ss.sgdr(1.0, 10, growth=2, shrink=0.5).first_above(0.9, start=1) <= 3
    assert ss.exponential_decay(1.0, 0.5, 1).first_above(1.0) == math.inf
    assert ss.constant(1.0).first_below(1.0) == math.inf


def test_beyond_the_end_the_end_value_answers():
    decay = ss.linear(1.0, 0.0, 10)
    assert decay.first_below(0.5, start=20) == 20
    assert decay.first_above(0.5, start=20) == math.inf
    assert decay.first_below(0.5) == 6


def test_a_function_is_looked_through_step_by_step_and_given_up_in_time():
    assert ss.function(lambda k: 1 / (1 + k)).first_below(1e-3) == 1000
    with pytest.raises(ss.InvalidSchedule, match="looked through"):
        (ss.function(_never) + 1).first_below(-1.0)


def _never(step):
    return 0.0


def test_questions_about_one_value_are_refused_for_arrays():
    with pytest.raises(ss.InvalidSchedule, match="one value"):
        ss.linear([0, 1], 2, 10).first_above(0.5)
    with pytest.raises(ss.InvalidSchedule, match="one value"):
        ss.linear(0, 1, 10).first_above([0.5, 0.6])
    with pytest.raises(ss.InvalidSchedule, match="needs a stop"):
        ss.constant(1.0).integral()


HUGE = 1e308


@pytest.mark.parametrize(
    "schedule",
    [
        ss.linear(-HUGE, HUGE, 10),
        ss.cosine(HUGE, -HUGE, 10),
        ss.exponential(1e-300, HUGE, 10),
        ss.exponential_decay(1.0, 10.0, 1),
        ss.exponential_decay(1.0, 10.0, 1) * ss.exponential_decay(1.0, 0.1, 1),
        ss.linear(0.0, 1.0, 10).repeat(shrink=10.0),
        ss.constant(HUGE) + ss.constant(HUGE),
        1e300 * ss.constant(HUGE, 5),
        ss.polynomial(1, 0, 10, HUGE),
        ss.hyperbolic(1, 0, 10, HUGE),
        ss.tanh(1, 0, 10, -HUGE, HUGE),
        ss.sigmoid(1, 0, 10, 1e-300),
        ss.logistic(1, 0, 1e-300),
        ss.inverse_time(1, HUGE, 1e-300),
        ss.k_decay(1, 0, 10, k=HUGE),
        ss.linear(1, 0, 10**300) >> ss.linear(0, 1, 10),
    ],
    ids=range(16),
)
def test_huge_numbers_never_warn_nor_crash(schedule):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        steps = [0, 1, 5, 10, 400, 10**6, 10**12, 10**15]
        assert [schedule(k) for k in steps] == pytest.approx(schedule(steps).tolist(), rel=1e-9, nan_ok=True)
        schedule(10**400)
        schedule.integral(0, 1_000)
        schedule.check()
        schedule.check(100)
        assert schedule.sparkline()
        assert "<svg" in schedule._repr_svg_()
        str(schedule.diff(2 * schedule))
