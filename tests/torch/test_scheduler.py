"""`Scheduler`: at every update the groups hold what the schedules say, whatever happened before."""

import copy
import inspect
import json
import pickle

import pytest
import torch
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from torch.optim.lr_scheduler import LRScheduler

import stepsize as ss
from stepsize.torch import Scheduler
from tests.schedule.trees import lengths
from tests.torch.loops import held, saved, sgd, train

LR = ss.warmup_cosine(0.1, 30, 5, end=0.01)
DECAY = ss.linear(0.0, 0.2, 20)
MOMENTUM = ss.linear(0.85, 0.95, 8) >> ss.linear(0.95, 0.85, 12)
positive = st.floats(1e-4, 1.0)
schedules = st.builds(ss.linear, positive, positive, lengths) | st.builds(ss.cosine, positive, positive, lengths)


@pytest.mark.parametrize("groups", [1, 3])
def test_every_group_holds_every_schedule_s_value_at_every_update(groups):
    optimizer = sgd(groups)
    scheduler = Scheduler(optimizer, lr=LR, weight_decay=DECAY, momentum=MOMENTUM)
    for k in range(40):
        assert held(optimizer) == [LR(k)] * groups == scheduler.get_last_lr()
        assert held(optimizer, "weight_decay") == [DECAY(k)] * groups
        assert held(optimizer, "momentum") == [MOMENTUM(k)] * groups
        train(optimizer, scheduler, 1)


@effort(max_examples=25)
@given(schedules, schedules)
def test_any_schedule_is_followed(lr, momentum):
    optimizer = sgd()
    scheduler = Scheduler(optimizer, lr=lr, momentum=momentum.clip(0, 0.99))
    for k in range(130):
        assert optimizer.param_groups[0]["lr"] == scheduler.get_lr()[0]
        assert optimizer.param_groups[0]["lr"] == pytest.approx(lr(k), rel=1e-14)
        scheduler.step()


def test_what_is_not_scheduled_is_left_alone():
    optimizer = sgd(weight_decay=0.3)
    train(optimizer, Scheduler(optimizer, momentum=MOMENTUM), 3)
    assert (held(optimizer), held(optimizer, "weight_decay")) == ([7.0], [0.3])


def test_a_number_holds_for_ever():
    optimizer = sgd()
    train(optimizer, Scheduler(optimizer, lr=0.25), 5)
    assert held(optimizer) == [0.25]


def test_blocks_of_values_join_without_a_seam():
    long = ss.warmup_cosine(1.0, 5_000, 100)
    optimizer = sgd()
    scheduler = Scheduler(optimizer, lr=long)
    expected = long(range(3_000)).tolist()
    got = []
    for _ in range(3_000):
        got += held(optimizer)
        scheduler.step()
    assert got == expected


@pytest.mark.parametrize("start", [0, 1, 1_022, 1_023, 1_024, 1_025, 10**6])
@pytest.mark.parametrize("target", [0, 1_022, 1_023, 1_024, 1_025, 2_048, 10**9])
def test_a_step_to_a_named_update_lands_exactly_there(start, target):
    long = ss.cosine(1.0, 0.1, 10_000)
    optimizer = sgd()
    scheduler = Scheduler(optimizer, lr=long)
    scheduler.step(start)
    scheduler.step(target)
    assert held(optimizer) == [long(target)]
    scheduler.step()
    assert held(optimizer) == [long(target + 1)]
    assert scheduler.last_epoch == target + 1


def test_a_group_added_later_follows_from_the_next_step():
    optimizer = sgd()
    scheduler = Scheduler(optimizer, lr=LR, momentum=MOMENTUM)
    train(optimizer, scheduler, 4)
    optimizer.add_param_group({"params": [torch.zeros(2, requires_grad=True)], "lr": 3.0})
    train(optimizer, scheduler, 1)
    assert held(optimizer) == [LR(5)] * 2
    assert held(optimizer, "momentum") == [MOMENTUM(5)] * 2


@pytest.mark.parametrize("at", range(21))
def test_resuming_at_any_update_equals_not_stopping(at):
    def fresh():
        optimizer = sgd(2)
        return optimizer, Scheduler(optimizer, lr=LR, weight_decay=DECAY, momentum=MOMENTUM)

    whole, whole_scheduler = fresh()
    train(whole, whole_scheduler, 20)

    first, first_scheduler = fresh()
    train(first, first_scheduler, at)
    states = saved(first, first_scheduler)

    second, second_scheduler = fresh()
    for group, old in zip(second.param_groups, first.param_groups, strict=True):
        group["params"][0].data.copy_(old["params"][0])
    for thing, state in zip((second, second_scheduler), states, strict=True):
        thing.load_state_dict(state)
    train(second, second_scheduler, 20 - at)

    for one, other in zip(whole.param_groups, second.param_groups, strict=True):
        assert torch.equal(one["params"][0], other["params"][0])
        assert all(one[key] == other[key] for key in ("lr", "momentum", "weight_decay"))


