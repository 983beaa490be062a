"""A state is a position and what was planned: a resume goes on, and a change of plan is noticed."""

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

import stepsize as ss
from stepsize.torch import Scheduler
from tests.schedule.trees import schedules
from tests.torch.loops import held, named, saved, sgd, through_a_file, train

SHORT = ss.linear(1.0, 0.0, 100)
LONG = ss.linear(1.0, 0.0, 200)
plans = schedules.map(lambda schedule: schedule.clip(0.0, 4.0) + 1e-3)


def halved(step):
    return 0.5**step


def stopped_at(position, **schedules):
    scheduler = Scheduler(named("a", "b"), **schedules)
    scheduler.step(position)
    return saved(scheduler)[0]


def loaded(state, **arguments):
    scheduler = Scheduler(named("a", "b"), **arguments)
    scheduler.load_state_dict(state)
    return scheduler


def values(scheduler, updates):
    """The values of the next updates, read from the groups themselves."""
    found = []
    for k in range(scheduler.last_epoch, scheduler.last_epoch + updates):
        scheduler.step(k)
        found.append([[float(group[key]) for key in ("lr", "momentum")] for group in scheduler.optimizer.param_groups])
    return found


@effort(max_examples=60)
@given(st.lists(plans, min_size=2, max_size=2), plans, st.integers(0, 150), st.booleans(), st.booleans())
def test_a_resume_at_any_update_equals_no_resume(rates, momentum, at, tensors, scaled):
    def fresh():
        lr = torch.tensor(7.0, dtype=torch.float64) if tensors else 7.0
        optimizer = named("a", "b", lr=lr)
        optimizer.param_groups[1]["lr_scale"] = 0.3 if scaled else 1.0
        return Scheduler(optimizer, lr=dict(zip("ab", rates, strict=True)), momentum=[momentum, 0.5])

    whole, first, second = fresh(), fresh(), fresh()
    expected = values(whole, at + 40)
    values(first, at + 1)
    second.load_state_dict(saved(first)[0])
    assert second.last_epoch == at
    assert values(second, 40) == expected[at:]


def test_a_changed_schedule_is_refused_with_the_two_lines():
    state = stopped_at(50, lr=SHORT, momentum=0.9)
    scheduler = Scheduler(named("a", "b"), lr=LONG, momentum=0.8)
    with pytest.raises(ss.InvalidSchedule) as refusal:
        scheduler.load_state_dict(state)
    text = str(refusal.value)
    assert (
        "lr: the schedule has changed at update 50:\n- linear(1.0, 0.0, 100)  (100 updates)\n+ linear(1.0, 0.0, 200)"
        in text
    )
    assert "momentum: the schedule has changed" in text
    assert "'keep', 'adopt', 'stretch', 'anneal'" in text
    assert text.endswith("Scheduler(..., on_change=...), one for all or one for a key")
    assert (scheduler.last_epoch, held(scheduler.optimizer)) == (0, [1.0, 1.0])


@pytest.mark.parametrize("how", ["keep", "adopt", "stretch", "anneal"])
def test_transformers_34053_a_changed_horizon_is_followed_as_chosen(how):
    scheduler = loaded(stopped_at(50, lr=SHORT), lr=LONG, on_change=how)
    expected = SHORT.replan(LONG, at=50, how=how)
    curve = [row[0][0] for row in values(scheduler, 170)]
    assert curve == expected(range(50, 220)).tolist()
    assert all(b <= a for a, b in pairwise(curve))
    assert curve[-1] == 0.0


@pytest.mark.parametrize("how", ["keep", "adopt", "stretch", "anneal"])
def test_the_choice_is_part_of_the_next_state_and_is_asked_once(how):
    once = loaded(stopped_at(50, lr=SHORT), lr=LONG, on_change=how)
    once.step(80)
    again = loaded(saved(once)[0], lr=LONG)
    assert again.schedules == once.schedules
    assert held(again.optimizer) == held(once.optimizer)


