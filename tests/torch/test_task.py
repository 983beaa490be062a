"""`Task`: a training declared by its parts."""

import copy
import random
import re

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import stepsize as ss
from stepsize.torch import Task

generator = torch.Generator().manual_seed(0)
X = torch.randn(48, 3, generator=generator)
Y = X.sum(1, keepdim=True) + 0.1 * torch.randn(48, 1, generator=generator)
LR = ss.cosine(0.05, 0.0, 12)


def linear(width=4):
    return nn.Sequential(nn.Linear(3, width), nn.ReLU(), nn.Linear(width, 1))


def task(**changes):
    parts = {"model": linear, "loss": nn.functional.mse_loss, "train": (X, Y), "val": (X[:20], Y[:20])}
    return Task(**{**parts, "batch_size": 8, "steps": 12, "evaluations": 3, **changes})


def columns(run):
    return {name: (column.step.tolist(), column.value.tolist()) for name, column in run.columns.items()}


def test_a_run_is_the_loop_a_person_would_write():
    run = ss.drive(task(optimizer="sgd"), LR, steps=12, seed=5)

    torch.manual_seed(5)
    model = linear()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    order = torch.Generator().manual_seed(5)
    losses = []
    for k in range(12):
        if k % 6 == 0:
            chosen = torch.randperm(48, generator=order).split(8)
        optimizer.param_groups[0]["lr"] = LR(k)
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(X[chosen[k % 6]]), Y[chosen[k % 6]])
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert run.loss.tolist() == losses
    with torch.no_grad():
        assert run["val_loss"][-1] == pytest.approx(float(nn.functional.mse_loss(model(X[:20]), Y[:20])), rel=1e-6)


def test_the_same_seed_gives_the_same_run_and_another_another():
    one, same, other = (ss.drive(task(), LR, steps=12, seed=seed) for seed in (1, 1, 2))
    assert columns(one) == columns(same) != columns(other)


def test_validation_is_measured_first_last_and_evenly_between():
    run = ss.drive(task(evaluations=4, test=(X[20:], Y[20:])), LR, steps=12)
    assert run.column("val_loss").step.tolist() == [0, 2, 5, 8, 11]
    assert run.column("test_loss").step.tolist() == [11]


@pytest.mark.parametrize(("steps", "evaluations"), [(1, 10), (2, 10), (7, 3)])
def test_the_last_update_is_always_measured(steps, evaluations):
    run = ss.drive(task(evaluations=evaluations), LR, steps=steps)
    assert run.column("val_loss").step[[0, -1]].tolist() == [0, steps - 1]


def test_metrics_are_means_over_all_examples_whatever_the_batches():
    def close(output, target):
        return ((output - target).abs() < 0.5).float().mean()

    x, y = torch.randn(2_500, 3), torch.randn(2_500, 1)
    model = linear()
    uneven = [(x[:7], y[:7]), (x[7:], y[7:])]
    for data in ((x, y), uneven):
        measured = task(metrics={"close": close}, val=data).measure(model, data, "val")
        with torch.no_grad():
            expected = {"val_loss": nn.functional.mse_loss(model(x), y), "val_close": close(model(x), y)}
        assert measured == pytest.approx({name: float(value) for name, value in expected.items()}, rel=1e-5)


def test_validation_runs_in_eval_mode_and_training_goes_on_in_train_mode():
    seen = []

    class Watched(nn.Linear):
        def forward(self, x):
            seen.append((len(x), self.training))
            return super().forward(x)

    ss.drive(task(model=lambda: Watched(3, 1)), LR, steps=12)
    assert set(seen) == {(8, True), (20, False)}


def test_your_model_and_your_data_are_left_as_they_were():
    model = linear()
    before, x, y = copy.deepcopy(model.state_dict()), X.clone(), Y.clone()
    run = ss.drive(task(model=model), LR, steps=12)
    assert run.outcome == "finished"
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in before.items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert torch.equal(X, x)
    assert torch.equal(Y, y)