def test_restoring_the_scheduler_alone_restores_the_values():
    optimizer = sgd()
    scheduler = Scheduler(optimizer, lr=LR, momentum=MOMENTUM)
    train(optimizer, scheduler, 9)
    (state,) = saved(scheduler)

    fresh = sgd(3, lr=99.0)
    restored = Scheduler(fresh, lr=LR, momentum=MOMENTUM)
    restored.load_state_dict(state)
    assert (held(fresh), held(fresh, "momentum")) == ([LR(9)] * 3, [MOMENTUM(9)] * 3)
    assert restored.last_epoch == 9


def test_the_state_is_the_position_and_the_schedules_as_plain_data():
    scheduler = Scheduler(sgd(), lr=LR, momentum=0.9)
    scheduler.step()
    state = scheduler.state_dict()
    assert state["last_epoch"] == 1
    assert state["schedules"] == state["planned"] == json.loads(json.dumps(state["planned"]))
    assert ss.Schedule.from_json(json.dumps(state["schedules"]["lr"])) == LR
    assert state["planned"].keys() == {"lr", "momentum"}


@pytest.mark.parametrize("state", [{}, {"last_epoch": None}, {"last_epoch": -1}, {"last_epoch": 1.5}])
def test_a_state_without_a_position_is_refused(state):
    with pytest.raises(ss.InvalidPolicy, match="position"):
        Scheduler(sgd(), lr=LR).load_state_dict(state)


def test_it_is_a_scheduler_of_torch_s_own_kind():
    scheduler = Scheduler(sgd(), lr=LR)
    assert isinstance(scheduler, LRScheduler)
    assert scheduler.base_lrs == [7.0]


def test_the_optimizer_s_step_is_not_patched():
    optimizer = sgd()
    Scheduler(optimizer, lr=LR)
    assert "step" not in vars(optimizer)
    assert inspect.ismethod(optimizer.step)


def test_stepping_before_the_optimizer_needs_no_warning():
    scheduler = Scheduler(sgd(), lr=LR)
    scheduler.step()
    assert scheduler.get_last_lr() == [LR(1)]


@pytest.mark.parametrize("again", [copy.deepcopy, lambda thing: pickle.loads(pickle.dumps(thing))])
def test_a_copy_goes_on_alone(again):
    optimizer = sgd()
    scheduler = Scheduler(optimizer, lr=LR)
    train(optimizer, scheduler, 3)
    twin = again(scheduler)
    train(twin.optimizer, twin, 4)
    assert (held(twin.optimizer), held(optimizer)) == ([LR(7)], [LR(3)])


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Scheduler(sgd()), "at least one schedule"),
        (lambda: Scheduler(sgd(), learning_rate=LR), "group 0 has no 'learning_rate' .* lr, momentum"),
        (lambda: Scheduler(sgd(), lr=ss.linear(0.1, -0.1, 10)), "falls to -0.1"),
        (lambda: Scheduler(sgd(), lr=-1.0), "negative"),
        (lambda: Scheduler(sgd(), lr="fast"), "'fast'"),
        (lambda: Scheduler(sgd(), momentum=None), "momentum"),
        (lambda: Scheduler(torch.nn.Linear(1, 1), lr=LR), "torch.optim.Optimizer"),
        (lambda: Scheduler(sgd(), lr=ss.wsd(1.0, "100%", "5%", "20%")), r"lr is in durations.*\.over"),
        (lambda: Scheduler(sgd(), lr=LR * [1.0, 2.0]), r"lr has values of shape \(2,\); give a list"),
        (lambda: Scheduler(sgd(), nesterov=0.5), "'nesterov' of parameter group 0 is False, not a number"),
        (lambda: Scheduler(sgd(), maximize=1.0), "'maximize' of parameter group 0"),
        (lambda: Scheduler(sgd(), foreach=1.0), "'foreach' of parameter group 0 is None"),
        (lambda: Scheduler(sgd(), params=1.0), "no 'params' to schedule"),
        (lambda: Scheduler(sgd(), lr=LR, on_change="guess"), "on_change must be one of refuse, .* got 'guess'"),
        (lambda: Scheduler(sgd(), lr=LR).step(-1), "epoch must be a whole number"),
        (lambda: Scheduler(sgd(), lr=LR).at(0.5), "update must be a whole number"),
    ],
)
def test_what_cannot_be_scheduled_is_refused_by_name(make, says):
    with pytest.raises(ss.StepsizeError, match=says):
        make()