def test_each_key_may_have_its_own_choice():
    state = stopped_at(50, lr=SHORT, weight_decay=0.1)
    scheduler = loaded(state, lr=LONG, weight_decay=0.2, on_change={"lr": "stretch", "weight_decay": "adopt"})
    assert held(scheduler.optimizer, "weight_decay") == [0.2, 0.2]
    assert scheduler.schedules["lr"].length == 200
    with pytest.raises(ss.InvalidSchedule, match="weight_decay: the schedule has changed"):
        loaded(state, lr=LONG, weight_decay=0.2, on_change={"lr": "stretch"})
    with pytest.raises(ss.InvalidPolicy, match="on_change"):
        Scheduler(sgd(), lr=SHORT, on_change={"lr": "guess"})


def test_what_was_one_schedule_may_be_written_for_each_group():
    state = stopped_at(10, lr=SHORT)
    assert held(loaded(state, lr={"a": SHORT, "b": SHORT}).optimizer) == [SHORT(10)] * 2
    with pytest.raises(ss.InvalidSchedule, match=r"lr\['b'\]: the schedule has changed at update 10"):
        loaded(state, lr={"a": SHORT, "b": LONG})


def test_a_hyperparameter_that_comes_or_goes_is_a_change():
    state = stopped_at(10, lr=SHORT, weight_decay=0.1)
    with pytest.raises(
        ss.InvalidSchedule, match=r"(?s)weight_decay: followed a schedule.*momentum: the schedule is new"
    ):
        loaded(state, lr=SHORT, momentum=0.9)
    scheduler = loaded(state, lr=SHORT, momentum=0.9, on_change="keep")
    assert set(scheduler.schedules) == {"lr", "momentum"}
    assert held(scheduler.optimizer, "momentum") == [0.9] * 2


@pytest.mark.parametrize(
    "state", [{"last_epoch": 7}, {"last_epoch": 7, "_step_count": 8, "base_lrs": [0.1], "_last_lr": [0.1]}]
)
def test_a_state_with_a_position_alone_still_loads(state):
    scheduler = loaded(state, lr=SHORT)
    assert (scheduler.last_epoch, held(scheduler.optimizer)) == (7, [SHORT(7)] * 2)


def test_functions_are_told_apart_by_name_and_read_from_what_is_constructed():
    trunk = ss.linear(0, 1, 5) >> ss.function(halved)
    state = stopped_at(9, lr=trunk)
    assert held(loaded(state, lr=trunk).optimizer) == [trunk(9)] * 2
    with pytest.raises(ss.InvalidSchedule, match=r"(?s)cannot be read here.*halved.*on_change='adopt'"):
        loaded(state, lr=SHORT)
    assert held(loaded(state, lr=SHORT, on_change="adopt").optimizer) == [SHORT(9)] * 2


def test_a_function_without_a_name_keeps_its_position():
    nameless = ss.function(lambda step: 0.9**step)
    state = stopped_at(9, lr=nameless, momentum=SHORT)
    assert state["planned"]["lr"] is None
    assert held(loaded(state, lr=nameless, momentum=SHORT).optimizer) == [0.9**9] * 2
    scheduler = Scheduler(sgd(), lr=nameless)
    with pytest.warns(UserWarning, match="without a name"):
        scheduler.cooldown(10, at=5)


def test_a_state_that_was_tampered_with_is_refused_by_place():
    state = stopped_at(9, lr=SHORT)
    state["schedules"]["lr"]["kind"] = "circle"
    with pytest.raises(ss.InvalidSchedule, match="circle"):
        loaded(state, lr=SHORT)


def test_the_order_of_loading_does_not_matter():
    optimizer = sgd()
    scheduler = Scheduler(optimizer, lr=LONG)
    train(optimizer, scheduler, 9)
    states = saved(optimizer, scheduler)
    for order in ((0, 1), (1, 0)):
        fresh = sgd(lr=99.0)
        pair = fresh, Scheduler(fresh, lr=LONG)
        for i in order:
            pair[i].load_state_dict(states[i])
        assert held(fresh) == [LONG(9)]


# Starting the decay