class Broken(nn.Linear):
    def forward(self, x):
        raise RuntimeError("no such layer")


@pytest.mark.parametrize(
    "model",
    [linear, lambda: Broken(3, 1), lambda: 1 / 0, lambda: None],
    ids=["works", "raises in training", "raises when made", "is no module"],
)
def test_global_randomness_is_left_as_it_was_even_by_a_failure(model):
    for seed in (torch.manual_seed, np.random.seed, random.seed):
        seed(11)
    expected = torch.rand(1, generator=torch.Generator().manual_seed(11)).item()
    try:
        ss.drive(task(model=model), LR, steps=3)
    except ss.InvalidTraining:
        assert model() is None
    assert torch.rand(1).item() == expected
    assert np.random.rand() == np.random.RandomState(11).rand()
    assert random.random() == random.Random(11).random()


def test_noise_from_any_generator_follows_the_seed():
    class Noisy(nn.Linear):
        def forward(self, x):
            return super().forward(x) + np.random.rand() + random.random() + torch.rand(1)

    runs = []
    for seed in (1, 1, 2):
        np.random.rand(), random.random(), torch.rand(1)  # where the process's generators stand must not matter
        runs.append(columns(ss.drive(task(model=lambda: Noisy(3, 1)), LR, steps=5, seed=seed)))
    assert runs[0] == runs[1] != runs[2]


def test_a_data_loader_trains_and_validates():
    loader = DataLoader(TensorDataset(X, Y), batch_size=8, shuffle=True)
    one, same = (ss.drive(task(train=loader, val=loader), LR, steps=14, seed=1) for _ in range(2))
    assert one.outcome == "finished"
    assert columns(one) == columns(same)
    assert len(set(one.loss.tolist())) == 14


@pytest.mark.parametrize("kind", [list, tuple])
@pytest.mark.parametrize("batches", [1, 2, 3])
def test_any_collection_of_batches_trains(kind, batches):
    data = kind((X[8 * i : 8 * i + 8], Y[8 * i : 8 * i + 8]) for i in range(batches))
    run = ss.drive(task(train=data, val=data), LR, steps=5)
    assert (run.outcome, run.updates) == ("finished", 5)


def test_arrays_and_lists_train_too():
    expected = ss.drive(task(), LR, steps=5)
    arrays = task(train=(X.numpy(), Y.numpy()), val=[X[:20].tolist(), Y[:20].tolist()])
    assert columns(ss.drive(arrays, LR, steps=5)) == columns(expected)


def test_searched_settings_go_to_the_model_and_to_the_batches():
    made, sizes = [], []

    def model(width):
        made.append(width)
        return linear(width)

    def loss(output, target):
        sizes.append(len(output))
        return nn.functional.mse_loss(output, target)

    run = ss.drive(task(model=model, loss=loss, val=None), LR, steps=3, settings={"width": 6, "batch_size": 16})
    assert (made, sizes) == ([6], [16] * 3)
    assert run.settings == {"width": 6, "batch_size": 16}


def test_the_policy_s_optimizer_comes_before_the_task_s_own():
    by_task = ss.drive(task(optimizer="sgd"), LR, steps=5)
    by_policy = ss.drive(task(optimizer="adamw"), ss.Policy(LR, "sgd"), steps=5)
    assert columns(by_task) == columns(by_policy) != columns(ss.drive(task(optimizer="adam"), LR, steps=5))


def test_a_scheduled_weight_decay_is_followed():
    plain, decayed = (
        ss.drive(task(), ss.Policy(LR, "sgd", weight_decay=decay), steps=5) for decay in (0.0, ss.linear(0, 5, 5))
    )
    assert plain.loss[:2].tolist() == decayed.loss[:2].tolist()
    assert plain.loss[-1] != decayed.loss[-1]


def test_what_is_minimised_is_the_validation_loss_where_there_is_one():
    assert task().metric == "val_loss"
    assert task(val=None).metric == "loss"


