"""A compiled update of all lanes is the plain one; here by a compiler that needs no gcc."""

import pytest
import torch
from torch import nn

import stepsize as ss
from stepsize.job import Job
from stepsize.torch import Task
from stepsize.torch.lanes import Choice, compiled, side_by_side

generator = torch.Generator().manual_seed(0)
X = torch.randn(64, 6, generator=generator, dtype=torch.float64)
Y = (X[:, :3].sum(1) > 0).long()


@pytest.fixture
def always(monkeypatch):
    """Compiles whatever it costs, and finds it quicker whatever it takes; gives how often it was used."""
    made = []

    def used(*arguments):
        made.append(genuine(*arguments))
        return made[-1]

    genuine = compiled.compiled
    monkeypatch.setattr(compiled, "BACKEND", "aot_eager")
    monkeypatch.setattr("stepsize.torch.lanes.stepper.pays", lambda *arguments: True)
    monkeypatch.setattr("stepsize.torch.lanes.stepper.compiled", used)
    # _seconds is asked of the compiled update first, so let that one be the smaller.
    monkeypatch.setattr(compiled, "_seconds", lambda update, *arguments: 0.0 if update.__name__ == "call" else 1.0)
    return made


def model():
    return nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 2)).double()


@pytest.mark.parametrize("optimizer", ["adamw", "nesterov"])
def test_a_compiled_lane_is_the_run_it_stands_for_while_others_leave(always, optimizer):
    made = Task(model, nn.functional.cross_entropy, (X, Y), val=(X, Y), batch_size=16, steps=50, evaluations=3)
    jobs = [
        Job(ss.Policy(optimizer=optimizer, lr=ss.linear(0.01 * (i + 1), 0.0, 50), weight_decay=0.01), steps, seed)
        for i, (steps, seed) in enumerate([(50, 0), (50, 1), (50, 0), (20, 0), (9, 1)])
    ]
    runs = dict(side_by_side(made, jobs, lambda *_: None, lambda *_: Choice(8, "", 0, 1.0)))
    assert [update is not None for update in always] == [True] * len(always)
    assert always
    for index, job in enumerate(jobs):
        expected = ss.drive(made, job.policy, job.steps, job.seed)
        assert runs[index].outcome == "finished"
        for name in ("loss", "val_loss", "lr"):
            assert runs[index].column(name).step.tolist() == expected.column(name).step.tolist()
            assert runs[index][name] == pytest.approx(expected[name], rel=1e-10, abs=1e-10)


def test_what_cannot_be_compiled_is_not(always):
    class Printing(nn.Linear):
        def forward(self, x):
            torch._dynamo.graph_break()
            return super().forward(x)

    made = Task(lambda: Printing(6, 2).double(), nn.functional.cross_entropy, (X, Y), batch_size=16, steps=20)
    jobs = [Job(ss.Policy(optimizer="sgd", lr=rate), 20, 0) for rate in (0.1, 0.2)]
    runs = dict(side_by_side(made, jobs, lambda *_: None, lambda *_: Choice(8, "", 0, 1.0)))
    assert always == [None]
    for index, job in enumerate(jobs):
        assert runs[index].loss == pytest.approx(ss.drive(made, job.policy, 20, 0).loss, rel=1e-10)