def test_the_decay_starts_now_and_a_resume_knows_it():
    trunk = ss.wsd(1.0, "100%", "10 steps", "0 steps").over(50)[:10] >> ss.constant(1.0)
    scheduler = Scheduler(sgd(), lr=trunk)
    train(scheduler.optimizer, scheduler, 30)
    scheduler.cooldown(16)
    assert scheduler.at(30) == [1.0]
    train(scheduler.optimizer, scheduler, 4)
    assert held(scheduler.optimizer) == [0.5]  # one minus the square root of a quarter
    resumed = Scheduler(sgd(), lr=trunk)
    resumed.load_state_dict(saved(scheduler)[0])
    assert [resumed.at(k) for k in range(60)] == [scheduler.at(k) for k in range(60)]
    assert resumed.at(46) == [0.0]


def test_several_decays_branch_from_one_trunk():
    trunk = Scheduler(sgd(), lr=ss.constant(1.0))
    train(trunk.optimizer, trunk, 20)
    (state,) = saved(trunk)
    for steps in (5, 10, 40):
        branch = Scheduler(sgd(), lr=ss.constant(1.0))
        branch.load_state_dict(through_a_file(state)[0])
        branch.cooldown(steps, end=0.1, shape="linear")
        assert [branch.at(20)[0], branch.at(20 + steps)[0]] == [1.0, 0.1]
    assert trunk.at(1000) == [1.0]


def test_every_group_cools_down_from_its_own_rate():
    optimizer = named("a", "b")
    scheduler = Scheduler(optimizer, lr={"a": 0.4, "b": ss.linear(0, 1, 100)}, momentum=0.9)
    scheduler.cooldown(10, shape="linear", at=50)
    assert [scheduler.at(k) for k in (50, 55, 60)] == [[0.4, 0.5], [0.2, 0.25], [0.0, 0.0]]
    assert scheduler.at(60, "momentum") == [0.9, 0.9]


def test_a_decay_after_the_end_of_the_schedule_starts_from_what_holds():
    scheduler = Scheduler(sgd(), lr=ss.linear(0.0, 1.0, 10))
    scheduler.cooldown(10, shape="linear", at=30)
    assert [scheduler.at(k)[0] for k in (10, 29, 30, 35, 40)] == [1.0, 1.0, 1.0, 0.5, 0.0]


def test_a_decay_at_a_jump_starts_from_the_rate_that_is_held():
    scheduler = Scheduler(sgd(), lr=ss.step_decay(1.0, 0.5, every=30))
    scheduler.step(30)
    scheduler.cooldown(10, shape="linear")
    assert [scheduler.at(k)[0] for k in (29, 30, 35, 40)] == [1.0, 0.5, 0.25, 0.0]
    assert held(scheduler.optimizer) == [0.5]


def test_a_decay_at_once_at_the_start():
    scheduler = Scheduler(sgd(), lr=1.0)
    scheduler.cooldown(4, shape="linear")
    assert [scheduler.at(k)[0] for k in range(5)] == [1.0, 0.75, 0.5, 0.25, 0.0]


@pytest.mark.parametrize(
    ("act", "says"),
    [
        (lambda scheduler: scheduler.cooldown(0), "cooldown must be a whole number of steps, at least 1"),
        (lambda scheduler: scheduler.cooldown(5, shape="oval"), "shape must be one of"),
        (lambda scheduler: scheduler.cooldown(5, end=-1.0), "end is a learning rate"),
        (lambda scheduler: scheduler.cooldown(5, end=math.nan), "end must be a finite number"),
        (lambda scheduler: scheduler.cooldown(5, at=2), "at update 2 is too late: update 3 comes next"),
        (lambda scheduler: Scheduler(sgd(), momentum=0.5).cooldown(5), "lr follows no schedule here, only momentum"),
    ],
)
def test_a_decay_that_cannot_be_is_refused(act, says):
    scheduler = Scheduler(sgd(), lr=1.0)
    scheduler.step(3)
    with pytest.raises(ss.StepsizeError, match=says):
        act(scheduler)
    assert scheduler.at(500) == [1.0]