def test_a_model_that_gives_nan_diverges():
    class Nan(nn.Linear):
        def forward(self, x):
            return super().forward(x) * float("nan")

    run = ss.drive(task(model=lambda: Nan(3, 1)), LR, steps=5)
    assert (run.outcome, run.updates, run.reason) == ("diverged", 1, "loss is nan at update 0")


def test_too_high_a_rate_diverges():
    assert ss.drive(task(optimizer="sgd"), 1e4, steps=50).outcome == "diverged"


def empty_later():
    class Once:
        def __init__(self):
            self.batches = [(X[:8], Y[:8])]

        def __iter__(self):
            while self.batches:
                yield self.batches.pop()

    return Once()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"loss": lambda output, y: (output - y) ** 2}, r"loss must be a scalar, got shape \(8, 1\).*mean"),
        ({"metrics": {"error": lambda output, y: output - y}}, r"error must be a scalar, got shape \(20, 1\)"),
        ({"model": lambda: Broken(3, 1)}, "RuntimeError: no such layer"),
        ({"model": lambda: 1 / 0}, "ZeroDivisionError"),
        ({"model": lambda: nn.Linear(5, 1)}, "RuntimeError: .*shapes"),
        ({"train": empty_later()}, "train gave no batch"),
        ({"val": empty_later(), "evaluations": 12}, "val gave no batch"),
    ],
)
def test_what_goes_wrong_while_training_fails_the_run_with_a_sentence(changes, says):
    run = ss.drive(task(**changes), LR, steps=5)
    assert run.outcome == "failed"
    assert re.search(says, run.reason), run.reason


EMPTY = torch.zeros(0, 3)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"train": None}, "train is missing"),
        ({"train": (X, Y[:-1])}, "train has 48 inputs but 47 targets"),
        ({"train": []}, "train is empty"),
        ({"train": iter([(X, Y)])}, "train must be .* repeated"),
        ({"train": 3}, "train must be .* got 3"),
        ({"train": (["a", "b"], [1, 2])}, "train must be a pair of tensors"),
        ({"train": (np.array(1.0), np.array(2.0))}, "train .* single numbers"),
        ({"val": (EMPTY, EMPTY)}, "val is empty"),
        ({"val": (X, Y[:3])}, "val has 48 inputs but 3 targets"),
        ({"test": (X[:3], Y)}, "test has 3 inputs but 48 targets"),
        ({"batch_size": 0}, "batch_size .* 0"),
        ({"batch_size": 2.5}, "batch_size .* 2.5"),
        ({"steps": -1}, "steps .* -1"),
        ({"evaluations": 0}, "evaluations .* 0"),
        ({"optimizer": "adamm"}, "optimizer .* 'adamm'"),
        ({"model": 3}, "model and loss must be callable"),
        ({"loss": "mse"}, "model and loss must be callable"),
    ],
)
def test_a_part_that_does_not_fit_is_refused_by_its_name(changes, says):
    with pytest.raises(ss.InvalidTraining, match=says):
        task(**changes)


@pytest.mark.parametrize(
    ("changes", "settings", "says"),
    [
        ({"batch_size": 49}, {}, "batch_size .* 48 training examples, got 49"),
        ({}, {"batch_size": 1_000}, "batch_size .* got 1000"),
        ({}, {"batch_size": 8.5}, "batch_size .* got 8.5"),
        ({"train": [(X, Y)]}, {"batch_size": 8}, "train comes in batches of its own"),
        ({}, {"depth": 2}, "model.* cannot take the settings depth"),
        ({"model": linear()}, {"width": 2}, "model is one module, .* width"),
        ({"model": lambda: "linear"}, {}, "must make an nn.Module, it made 'linear'"),
    ],
)
def test_a_run_that_cannot_start_is_refused_by_the_part(changes, settings, says):
    with pytest.raises(ss.InvalidTraining, match=says):
        ss.drive(task(**changes), LR, steps=3, settings=settings)
