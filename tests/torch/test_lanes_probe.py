"""The probe decides by what updates take; here by what they are said to take."""

import pytest
import torch
from torch import nn

import stepsize as ss
from stepsize.job import Job
from stepsize.torch import Task
from stepsize.torch.lanes import probe, side, side_by_side
from stepsize.torch.lanes.lane import lane

X = torch.randn(40, 3, generator=torch.Generator().manual_seed(0))
Y = X.sum(1, keepdim=True)
TASK = Task(lambda: nn.Linear(3, 1), nn.functional.mse_loss, (X, Y), batch_size=10, steps=1000)
MS = 1e-3


def lanes(count, steps=100_000):
    origins = []
    jobs = [Job(ss.Policy(optimizer="adam", lr=0.01 * (i + 1)), steps) for i in range(count)]
    return [lane(TASK, i, job, origins) for i, job in enumerate(jobs)]


@pytest.fixture
def takes(monkeypatch):
    """Say what an update of n lanes takes; gives the numbers that were asked for."""

    def say(seconds):
        asked = []

        def answer(task, lanes):
            asked.append(len(lanes))
            return seconds(len(lanes))

        monkeypatch.setattr(probe, "_seconds", answer)
        return asked

    return say


def test_talk_that_lanes_share_is_saved_by_as_many_as_there_are(takes):
    asked = takes(lambda n: 1.0 * MS + 0.01 * MS * n)
    chosen = probe.choice(TASK, lanes(40), 0.4 * MS)
    assert asked == [1, 4, 16, 40]
    assert chosen.lanes == 40
    assert chosen.reason == "40 at a time an update of a run takes 0.035 ms, alone 0.4 ms"
    # With so few left, 1 + 0.01 n is no less than 0.4 n.
    assert chosen.least == 3


def test_a_model_that_keeps_the_processor_busy_is_made_alone_and_why_is_said(takes):
    asked = takes(lambda n: 2.0 * MS + 14.0 * MS * n)
    chosen = probe.choice(TASK, lanes(64, steps=100), 13.0 * MS)
    assert asked == [1, 4]
    assert (chosen.lanes, chosen.reason) == (1, "side by side an update of a run takes 14.5 ms, alone 13 ms")


def test_lanes_that_leave_the_cache_are_made_in_chunks(takes):
    asked = takes(lambda n: 1.0 * MS + 0.2 * MS * n * (1 if n < 20 else 3))
    chosen = probe.choice(TASK, lanes(64), 1.0 * MS)
    assert asked == [1, 4, 16, 64]
    assert chosen.lanes == 16


def test_more_lanes_are_not_tried_where_that_takes_longer_than_it_could_save(takes):
    asked = takes(lambda n: 1.0 * MS + 0.1 * MS * n)
    assert probe.choice(TASK, lanes(64, steps=8), 1.0 * MS).lanes == 16
    assert asked == [1, 4, 16]


def test_lanes_that_do_not_fit_in_memory_are_not_tried_again(takes):
    def seconds(n):
        if n > 20:
            raise torch.OutOfMemoryError("too much")
        return 1.0 * MS + 0.01 * MS * n

    takes(seconds)
    assert probe.choice(TASK, lanes(64), 1.0 * MS).lanes == 16


def test_short_work_is_not_probed(takes, monkeypatch):
    asked = takes(lambda n: 1.0 * MS)
    monkeypatch.setattr(side, "pace", lambda task, lane: 0.1 * MS)
    jobs = [Job(ss.Policy(optimizer="adam", lr=rate), 20) for rate in (0.01, 0.1)]
    made = dict(side_by_side(TASK, jobs, lambda *_: None))
    assert asked == []
    assert made == dict.fromkeys(range(2), "together they take about 0.004 s, which is too short to gain from")


def test_the_probe_itself_leaves_the_runs_as_they_are():
    jobs = [Job(ss.Policy(optimizer="adam", lr=rate), 600) for rate in (0.01, 0.1, 0.3, 0.5)]
    made = dict(side_by_side(TASK, jobs, lambda *_: None))
    assert sorted(made) == list(range(4))
    for index, run in made.items():
        if not isinstance(run, str):  # which it is on a busy machine
            expected = ss.drive(TASK, jobs[index].policy, 600)
            assert run.loss[:50] == pytest.approx(expected.loss[:50], rel=1e-3, abs=1e-5)


def test_long_work_is_tried_with_a_compiler_and_given_up_where_that_is_in_vain(takes, monkeypatch):
    takes(lambda n: 0.2 * MS + 1.1 * MS * n)
    chosen = probe.choice(TASK, lanes(100), 1.1 * MS)
    assert (chosen.lanes, chosen.limit) == (64, pytest.approx(0.99 * MS))
    tried = []
    monkeypatch.setattr("stepsize.torch.lanes.stepper.pays", lambda *arguments: True)
    monkeypatch.setattr("stepsize.torch.lanes.stepper.compiled", lambda *arguments: tried.append(arguments[-1]))
    jobs = [Job(ss.Policy(optimizer="adam", lr=rate), 20) for rate in (0.01, 0.1, 0.2, 0.3)]
    made = dict(side_by_side(TASK, jobs, lambda *_: None, lambda *_: probe.Choice(2, "", 0, 1.0, 0.99 * MS)))
    assert tried == [pytest.approx(2 * 0.99 * MS)]
    assert set(made.values()) == {"side by side, compiled or not, an update of a run takes more than 0.99 ms"}
