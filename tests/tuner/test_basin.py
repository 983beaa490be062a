"""The basin's posterior: right where the truth is known, honest where nothing is."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepsize.tuner.basin import Score, fit

PRIOR = (-2.5, 1.0)


def truth(rate: float, optimum: float, width: float = 1.3, skew: float = 0.4) -> float:
    z = (rate - optimum) / (width if rate < optimum else skew * width)
    return 1.0 + 2.0 * z * z / (1 + z * z)


def scores(optimum: float, shift: float = 0.0) -> list[Score]:
    short = [Score(rate, 0.125, truth(rate, optimum - 0.9 * shift)) for rate in np.arange(-5, 0.1, 0.5)]
    return [*short, *(Score(rate, 1.0, truth(rate, optimum)) for rate in (optimum - 0.6, optimum + 0.2))]


@settings(max_examples=25)
@given(optimum=st.floats(-4, -1))
def test_the_optimum_of_a_basin_is_recovered(optimum: float) -> None:
    basin = fit(scores(optimum), start=3.0, prior=PRIOR)
    assert abs(basin.quantile(0.5) - optimum) < 0.3
    assert basin.quantile(0.05) - 0.2 < optimum < basin.quantile(0.95) + 0.2


@pytest.mark.parametrize("shift", [-0.6, 0.0, 0.6])
def test_the_shift_with_the_horizon_is_estimated_from_the_runs(shift: float) -> None:
    basin = fit(scores(-2.5, shift), start=3.0, prior=PRIOR)
    mean, spread = basin.shift
    assert abs(mean - shift) < 2 * spread + 0.2


@settings(max_examples=25)
@given(optimum=st.floats(-4, -1), offset=st.floats(-100, 100), scale=st.floats(1e-3, 1e3))
def test_the_unit_and_the_zero_of_the_loss_do_not_matter(optimum: float, offset: float, scale: float) -> None:
    plain = scores(optimum)
    moved = [s._replace(loss=offset + scale * s.loss) for s in plain]
    one, other = fit(plain, 3.0, PRIOR), fit(moved, offset + scale * 3.0, PRIOR)
    assert one.recommended() == pytest.approx(other.recommended(), abs=0.051)
    assert np.allclose(one.cost(), other.cost(), atol=0.02)


def test_as_too_high_is_dearer_the_recommendation_is_not_above_the_optimum() -> None:
    basin = fit(scores(-2.5), start=3.0, prior=PRIOR)
    assert basin.recommended() <= basin.quantile(0.5) + 0.05
    here = basin.recommended()
    assert basin.cost_at(here + 0.5) > basin.cost_at(here - 0.5) > basin.cost_at(here)


def test_a_divergence_pushes_the_optimum_down() -> None:
    before = [Score(-3.0, 1.0, 1.2), Score(-2.0, 1.0, 1.0)]
    calm = fit([*before, Score(-1.0, 1.0, 1.0)], 3.0, PRIOR)
    burnt = fit([*before, Score(-1.0, 1.0, math.inf)], 3.0, PRIOR)
    assert burnt.quantile(0.5) < calm.quantile(0.5)
    assert burnt.cost_at(-1.0) > 5 * calm.cost_at(-1.0)


def test_one_run_leaves_the_prior_about_as_wide_as_it_was() -> None:
    basin = fit([Score(-2.5, 0.125, 1.0)], start=3.0, prior=PRIOR)
    assert basin.quantile(0.9) - basin.quantile(0.1) > 1.0


def test_more_runs_narrow_the_range_of_the_optimum() -> None:
    few, many = (fit(scores(-2.5)[:n], 3.0, PRIOR) for n in (3, 13))
    assert many.quantile(0.9) - many.quantile(0.1) < few.quantile(0.9) - few.quantile(0.1)


def test_the_cheap_range_contains_the_rate_and_costs_what_it_says() -> None:
    basin = fit(scores(-2.5), start=3.0, prior=PRIOR)
    rate = basin.recommended()
    low, high = basin.cheap(rate, 0.01)
    assert low < rate < high
    for inside in np.linspace(low, high, 9):
        assert basin.cost_at(inside) <= basin.cost_at(rate) + 0.0101
    assert basin.cost_at(high + 0.1) > basin.cost_at(rate) + 0.01


def test_the_band_lies_in_order_and_around_the_runs() -> None:
    basin = fit(scores(-2.5), start=3.0, prior=PRIOR)
    low, middle, high = basin.band(0.125)
    assert np.all(low <= middle)
    assert np.all(middle <= high)
    near = np.abs(basin.rates + 2.5) < 0.8
    expected = np.array([truth(rate, -2.5) for rate in basin.rates[near]])
    assert np.abs(middle[near] - expected).max() < 0.25


@settings(max_examples=25)
@given(st.lists(st.tuples(st.floats(-6, 0), st.sampled_from([0.125, 0.35, 1.0]), st.floats(-1e6, 1e6)), min_size=1))
def test_whatever_the_losses_the_answer_is_finite(rows: list[tuple[float, float, float]]) -> None:
    basin = fit([Score(*row) for row in rows], start=rows[0][2], prior=PRIOR)
    assert np.isfinite(basin.cost()).all()
    assert np.isclose(basin.optimum().sum(), 1)
    assert math.isfinite(basin.recommended())
