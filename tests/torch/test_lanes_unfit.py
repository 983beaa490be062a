"""What cannot be vectorised is found out before any run is made, said in a sentence, and made alone."""

import logging

import pytest
import torch
from torch import nn

import stepsize as ss
from stepsize.engine import as_engine
from stepsize.engine.lanes import Lanes
from stepsize.job import Job
from stepsize.torch import Task
from stepsize.torch.lanes import Choice, side_by_side

generator = torch.Generator().manual_seed(0)
X = torch.randn(40, 5, generator=generator)
Y = X.sum(1, keepdim=True)


class Lstm(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn, self.head = nn.LSTM(1, 4, batch_first=True), nn.Linear(4, 1)

    def forward(self, x):
        return self.head(self.rnn(x.unsqueeze(2))[0][:, -1])


class Item(nn.Linear):
    def forward(self, x):
        return super().forward(x) / (1 + self.weight.norm().item())


class Branch(nn.Linear):
    def forward(self, x):
        return super().forward(x) if self.weight.sum() > 0 else super().forward(-x)


class Replaced(nn.Linear):
    def __init__(self):
        super().__init__(5, 1)
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, x):
        self.seen = self.seen + 1
        return super().forward(x) * (1 + 0.1 * self.seen)


class Checkpointed(nn.Linear):
    def forward(self, x):
        return torch.utils.checkpoint.checkpoint(super().forward, x, use_reentrant=False)


MODELS = {
    "LSTM": Lstm,
    "item": lambda: Item(5, 1),
    "branch": lambda: Branch(5, 1),
    "replaced buffer": Replaced,
    "spectral norm": lambda: nn.utils.parametrizations.spectral_norm(nn.Linear(5, 1)),
    "half": lambda: nn.Linear(5, 1).to(torch.bfloat16),
}


def task(model, **changes):
    parts = {"loss": nn.functional.mse_loss, "train": (X, Y), "val": (X, Y), "batch_size": 10, "steps": 12}
    return Task(model, **{**parts, **changes})


JOBS = [Job(ss.Policy(optimizer="adam", lr=rate), 12, 0) for rate in (0.01, 0.1)]


def together(task, lanes, alone):
    return Choice(len(lanes), "")


def columns(run):
    return {name: (column.step.tolist(), column.value.tolist()) for name, column in run.columns.items()}


class Forced:
    """A Task that is made side by side whatever the probe would say."""

    def __init__(self, task):
        self.task, self.given = task, []

    def start(self, *arguments):
        return self.task.start(*arguments)

    def lanes(self, jobs, watch):
        for index, made in side_by_side(self.task, jobs, watch, together):
            self.given.append((index, made))
            yield index, made


@pytest.mark.parametrize("kind", MODELS)
def test_a_model_that_cannot_be_vectorised_is_made_alone_and_why_is_said(kind, caplog):
    forced = Forced(task(MODELS[kind]))
    engine = Lanes()
    with caplog.at_level(logging.WARNING):
        made = dict(engine.runs(forced, JOBS, lambda *_: None))
    for index, job in enumerate(JOBS):
        assert columns(made[index]) == columns(ss.drive(forced.task, job.policy, 12, 0))
    reasons = {reason for _, reason in forced.given}
    assert len(reasons) == 1
    assert engine.notes == [f"runs are made one after another: {reasons.pop()}"]
    assert [record.message for record in caplog.records] == [f"lanes: {engine.notes[0]}"]
    assert len(engine.notes[0]) < 300


def test_what_fails_alone_fails_as_it_does_alone():
    def model(size=5):
        return nn.Linear(5, 1) if size == 5 else 1 / 0

    jobs = [*JOBS, Job(JOBS[0].policy, 12, 0, {"size": 0})]
    made = dict(Lanes().runs(Forced(task(model)), jobs, lambda *_: None))
    assert (made[2].outcome, made[2].reason) == ("failed", "ZeroDivisionError: division by zero")
    assert made[0].outcome == made[1].outcome == "finished"
    with pytest.raises(ss.InvalidTraining, match="cannot take"):
        list(Lanes().runs(Forced(task(model)), [Job(JOBS[0].policy, 12, 0, {"depth": 2})], lambda *_: None))


def test_an_error_on_the_way_gives_every_run_its_own_end():
    class Tired(nn.Linear):
        def forward(self, x):
            if len(x) == 7:
                raise RuntimeError("no such batch")
            return super().forward(x)

    batches = [(X[:10], Y[:10]), (X[10:20], Y[10:20]), (X[:7], Y[:7])]
    made = dict(Lanes().runs(Forced(task(lambda: Tired(5, 1), train=batches)), JOBS, lambda *_: None))
    assert [made[i].reason for i in range(2)] == ["RuntimeError: no such batch"] * 2
    assert [made[i].updates for i in range(2)] == [2, 2]


def test_models_that_differ_in_more_than_their_tensors_are_not_stacked():
    class Scaled(nn.Linear):
        def __init__(self, scale):
            super().__init__(5, 1)
            self.scale = scale

        def forward(self, x):
            return self.scale * super().forward(x)

    jobs = [Job(job.policy, 12, 0, {"scale": scale}) for scale in (1.0, 2.0, torch.tensor(3.0)) for job in JOBS]
    made = dict(side_by_side(task(Scaled), jobs, lambda *_: None, together))
    for index, job in enumerate(jobs):
        expected = ss.drive(task(Scaled), job.policy, 12, 0, job.settings)
        assert made[index].loss == pytest.approx(expected.loss, rel=1e-5)


def test_any_loop_is_made_alone():
    def training(seed):
        x, lr = 1.0, (yield)
        while True:
            x -= lr * 2 * x
            lr = yield x * x

    engine = as_engine("lanes")
    made = dict(engine.runs(training, [Job(ss.Policy(0.25), 3), Job(ss.Policy(0.5), 3)], lambda *_: None))
    assert made[0].loss.tolist() == [0.25, 0.0625, 0.015625]
    assert made[1].updates == 3
    assert engine.notes == ["training cannot make runs side by side, as a Task can: they are made one by one"]


def test_a_search_decides_the_same_side_by_side_and_one_by_one():
    def model():
        return nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 1))

    made = task(model, batch_size=20)
    forced = Forced(made)
    one = ss.tune(made, steps=40, budget=6, seed=1, optimizer="adamw", metric="val_loss")
    many = ss.tune(forced, steps=40, budget=6, seed=1, optimizer="adamw", metric="val_loss", engine="lanes")
    assert any(not isinstance(run, str) for _, run in forced.given)
    assert [run.policy.lr for run in many.runs] == [run.policy.lr for run in one.runs]
    assert many.policy == one.policy
