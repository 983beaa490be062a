"""Durations: put over a run the phases tile it, and what does not fit says by how much."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import stepsize as ss
from stepsize.schedule.durations import Clock, nearest
from stepsize.schedule.node import Misfit
from tests.schedule.trees import CLOCK, deferred_schedules, waiting

runs = st.integers(1, 3_000)


@st.composite
def whole_percents(draw):
    """Shares of a run that make 100 %, tenths of percents among them."""
    cuts = sorted(draw(st.lists(st.integers(0, 1000), max_size=5)))
    return [(b - a) / 10 for a, b in zip([0, *cuts], [*cuts, 1000], strict=True)]


@given(whole_percents(), runs)
def test_phases_of_100_percent_fill_the_run_exactly_with_rounded_boundaries(shares, total):
    parts = [ss.constant(float(i), f"{share}%") for i, share in enumerate(shares)]
    schedule = parts[0]
    for part in parts[1:]:
        schedule = schedule >> part
    placed = schedule.over(total)
    assert placed.length == total
    ends = np.cumsum(shares)
    expected = [int(np.argmax(ends * total / 100 + 0.5 >= k + 1 - 1e-9)) for k in range(total)]
    assert placed(np.arange(total)).tolist() == expected


@given(st.integers(0, 100), runs, st.sampled_from(["1-sqrt", "linear", "cosine"]))
def test_a_wsd_of_100_percent_fills_every_run(warmup, total, shape):
    schedule = ss.wsd(1.0, "100%", f"{warmup}%", f"{100 - warmup}%", shape=shape)
    assert schedule.over(total).length == total


@given(st.floats(0, 40), st.floats(0, 60), runs)
def test_every_way_to_say_a_warmup_and_a_cooldown_fills_the_run(warmup, cooldown, total):
    rest = 100 - warmup - cooldown
    if rest < 0:
        return
    parts = [f"{share:.4f}%" for share in (warmup, rest, cooldown)]
    asked = ss.constant(1.0, parts[1]).warmup(parts[0]).cooldown(parts[2])
    assert abs(asked.over(total).length - total) <= (abs(sum(float(p[:-1]) for p in parts) - 100) > 0)


@given(deferred_schedules, st.integers(500, 3_000))
def test_what_a_run_makes_of_it_has_no_durations_left(schedule, total):
    try:
        placed = schedule.over(total, **CLOCK)
    except Misfit:  # longer than the run: no other fault is left to find
        return
    assert placed.node.resolved
    assert np.isfinite(placed(np.arange(total))).all()
    assert placed.over(total) == placed
    twin = ss.Schedule.from_json(schedule.to_json()).over(total, **CLOCK)
    assert twin == placed


def test_every_unit_on_one_run():
    clock = {"steps_per_epoch": 78.125, "samples_per_step": 64, "tokens_per_step": 1_000}
    for text, steps in {
        "7": 7,
        "7 steps": 7,
        "7 updates": 7,
        "5%": 50,
        "3 epochs": 234,
        "0.5 epochs": 39,
        "6_400 samples": 100,
        "1e5 tokens": 100,
        "10% - 20 steps": 80,
        "1 epoch + 22 steps": 100,
    }.items():
        assert ss.linear(0, 1, text).over(1_000, **clock).length == steps, text


def test_a_run_may_be_told_in_units_too():
    lr = ss.warmup_cosine(1.0, "100%", "10%")
    assert lr.over("2 epochs", steps_per_epoch=50).length == 100
    assert lr.over("1e6 tokens", tokens_per_step=1e4).length == 100
    assert lr.over("6400 samples", samples_per_step=64) == lr.over(100)


def test_halves_are_rounded_up():
    assert [nearest(ss.Duration.parse(f"{n}.5").on(Clock(1))) for n in range(4)] == [1, 2, 3, 4]
    assert ss.linear(0, 1, "50%").over(5).length == 3
    assert (ss.linear(0, 1, "50%") >> ss.linear(1, 0, "50%")).over(5) == ss.linear(0, 1, 3) >> ss.linear(1, 0, 2)


def test_a_share_is_not_cut_off_by_binary_fractions():
    assert ss.linear(0, 1, "29%").over(100).length == 29


def test_phases_of_no_update_are_absent():
    lr = ss.wsd(1.0, "100%", warmup="0.1%", cooldown="20%")
    assert lr.over(100) == ss.wsd(1.0, 100, 0, 20)
    assert (ss.linear(0, 1, "0%") >> ss.cosine(1, 0, "100%")).over(50) == ss.cosine(1, 0, 50)
    assert ss.cosine(1, 0, 50).warmup("0.1%").over(50) == ss.cosine(1, 0, 50)


@pytest.mark.parametrize(
    ("lr", "says"),
    [
        (ss.linear(0, 1, "60%") >> ss.cosine(1, 0, "50%"), "110 updates, 10 more than the run's 100"),
        (ss.linear(0, 1, 90) >> ss.cosine(1, 0, "20%"), "110 updates, 10 more than the run's 100"),
        (ss.wsd(1, "100%", "60%", "50%"), "warmup=60 and cooldown=50 do not fit into steps=100: 10 too many"),
        (ss.warmup_cosine(1, "100%", "100%"), "warmup=100 do not fit into steps=100: 1 too many"),
        (ss.multistep(1, 0.1, ["30%", "10 steps + 20%"]), "rise by whole steps, got 30 after 30"),
        (ss.linear(0, 1, "100% - 200 steps"), "'100% - 200 steps' .*-100 updates on a run of 100"),
        (ss.linear(0, 1, "1 epoch"), "epochs needs steps_per_epoch"),
        (ss.linear(0, 1, "1e9 tokens"), "tokens needs tokens_per_step"),
        (ss.linear(0, 1, "1e3 samples"), "samples needs samples_per_step"),
    ],
)
def test_what_does_not_fit_says_by_how_much(lr, says):
    with pytest.raises(ss.InvalidSchedule, match=says):
        lr.over(100)


@pytest.mark.parametrize("run", [0, -1, 2.5, "5%", "ten", None, True, 10**400, float("nan")])
def test_a_run_is_a_whole_number_of_updates_or_a_duration(run):
    with pytest.raises(ss.InvalidSchedule):
        ss.linear(0, 1, "5%").over(run)


@pytest.mark.parametrize("size", [0, -1, "a", float("inf")])
def test_the_sizes_of_units_are_above_zero(size):
    with pytest.raises(ss.InvalidSchedule, match="steps_per_epoch must be a number above 0"):
        ss.linear(0, 1, "1 epoch").over(10, steps_per_epoch=size)


ASKED = {
    "call": lambda lr: lr(3),
    "array": lambda lr: lr(np.arange(3)),
    "length": lambda lr: lr.length,
    "slice": lambda lr: lr[3:],
    "blocks": lambda lr: list(lr.blocks(0, 3)),
    "integral": lambda lr: lr.integral(),
    "first_below": lambda lr: lr.first_below(0.5),
    "first_above": lambda lr: lr.first_above(0.5),
    "check": lambda lr: lr.check(100),
    "diff": lambda lr: str(lr.diff(ss.constant(1.0))),
    "replan": lambda lr: lr.replan(ss.constant(1.0), 5, "stretch"),
    "show": lambda lr: lr.show(),
    "sparkline": lambda lr: lr.sparkline(),
    "svg": lambda lr: lr._repr_svg_(),
}


@pytest.mark.parametrize("name", ASKED)
def test_before_the_run_is_known_every_question_says_to_call_over(name):
    for lr in (ss.linear(0, 1, "5%"), ss.constant(1.0, 5) >> ss.linear(0, 1, "5%") * 2):
        with pytest.raises(ss.InvalidSchedule, match=r"linear\(.*5%.* call \.over\(updates\) first"):
            ASKED[name](lr)


@given(waiting)
def test_what_can_be_done_before_the_run_is_known_waits_with_it(schedule):
    for later in (2 * schedule, schedule + 1, schedule.clip(0, 1), schedule * schedule, schedule.noise(0.1)):
        assert not later.node.resolved
        assert eval(repr(later), vars(ss)) == later


def test_a_fault_that_no_run_can_mend_is_found_at_once():
    for bad in (
        lambda: ss.polynomial(1, 0, "5%", power=-1),
        lambda: ss.linear("x", 0, "5%"),
        lambda: ss.linear(0, 1, "5%").cooldown(10, shape="round"),
        lambda: ss.linear(0, 1, "5%").repeat(0),
    ):
        with pytest.raises(ss.InvalidSchedule):
            bad()


def test_durations_add_and_multiply_exactly():
    tenth = ss.Duration.parse("0.1%")
    assert tenth + tenth + tenth == ss.Duration.parse("0.3%")
    assert 3 * tenth == ss.Duration.parse("0.3%")
    assert str(ss.Duration.parse("3 epochs") - 10) == "3 epochs - 10 steps"
    assert eval(repr(tenth - 5), vars(ss)) == tenth - 5
    with pytest.raises(ss.InvalidSchedule, match="'5 parsecs'"):
        ss.Duration.parse("5 parsecs")
    with pytest.raises(ss.InvalidSchedule, match="duration must be"):
        ss.Duration.parse("1e999999999")


def test_a_document_of_a_waiting_call_is_read_strictly():
    document = json.loads(ss.wsd(1.0, "100%", "5%", "20%").to_json())
    for change, says in (
        ({"call": "exec"}, "schedule.call: found 'exec'"),
        ({"arguments": []}, "schedule.arguments: expected an object"),
        ({"arguments": {"steps": "100%"}}, "missing .* 'peak'"),
        ({"arguments": {**document["arguments"], "colour": 1}}, "colour"),
        ({"arguments": {**document["arguments"], "peak": {"a": 1}}}, "peak"),
        ({"of": document}, "wsd"),
    ):
        with pytest.raises(ss.InvalidSchedule, match=says):
            ss.Schedule.from_json(json.dumps({**document, **change}))
