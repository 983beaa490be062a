"""Each curve against a formula written down independently, and exact at its ends."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import stepsize as ss
from tests.schedule.trees import lengths, ramps, rates, timescales, values

powers = st.floats(0.3, 4.0)


def assert_curve(schedule, formula, start, end, steps):
    k = np.arange(steps + 1)
    expected = [formula(i / steps) for i in k.tolist()]
    np.testing.assert_allclose(schedule(k), expected, rtol=0, atol=1e-14 * max(abs(start), abs(end)))
    assert schedule.length == steps


@given(ramps)
def test_every_ramp_hits_both_ends_exactly(schedule):
    document = schedule.node.document()
    start, end = (document.get(name, document.get("value")) for name in ("start", "end"))
    assert (schedule(0), schedule(schedule.length)) == (start, end)
    assert schedule(np.array([0, schedule.length])).tolist() == [start, end]


@given(ramps)
def test_every_ramp_goes_one_way(schedule):
    differences = np.diff(schedule(np.arange(schedule.length + 1)))
    tolerance = 1e-14 * np.abs(schedule([0, schedule.length])).max()
    assert np.all(differences >= -tolerance) or np.all(differences <= tolerance)


@given(values, values, lengths)
def test_linear_goes_in_equal_differences(a, b, n):
    assert_curve(ss.linear(a, b, n), lambda u: a + (b - a) * u, a, b, n)


@given(values, values, lengths)
def test_cosine_is_half_a_wave(a, b, n):
    assert_curve(ss.cosine(a, b, n), lambda u: b + (a - b) * math.cos(math.pi * u / 2) ** 2, a, b, n)


@given(values, values, lengths, powers)
def test_polynomial_is_a_power_of_the_time_left(a, b, n, p):
    assert_curve(ss.polynomial(a, b, n, p), lambda u: b + (a - b) * math.pow(1 - u, p), a, b, n)


@given(rates, rates, lengths)
def test_exponential_goes_in_equal_ratios(a, b, n):
    assert_curve(ss.exponential(a, b, n), lambda u: math.exp(math.log(a) + u * math.log(b / a)), a, b, n)


@given(values, values, lengths)
def test_one_minus_sqrt_is_what_its_name_says(a, b, n):
    assert_curve(ss.one_minus_sqrt(a, b, n), lambda u: b + (a - b) * (1 - math.sqrt(u)), a, b, n)


@given(values, values, lengths)
def test_rex_is_the_reflected_exponential_of_its_paper(a, b, n):
    assert_curve(ss.rex(a, b, n), lambda u: b + (a - b) * (1 - u) / (0.5 + 0.5 * (1 - u)), a, b, n)


@given(values, st.floats(0.1, 1.0), timescales)
def test_exponential_decay_falls_by_its_rate_in_every_span(a, rate, every):
    decay = ss.exponential_decay(a, rate, every)
    assert decay(0) == a
    for spans in (1, 2, 7):
        assert decay(spans * every) == pytest.approx(a * rate**spans, rel=1e-12)
    assert decay(every / 2) == pytest.approx(a * math.sqrt(rate), rel=1e-12)


@given(values, rates, timescales)
def test_inverse_time_is_one_over_a_line(a, rate, every):
    decay = ss.inverse_time(a, rate, every)
    for k in (0, 1, 10, 10_000):
        assert decay(k) == pytest.approx(a * every / (every + rate * k), rel=1e-12)


@given(values, timescales)
def test_inverse_sqrt_halves_when_time_has_quadrupled(a, timescale):
    decay = ss.inverse_sqrt(a, timescale)
    assert decay(0) == a
    assert decay(3 * timescale) == pytest.approx(a / 2, rel=1e-12)
    assert decay(15 * timescale) == pytest.approx(a / 4, rel=1e-12)


@given(values, st.floats(0.1, 1.0), lengths)
def test_a_staircase_is_flat_and_steps_exactly_at_its_boundaries(a, factor, every):
    stairs = ss.step_decay(a, factor, every)
    for k in (0, 1, every - 1, every, 2 * every - 1, 2 * every, 11 * every):
        assert stairs(k) == pytest.approx(a * factor ** (k // every), rel=1e-12)
    assert ss.exponential_decay(a, factor, every, staircase=True) == stairs


def test_endless_curves_fall_below_any_rate_and_stay_finite():
    for decay in (ss.exponential_decay(1, 0.5, 10), ss.inverse_time(1, 1, 10), ss.step_decay(1, 0.1, 3)):
        assert 0 <= decay(1e15) < 1e-10
