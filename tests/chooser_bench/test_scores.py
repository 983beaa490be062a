"""Scores of plays: what is said of a method's regrets."""

import math

import numpy as np
import pytest

from benchmarks.chooser.desk import Mark
from benchmarks.chooser.plays import OURS, Play
from benchmarks.chooser.scores import Results, bottom, calibration, cost_to_good, score
from benchmarks.chooser.tables import Answer, Table

RATES = np.linspace(-3, 0, 7)


@pytest.fixture
def table() -> Table:
    losses = 1 + (RATES + 1.4) ** 2 / 4
    return Table(
        "bowl", "live", True, "sgd", "constant", -3.0, 0.0, RATES, losses, 2.0, lambda *_: Answer(1.0, 2.0, 1.0)
    )


def played(method: str, seed: int, *marks: Mark, budget: float = 24.0) -> Play:
    return Play(method, "bowl, sgd", "live", True, seed, budget, marks, (-1.6, -1.3))


def test_a_score_counts_failures_and_its_band_holds_the_mean() -> None:
    told = score(np.array([[0.0, 0.2], [0.0, 0.0]]))
    assert (told.mean, told.failed, told.cases) == (pytest.approx(0.05), 0.25, 4)
    assert told.low <= told.mean <= told.high


def test_the_cost_of_good_is_where_it_stays_good(table: Table) -> None:
    wanders = played("random", 0, Mark(1, 1, -1.5), Mark(2, 2, 0.0), Mark(5, 5, -1.5))
    results = Results([wanders], {("live", "bowl, sgd"): table})
    assert cost_to_good(results, "random", "live") == {"bowl, sgd": 5.0}
    never = Results([played("random", 0, Mark(1, 1, 0.0))], {("live", "bowl, sgd"): table})
    assert cost_to_good(never, "random", "live") == {"bowl, sgd": math.inf}


def test_a_method_that_plans_is_judged_by_what_it_paid(table: Table) -> None:
    plays = [
        played(OURS, 0, Mark(1.9, 4, -2.5), budget=2.0),
        played(OURS, 0, Mark(2.6, 5, -1.5), budget=3.0),
    ]
    results = Results(plays, {("live", "bowl, sgd"): table})
    assert cost_to_good(results, OURS, "live") == {"bowl, sgd": pytest.approx(2.6)}


def test_the_range_is_held_against_the_bottom_between_the_recorded_rates(table: Table) -> None:
    assert bottom(table) == pytest.approx(-1.4)
    results = Results([played(OURS, 0, Mark(2, 4, -1.5), budget=3.0)], {("live", "bowl, sgd"): table})
    assert calibration(results, OURS, "live", 3.0) == (1.0, 1)
    assert math.isnan(calibration(results, OURS, "live", 6.0)[0])
