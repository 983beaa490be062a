"""A running training is asked by a file to start its decay."""

import json
import os
import pickle

import pytest
import torch

import stepsize as ss
from stepsize.request import Cooldown, read_request, write_request
from stepsize.torch import Scheduler
from stepsize.torch.watch import Watch
from tests.torch.loops import held, saved, sgd, train


class Clock:
    """Seconds that pass only when they are told to."""

    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "cooldown.json"


def watched(path, clock, lr=1.0):
    return Scheduler(sgd(), lr=lr, watch=Watch(path, clock=clock))


def after(scheduler, clock, updates, seconds=2.0):
    clock.now += seconds
    train(scheduler.optimizer, scheduler, updates)
    return held(scheduler.optimizer)[0]


def test_a_request_is_followed_from_the_update_it_names(path, clock):
    scheduler = watched(path, clock)
    assert after(scheduler, clock, 10) == 1.0
    write_request(path, 10, shape="linear", at=20)
    assert after(scheduler, clock, 10) == 1.0
    assert after(scheduler, clock, 5) == 0.5
    assert after(scheduler, clock, 50) == 0.0


def test_a_request_without_an_update_starts_at_the_next_one(path, clock):
    scheduler = watched(path, clock)
    after(scheduler, clock, 7)
    path.write_text('{"cooldown": 4, "shape": "linear"}')
    assert after(scheduler, clock, 1) == 1.0  # number 8: the first of the decay, at the rate it leaves
    assert after(scheduler, clock, 1) == 0.75


def test_the_file_is_looked_at_once_a_second(path, clock):
    scheduler = watched(path, clock)
    after(scheduler, clock, 5)
    write_request(path, 10)
    assert after(scheduler, clock, 100, seconds=0.9) == 1.0
    assert after(scheduler, clock, 100, seconds=0.2) == 0.0


def test_constructing_and_loading_look_at_nothing(path, clock):
    write_request(path, 10, at=50)
    scheduler = watched(path, clock)
    scheduler.load_state_dict({"last_epoch": 7})
    assert scheduler.at(100) == [1.0]
    train(scheduler.optimizer, scheduler, 1)
    assert scheduler.at(100) == [0.0]


def test_a_resumed_run_does_not_follow_a_request_again(path, clock):
    scheduler = watched(path, clock)
    write_request(path, 10, shape="linear")
    after(scheduler, clock, 4)
    (state,) = saved(scheduler)
    resumed = watched(path, Clock())
    resumed.load_state_dict(state)
    expected = [scheduler.at(k) for k in range(30)]
    for _ in range(3):
        after(resumed, resumed._watch.clock, 1)
    assert [resumed.at(k) for k in range(30)] == expected
    write_request(path, 2, end=0.5, shape="linear", at=9)
    after(resumed, resumed._watch.clock, 2)
    assert resumed.at(11) == [0.5]


def test_a_file_touched_without_a_new_request_changes_nothing(path, clock):
    scheduler = watched(path, clock)
    write_request(path, 10, shape="linear")
    after(scheduler, clock, 4)
    expected = scheduler.schedules
    os.utime(path, (1, 1))
    after(scheduler, clock, 2)
    assert scheduler.schedules == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "holds no request"),
        ("[]", "expected an object"),
        ("{}", "expected an object"),
        ('{"cooldown": 0}', "at least 1"),
        ('{"cooldown": 5, "colour": 1}', "unknown field 'colour'"),
        ('{"cooldown": 5, "shape": 3}', "shape must be one of"),
        ('{"cooldown": 5, "end": -1}', "end is a learning rate"),
        ('{"cooldown": 5, "end": 0, "shape": "exponential"}', "two positive values"),
        ('{"cooldown": 5, "at": 1}', "too late"),
        ("\udcff", "holds no request"),
    ],
)
def test_a_bad_request_warns_once_and_the_training_goes_on(path, clock, text, says):
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    scheduler = watched(path, clock)
    scheduler.load_state_dict({"last_epoch": 3})
    with pytest.warns(UserWarning, match=says) as caught:
        train(scheduler.optimizer, scheduler, 1)
    assert "the training goes on as before" in str(caught[0].message)
    assert after(scheduler, clock, 5) == 1.0
    write_request(path, 10)
    assert after(scheduler, clock, 20) == 0.0


def test_in_a_distributed_training_a_request_must_name_its_update(path, clock, monkeypatch):
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 2)
    scheduler = watched(path, clock)
    write_request(path, 10)
    with pytest.warns(UserWarning, match='"at" is missing'):
        after(scheduler, clock, 1)
    write_request(path, 10, at=30)
    assert after(scheduler, clock, 50) == 0.0


def test_a_copy_watches_the_same_file(path):
    scheduler = Scheduler(sgd(), lr=1.0, watch=path)
    twin = pickle.loads(pickle.dumps(scheduler))
    write_request(path, 1)
    train(twin.optimizer, twin, 3)
    assert held(twin.optimizer) == [0.0]


def test_a_request_is_a_file_of_plain_json(path):
    assert write_request(path, 1000, end=1e-5, at=5000) == path
    assert json.loads(path.read_text()) == {"cooldown": 1000, "end": 1e-5, "shape": "1-sqrt", "at": 5000}
    assert read_request(path) == Cooldown(1000, 1e-5, "1-sqrt", 5000)
    with pytest.raises(ss.InvalidSchedule, match="at must be a whole number"):
        write_request(path, 1000, at=0.5)
    assert read_request(path).steps == 1000
