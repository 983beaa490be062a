"""The benchmark of the chooser: what a search sees, and what it pays."""

import math

import numpy as np
import pytest

from benchmarks.chooser import ours
from benchmarks.chooser.deepobs import prefix
from benchmarks.chooser.desk import Best, Desk, Spent
from benchmarks.chooser.peers import PEERS, QUICK
from benchmarks.chooser.peers.asha import on_result
from benchmarks.chooser.peers.parabola import bottom
from benchmarks.chooser.plays import Kept, Play, budgets_of, key, play
from benchmarks.chooser.tables import Answer, Table, between, ridden

RATES = np.linspace(-4, 1, 21)
EDGE = -0.5  # from here on a run diverges, a tenth of the way through
BEST = -1.5


def end(rate: float) -> float:
    return math.inf if rate >= EDGE else 1 + min((rate - BEST) ** 2, 9.0) / 10


def source(rate: float, share: float, seed: int, whole: bool) -> Answer:
    if rate >= EDGE:
        return Answer(math.inf, 2.0, min(share, 0.1))
    return Answer(2 - (2 - end(rate)) * share, 2.0, share)


@pytest.fixture
def table() -> Table:
    losses = np.array([end(rate) for rate in RATES])
    return Table("bowl", "made up", True, "momentum", "constant", -4.0, 1.0, RATES, losses, 2.0, source)


def test_a_run_costs_its_length_and_a_diverged_one_what_it_made(table: Table) -> None:
    desk = Desk(table, seed=0, budget=3)
    desk.run(-2.0)
    desk.run(-2.0, share=0.25)
    desk.run(0.0)
    assert desk.spent == pytest.approx(1 + 0.25 + 0.1)
    assert desk.trials == 3


def test_what_the_budget_does_not_pay_is_not_run(table: Table) -> None:
    desk = Desk(table, seed=0, budget=1.5)
    desk.run(-2.0)
    with pytest.raises(Spent):
        desk.run(-2.0)
    assert desk.spent == 1
    desk.run(-2.0, share=0.5)


def test_no_more_runs_are_begun_than_allowed(table: Table) -> None:
    desk = Desk(table, seed=0, budget=10, most=1)
    desk.run(0.0)
    with pytest.raises(Spent):
        desk.begin(0.0, 0.1)


def test_going_on_pays_only_what_is_new(table: Table) -> None:
    desk = Desk(table, seed=0, budget=2)
    number = desk.begin(-2.0, 0.25)
    desk.go_on(number, -2.0, 0.25)
    desk.go_on(number, -2.0, 1.0)
    assert desk.spent == pytest.approx(1)
    lost = desk.begin(0.0, 0.25)
    desk.go_on(lost, 0.0, 0.25)
    assert desk.spent == pytest.approx(1.1)


def test_the_best_run_so_far_is_recommended(table: Table) -> None:
    desk = Desk(table, seed=0, budget=9)
    best = Best(desk)
    for rate in (-3.0, -1.5, -2.0, 0.0):
        best.saw(rate, desk.run(rate).loss)
    assert [mark.rate for mark in desk.marks] == [-3.0, -1.5, -1.5, -1.5]
    assert [mark.cost for mark in desk.marks] == pytest.approx([1, 2, 3, 3.1])


@pytest.mark.parametrize("method", QUICK)
def test_no_peer_overdraws_and_all_get_close_in_the_end(table: Table, method: str) -> None:
    played = play(table, method, seed=1, budget=24)
    assert max(mark.cost for mark in played.marks) <= 24
    assert table.regret(played.after()) < 0.1


def test_peers_and_methods_have_names_of_their_own() -> None:
    assert set(QUICK) <= set(PEERS)
    assert budgets_of("grid", "live", (1.0, 2.0)) == (1.0, 2.0)
    assert budgets_of("random", "live", (1.0, 2.0)) == (24.0,)


def test_our_search_is_played_within_its_budget(table: Table) -> None:
    desk = Desk(table, seed=0, budget=4)
    answered = ours.answer(desk)
    assert answered.cost == desk.spent <= 4 + 1e-9
    assert answered.low <= answered.high
    assert table.regret(answered.rate) < 0.1


def test_regret_is_a_share_of_the_gain_and_at_most_one(table: Table) -> None:
    assert table.regret(BEST) == 0
    assert table.regret(BEST - 1) == pytest.approx(0.1)
    assert table.regret(0.5) == table.regret(math.nan) == 1


def test_between_a_finite_and_a_diverged_rate_the_nearer_one_answers() -> None:
    rates, losses = np.array([0.0, 1.0, 2.0]), np.array([3.0, 1.0, math.inf])
    assert between(rates, losses, 0.25) == pytest.approx(2.5)
    assert between(rates, losses, 1.4) == 1.0
    assert between(rates, losses, 1.6) == math.inf
    assert between(rates, losses, 9.0) == math.inf


def test_half_of_a_ridden_range_is_lost_without_a_number(table: Table) -> None:
    narrow = ridden(table)
    assert narrow is not None
    assert (narrow.low + narrow.high) / 2 == pytest.approx(EDGE)
    assert narrow.source(0.0, 1.0, 0, False).loss == math.inf
    assert narrow.median == table.median


def test_the_first_part_of_a_run_ends_where_its_numbers_do() -> None:
    curve = np.array([2.0, 1.0, math.nan, math.nan, math.nan])
    assert prefix(curve, 0.3, 0.25, 2.0) == Answer(1.0, 2.0, 0.25)
    assert prefix(curve, 0.3, 1.0, 2.0) == Answer(math.inf, 2.0, 0.3)


def test_asha_stops_what_is_above_the_quartile_but_never_a_nan() -> None:
    recorded = [1.0, 2.0, 3.0]
    assert on_result(recorded, 4.0)
    assert not on_result(recorded, 0.5)
    assert not on_result(recorded, math.nan)


def test_a_parabola_finds_the_bottom_between_three_points() -> None:
    assert bottom({-3.0: 4.0, -1.0: 0.0 + 0.25, 1.0: 6.25}, -4, 2) == pytest.approx(-1.25, abs=0.1)


def test_a_play_is_read_back_as_it_was_kept(table: Table) -> None:
    kept = Kept(None)
    made = play(table, "random", 3, 24)
    assert isinstance(made, Play)
    kept.keep(key(table, "random", 3, 24), made)
    assert kept.find(key(table, "random", 3, 24)) == made
    assert kept.find(key(table, "random", 4, 24)) is None
