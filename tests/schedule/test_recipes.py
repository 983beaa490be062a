"""The compositions by name."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import stepsize as ss
from tests.schedule.trees import rates, values


@st.composite
def shares(draw):
    """Steps in all, with a warmup and a cooldown that fit."""
    steps = draw(st.integers(1, 200))
    warmup = draw(st.integers(0, steps))
    return steps, warmup, draw(st.integers(0, steps - warmup))


def hand_written_warmup_cosine(k, peak, steps, warmup, end):
    if k < warmup:
        return peak * (k + 1) / (warmup + 1)
    return end + (peak - end) * (1 + math.cos(math.pi * (k - warmup) / (steps - warmup))) / 2


@given(rates, st.integers(1, 200), st.integers(0, 100), rates)
def test_warmup_cosine_is_the_ten_lines_that_everybody_writes(peak, decay, warmup, end):
    steps = warmup + decay
    schedule = ss.warmup_cosine(peak, steps, warmup, end)
    k = np.arange(steps)
    expected = [hand_written_warmup_cosine(i, peak, steps, warmup, end) for i in range(steps)]
    np.testing.assert_allclose(schedule(k), expected, rtol=1e-12, atol=1e-15)
    assert (schedule.length, schedule(steps)) == (steps, end)


@given(rates, shares())
def test_recipes_last_exactly_as_long_as_asked(peak, split):
    steps, warmup, cooldown = split
    assert ss.wsd(peak, steps, warmup, cooldown).length == steps
    if warmup < steps:
        assert ss.warmup_cosine(peak, steps, warmup).length == steps
        assert ss.warmup_linear(peak, steps, warmup).length == steps


@given(rates, shares())
def test_wsd_rises_holds_its_peak_and_falls_to_the_end(peak, split):
    steps, warmup, cooldown = split
    schedule = ss.wsd(peak, steps, warmup, cooldown, end=peak / 10)
    k = np.arange(steps + 1)
    values = schedule(k)
    assert np.all(np.diff(values[: warmup + 1]) > 0)
    assert np.all(values[warmup : steps - cooldown + 1] == peak)
    assert np.all(np.diff(values[steps - cooldown :]) < 0)
    assert values[-1] == (peak / 10 if cooldown else peak)


@given(rates, shares())
def test_no_update_is_wasted_at_rate_zero(peak, split):
    steps, warmup, cooldown = split
    assert np.all(ss.wsd(peak, steps, warmup, cooldown)(np.arange(steps)) > 0)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=6), st.data())
def test_piecewise_constant_changes_exactly_at_its_boundaries(gaps, data):
    at = np.cumsum(gaps).tolist()
    levels = data.draw(st.lists(values, min_size=len(at) + 1, max_size=len(at) + 1))
    schedule = ss.piecewise_constant(levels, at)
    for i, boundary in enumerate(at):
        assert (schedule(boundary - 1), schedule(boundary)) == (levels[i], levels[i + 1])
    assert schedule(10**9) == levels[-1]


@given(st.lists(st.tuples(st.integers(1, 40), values), min_size=1, max_size=6), values)
def test_piecewise_linear_is_numpy_s_interpolation(later, first):
    steps = np.cumsum([0, *(gap for gap, _ in later)])
    heights = [first, *(value for _, value in later)]
    schedule = ss.piecewise_linear(list(zip(steps.tolist(), heights, strict=True)))
    k = np.arange(steps[-1] + 3)
    np.testing.assert_allclose(schedule(k), np.interp(k, steps, heights), atol=1e-13)


def test_a_repr_of_a_recipe_shows_what_it_is_made_of():
    assert repr(ss.wsd(1.0, 10, 2, 3)) == (
        "linear(0.3333333333333333, 1.0, 2) >> constant(1.0, 5) >> one_minus_sqrt(1.0, 0.0, 3)"
    )
