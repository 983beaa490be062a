"""`check` finds what looks wrong, and only that; `diff` tells two schedules apart; `replan` goes on as chosen."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import stepsize as ss
from tests.schedule.trees import array_schedules, finite_schedules, schedules

GOOD = ss.warmup_cosine(1e-3, 1_000, 100)

# kind -> schedules that have it, for a training of 1000 updates, and near misses that do not
FOUND = {
    "negative": [ss.linear(1, -0.1, 1_000), ss.warmup_cosine(1, 1_000, 10) + -0.01],
    "zero_first_update": [ss.linear(0, 1, 100) >> ss.cosine(1, 0, 900), ss.wsd([1, 2], 1_000, 10, 10, start=[0, 1])],
    "peak_never_reached": [
        # timm's cosine is counted from update 0 by default: the peak is cut off by the warmup.
        ss.linear(0.1, 1, 50) >> ss.cosine(1, 0, 1_000)[50:],
        ss.warmup_cosine(1, 10_000, 2_000),
        ss.linear(0.1, 1, 2_000),
    ],
    "rises_after_end": [
        ss.cosine(1, 0, 1_000).after("mirror"),  # as torch's cosine climbs back
        ss.sgdr(1, 500),
        ss.cosine(1, 0, 1_000) >> ss.cosine(0, 1, 500),
    ],
    "jump": [
        ss.linear(0.1, 1, 50) >> ss.cosine(0.5, 0, 950),
        ss.cosine(1, 0.2, 900) >> ss.constant(0.5, 100),
        ss.constant([1, 1], 500) >> ss.linear([1, 2], [0, 0], 500),
    ],
    "float32_horizon": [ss.warmup_cosine(1, 2**25, 100)],
    "warmup_longer_than_run": [ss.warmup_cosine(1, 5_000, 1_000), ss.linear(0.1, 1, 1_500)],
    "decays_too_early": [ss.warmup_cosine(1, 900, 100), ss.linear(1, 0, 10)],
    "decays_too_late": [ss.warmup_cosine(1, 1_300, 100), ss.wsd(1, 1_200, 10, 300)],
    "never_decays": [ss.constant(1), ss.linear(0.1, 1, 500), ss.wsd(1, None, 100), ss.exponential_decay(1, 1.01, 10)],
}
NOT_FOUND = {
    "negative": [ss.linear(1, 0, 1_000), (ss.warmup_cosine(1, 1_000, 10) - 0.01).clip(0, 1)],
    "zero_first_update": [GOOD, ss.linear(1e-9, 1, 100), ss.constant(0)],
    "peak_never_reached": [
        GOOD,
        ss.linear(0.1, 1, 50) >> ss.cosine(1, 0, 950),
        ss.linear(0.1, 1, 50) >> ss.cosine(0.5, 0, 450) >> ss.cosine(1, 0, 500),
        ss.warmup_cosine(1, 10_000, 1_000)[:1_000],
    ],
    "rises_after_end": [GOOD, ss.cosine(1, 0, 1_000), ss.sgdr(1, 500, cycles=2), ss.step_decay(1, 0.1, 300)],
    "jump": [
        GOOD,
        ss.multistep(1, 0.1, [300, 600]),  # steps are what was asked for
        ss.sgdr(1, 100),
        ss.linear(0.1, 1, 50) >> ss.cosine(0.995, 0, 950),
        ss.cosine(1, 0, 1_000) >> ss.constant(0.5),  # after the last update
    ],
    "float32_horizon": [GOOD, ss.constant(1), ss.warmup_cosine(1, 2**24, 100)],
    "warmup_longer_than_run": [GOOD, ss.warmup_cosine(1, 5_000, 999), ss.constant(1)],
    "decays_too_early": [GOOD, ss.warmup_cosine(1, 985, 100), ss.constant(1, 10), ss.linear(0.1, 1, 500)],
    "decays_too_late": [GOOD, ss.warmup_cosine(1, 1_010, 100), ss.constant(1, 5_000)],
    "never_decays": [GOOD, ss.sgdr(1, 500), ss.constant(1, 900).cooldown(100), ss.constant(0), ss.random(0.1, 1, 9, 0)],
}
RUN = {"float32_horizon": None}


@pytest.mark.parametrize("kind", FOUND)
def test_what_looks_wrong_is_found(kind):
    for schedule in FOUND[kind]:
        findings = {finding.kind: finding for finding in schedule.check(RUN.get(kind, 1_000))}
        assert kind in findings, schedule
        finding = findings[kind]
        assert 0 < finding.confidence <= 1
        assert finding.message.endswith(".")
        assert finding.advice


@pytest.mark.parametrize("kind", NOT_FOUND)
def test_what_only_comes_near_is_not(kind):
    for schedule in NOT_FOUND[kind]:
        assert kind not in {finding.kind for finding in schedule.check(RUN.get(kind, 1_000))}, schedule


def test_the_schedules_that_people_train_with_pass():
    for schedule in (
        GOOD,
        ss.warmup_linear(1e-3, 1_000, 100),
        ss.wsd(1e-3, 1_000, 100, 200),
        ss.one_cycle(1e-2, 1_000),
        ss.cosine(1e-3, 0, 1_000),
        ss.noam(512, 100),
        ss.slanted_triangular(1e-3, 1_000),
        ss.knee(1e-3, 1_000, 500),
        ss.step_decay(0.1, 0.1, 300),
        ss.wsd([1e-3, 1e-4], 1_000, 100, 200),
    ):
        assert [finding.kind for finding in schedule.check(1_000)] == []


@given(schedules | array_schedules, st.none() | st.integers(1, 500))
def test_any_schedule_can_be_checked(schedule, steps):
    assert all(finding.message for finding in schedule.check(steps))


@pytest.mark.parametrize("steps", [0, -1, 1.5, "100"])
def test_a_check_is_for_a_whole_number_of_updates(steps):
    with pytest.raises(ss.InvalidSchedule, match="steps"):
        GOOD.check(steps)


def test_a_difference_names_the_parts_and_the_values():
    old, new = ss.warmup_cosine(1.0, 100, 10, end=0.0), ss.warmup_cosine(1.0, 100, 10, end=0.1)
    assert str(old.diff(new)).splitlines() == [
        "  linear(0.09090909090909091, 1.0, 10)",
        "- cosine(1.0, 0.0, 90)",
        "+ cosine(1.0, 0.1, 90)",
        "values differ from update 11 on, at most by 0.1 at update 100 (0 -> 0.1)",
    ]


def test_a_difference_of_nothing_says_so():
    assert not GOOD.diff(GOOD)
    assert str(GOOD.diff(GOOD)).endswith("the values are the same at all 1001 updates compared")
    other = ss.constant(1.0, 5) >> ss.constant(1.0, 5)
    assert not other.diff(ss.constant(1.0, 10))
    assert sorted(other.diff(ss.constant(1.0, 10)).lines) == [
        "+ constant(1.0, 10)",
        "- constant(1.0, 5)",
        "- constant(1.0, 5)",
    ]


@pytest.mark.parametrize("at", [5_000, 10**7, 10**9])
def test_a_difference_far_away_is_not_overlooked(at):
    late = ss.constant(1.0, at) >> ss.constant(2.0)
    assert ss.constant(1.0).diff(late)
    assert f"from update {at} on" in str(ss.constant(1.0).diff(late))
    assert bool(ss.linear(1.0, 0.0, at).diff(ss.linear(1.0, 0.5, at)))


def test_schedules_of_other_shapes_and_infinite_ones_can_be_compared():
    text = str(ss.constant(0.0, 10).diff(ss.constant([0.0, 1.0], 10)))
    assert text.endswith("at most by 1 at update 0 (0 -> 1)")
    growing = ss.exponential_decay(1.0, 10.0, 1)
    assert not growing.diff(growing)


@given(schedules, schedules)
def test_a_difference_is_true_exactly_if_a_value_differs(a, b):
    assert not a.diff(a)
    assert bool(a.diff(b)) == bool(np.any(a.diff(b).gap))
    assert str(a.diff(b)).count("\n") >= 1


def test_a_difference_can_be_drawn():
    axes = GOOD.diff(ss.cosine(1e-3, 0, 1_000)).show()
    assert len(axes.lines) == 2


@given(finite_schedules, finite_schedules, st.integers(0, 80))
def test_each_way_to_go_on_does_what_it_says(old, new, at):
    assume(old != new)
    before = np.arange(at)
    with pytest.raises(ss.InvalidSchedule, match="choose how to go on: 'keep', 'adopt', 'stretch', 'anneal'"):
        old.replan(new, at)
    assert old.replan(new, at, "keep") == old
    assert old.replan(new, at, "adopt") == new
    for how in ("stretch", "anneal"):
        impossible = new.length <= at or (how == "stretch" and old.length <= at)
        if impossible:
            with pytest.raises(ss.InvalidSchedule, match="nothing of it is left"):
                old.replan(new, at, how)
            continue
        plan = old.replan(new, at, how)
        assert plan.length == new.length
        assert np.array_equal(plan(before[: old.length]), old(before[: old.length]))
        np.testing.assert_allclose(plan(before), old(before), rtol=0, atol=1e-12)  # its end value, held
        assert plan(at) == pytest.approx(old(at), abs=1e-12)
        assert plan(new.length) == pytest.approx((old(old.length) if how == "stretch" else new(new.length)), abs=1e-12)
        assert ss.Schedule.from_json(plan.to_json()) == plan == eval(repr(plan), vars(ss))


def test_going_on_with_the_same_plan_changes_nothing():
    for how in ("refuse", "keep", "adopt", "stretch", "anneal"):
        assert GOOD.replan(ss.warmup_cosine(1e-3, 1_000, 100), 500, how) is not None
        assert GOOD.replan(ss.warmup_cosine(1e-3, 1_000, 100), 500, how) == GOOD


def test_a_refusal_has_the_two_lines_that_differ():
    with pytest.raises(ss.InvalidSchedule) as refused:
        ss.cosine(1, 0, 100).replan(ss.cosine(1, 0, 200), at=50)
    assert str(refused.value).splitlines() == [
        "the schedule has changed at update 50:",
        "- cosine(1.0, 0.0, 100)  (100 updates)",
        "+ cosine(1.0, 0.0, 200)  (200 updates)",
        "choose how to go on: 'keep', 'adopt', 'stretch', 'anneal'",
    ]


def test_an_ended_schedule_goes_on_from_the_value_it_held():
    plan = ss.linear(1, 0.5, 100).replan(ss.cosine(1, 0, 300), at=150, how="anneal")
    assert [plan(k) for k in (99, 100, 149, 150, 300)] == [pytest.approx(0.505), 0.5, 0.5, 0.5, 0.0]


@pytest.mark.parametrize(("at", "how", "says"), [(-1, "keep", "at"), (1.5, "keep", "at"), (5, "resume", "how")])
def test_a_change_of_plan_names_a_wrong_argument(at, how, says):
    with pytest.raises(ss.InvalidSchedule, match=says):
        GOOD.replan(ss.constant(1.0), at, how)


def test_an_endless_plan_cannot_be_stretched_nor_reached():
    for how in ("stretch", "anneal"):
        with pytest.raises(ss.InvalidSchedule, match="never ends"):
            GOOD.replan(ss.constant(1.0), 500, how)
    assert math.isinf(GOOD.replan(ss.constant(1.0), 500, "adopt").length)
