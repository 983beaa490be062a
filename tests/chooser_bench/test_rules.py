"""The finders' rules, as their packages have them, traps included."""

import math

import numpy as np
import pytest

from benchmarks.chooser.rules import RULES, averaged, stopped

RATES = 1e-7 * 1e8 ** (np.arange(100) / 100)


def curve(bottom: float = 0.1) -> np.ndarray:
    """Flat, then falling to its lowest at `bottom`, then up."""
    away = np.log10(RATES) - math.log10(bottom)
    return np.where(away < 0, 2.0 - 1.5 * np.exp(-(away**2)), 0.5 * 10 ** (2 * away))


def test_the_average_of_equal_losses_is_that_loss() -> None:
    assert averaged(np.full(5, 3.0)) == pytest.approx(np.full(5, 3.0))


def test_a_ramp_stops_above_its_best_and_a_nan_stops_nothing() -> None:
    assert stopped(np.array([1.0, 0.5, 1.0, 2.1, 3.0]), 4.0) == 4
    assert stopped(np.array([1.0, math.nan, math.nan]), 4.0) == 3


@pytest.mark.parametrize("finder", RULES)
def test_every_rule_names_a_rate_of_its_ramp_below_the_blow_up(finder: str) -> None:
    suggested = RULES[finder][1](RATES, curve())
    assert RATES[0] <= suggested <= 1.0


def test_torch_lr_finder_suggests_where_the_numbers_end() -> None:
    losses = curve()
    losses[50:] = math.nan
    assert RULES["torch-lr-finder"][1](RATES, losses) == pytest.approx(RATES[49], rel=0.3)


@pytest.mark.parametrize("finder", RULES)
def test_a_ramp_that_broke_at_once_gives_no_rate_or_one_of_the_ramp(finder: str) -> None:
    losses = np.full(100, math.nan)
    suggested = RULES[finder][1](RATES, losses)
    assert math.isnan(suggested) or suggested in RATES
