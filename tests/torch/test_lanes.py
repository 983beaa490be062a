"""Lanes: a run made side by side with others is the run made alone."""

import numpy as np
import pytest
import torch
from torch import nn

import stepsize as ss
from stepsize.job import Job
from stepsize.torch import Task
from stepsize.torch.lanes import Choice, side_by_side
from stepsize.torch.lanes.lane import lane
from stepsize.torch.lanes.train import Training

generator = torch.Generator().manual_seed(0)
X = torch.randn(96, 6, generator=generator, dtype=torch.float64)
Y = (X[:, :3].sum(1) > 0).long()
STEPS = 60


def mlp(width=8, dropout=0.0, double=True):
    return nn.Sequential(nn.Linear(6, width), nn.Tanh(), nn.Dropout(dropout), nn.Linear(width, 2)).to(
        torch.float64 if double else torch.float32
    )


def task(**changes):
    parts = {"model": mlp, "loss": nn.functional.cross_entropy, "train": (X, Y), "val": (X[:40], Y[:40])}
    return Task(**{**parts, "batch_size": 16, "steps": STEPS, "evaluations": 4, **changes})


def lanes(task, jobs, most=64, least=0):
    """What came of each job: a run, or a reason."""
    return dict(side_by_side(task, jobs, lambda index, step: None, lambda *_: Choice(most, "", least)))


def alone(task, job):
    return ss.drive(task, job.policy, job.steps, job.seed, job.settings)


def assert_same(found, expected, tolerance=1e-10):
    assert not isinstance(found, str), found
    assert (found.outcome, found.reason) == (expected.outcome, expected.reason)
    assert list(found.columns) == list(expected.columns)
    assert (found.steps, found.seed, found.settings, found.policy) == (
        expected.steps, expected.seed, expected.settings, expected.policy
    )  # fmt: skip
    for name, column in expected.columns.items():
        assert found.columns[name].step.tolist() == column.step.tolist()
        np.testing.assert_allclose(found[name], column.value, rtol=tolerance, atol=tolerance)


def check_all(task, jobs, tolerance=1e-10, most=64, least=0):
    made = lanes(task, jobs, most, least)
    assert sorted(made) == list(range(len(jobs)))
    for index, job in enumerate(jobs):
        assert_same(made[index], alone(task, job), tolerance)


DECAY = ss.linear(0.0, 0.1, STEPS)
OPTIMIZERS = {
    "sgd": [{}, {"weight_decay": DECAY}],
    "momentum": [{}, {"momentum": ss.linear(0.5, 0.95, STEPS), "weight_decay": 0.01}, {"dampening": 0.3}],
    "no momentum": [{"momentum": 0.0}, {"momentum": 0.0, "weight_decay": 0.1}],
    "nesterov": [{}, {"momentum": ss.linear(0.95, 0.5, STEPS), "weight_decay": DECAY}],
    "adagrad": [{}, {"lr_decay": 0.01, "initial_accumulator_value": 0.1}, {"eps": 1e-3, "weight_decay": 0.1}],
    "rmsprop": [{}, {"alpha": 0.9, "weight_decay": DECAY}, {"eps": ss.linear(1e-3, 1e-8, STEPS)}],
    "rmsprop with momentum": [{"momentum": 0.9}, {"momentum": ss.linear(0.5, 0.9, STEPS)}],
    "rmsprop centered": [{"centered": True}, {"centered": True, "alpha": 0.9}],
    "adadelta": [{}, {"rho": 0.8, "eps": 1e-3, "weight_decay": 0.01}],
    "adam": [{}, {"betas": (0.8, 0.9), "weight_decay": DECAY}, {"eps": 1e-3}],
    "adam amsgrad": [{"amsgrad": True}, {"amsgrad": True, "betas": (0.8, 0.9)}],
    "adamw": [{}, {"betas": (0.8, 0.9), "weight_decay": DECAY}, {"eps": ss.linear(1e-3, 1e-8, STEPS)}],
}


@pytest.mark.parametrize("case", OPTIMIZERS)
def test_a_lane_is_the_run_it_stands_for(case):
    name = {"no momentum": "momentum"}.get(case, case.split()[0])
    schedules = [0.01, ss.warmup_cosine(0.05, STEPS, 10)]
    jobs = [
        Job(ss.Policy(optimizer=name, lr=lr, **settings), STEPS, 3) for settings in OPTIMIZERS[case] for lr in schedules
    ]
    check_all(task(), jobs)


def policies(*rates, **settings):
    return [ss.Policy(optimizer="adamw", lr=ss.cosine(rate, 0.0, STEPS), **settings) for rate in rates]


def test_jobs_differ_in_seed_steps_batch_size_and_settings():
    jobs = [
        Job(policy, steps, seed, settings)
        for policy in policies(0.01, 0.05)
        for steps, seed, settings in [
            (60, 0, {}),
            (25, 0, {}),
            (60, 1, {}),
            (40, 2, {"batch_size": 8}),
            (30, 1, {"width": 3}),
        ]
    ]
    check_all(task(test=(X[40:], Y[40:])), jobs)
    check_all(task(), jobs, most=3)


@pytest.mark.parametrize("changes", [{}, {"val": [(X[:7], Y[:7]), (X[7:20], Y[7:20])]}])
def test_dropout_is_that_of_the_run_alone(changes):
    jobs = [
        Job(policy, steps, seed, {"dropout": dropout})
        for policy in policies(0.01, 0.05)
        for steps in (30, 50)
        for seed in (0, 1)
        for dropout in (0.2, 0.5)
    ]
    check_all(task(**changes), jobs)


@pytest.mark.parametrize("least", [2, 3, 64])
def test_few_lanes_are_computed_one_after_another(least):
    jobs = [Job(policy, steps, seed) for policy in policies(0.01, 0.05) for steps in (12, 20) for seed in (0, 1)]
    check_all(task(model=lambda: mlp(dropout=0.3)), jobs, least=least)
    check_all(task(model=lambda: Conv().double()), jobs, least=least)


def test_noise_in_training_and_in_evaluation():
    class Noisy(nn.Module):
        def forward(self, x):
            return x * torch.rand_like(x) + np.random.rand()

    def model():
        return nn.Sequential(nn.Linear(6, 8), Noisy(), nn.Linear(8, 2)).double()

    jobs = [Job(policy, steps, seed) for policy in policies(0.01, 0.05) for steps in (12, 20) for seed in (0, 1)]
    check_all(task(model=model), jobs)


def test_batch_norm_has_the_statistics_of_the_run_alone():
    def model(momentum=0.1):
        # A bias before the norm would have a gradient of nothing but rounding, which AdamW blows up to a step.
        norm = nn.BatchNorm1d(8, momentum=momentum)
        return nn.Sequential(nn.Linear(6, 8, bias=False), norm, nn.ReLU(), nn.Dropout(0.1), nn.Linear(8, 2)).double()

    jobs = [Job(policy, 30, 4, {"momentum": m}) for policy in policies(0.01, 0.05) for m in (0.1, 0.3)]
    check_all(task(model=model), jobs)


class Conv(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv1d(1, 4, 3, padding=1, bias=False), nn.BatchNorm1d(4)
        self.head = nn.Linear(12, 2)
        self.unused = nn.Linear(2, 2)
        self.frozen = nn.Parameter(torch.rand(6), requires_grad=False)

    def forward(self, x):
        hidden = self.norm(self.conv((x * self.frozen).unsqueeze(1)))
        return self.head(nn.functional.max_pool1d(hidden.relu(), 2).flatten(1))


def test_frozen_and_unused_parameters_stay_as_they_are():
    jobs = [Job(policy, 30, seed) for policy in policies(0.01, 0.05) for seed in (0, 1)]
    check_all(task(model=lambda: Conv().double()), jobs)


def test_tied_weights():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two = nn.Linear(6, 6), nn.Linear(6, 6)
            self.two.weight = self.one.weight

        def forward(self, x):
            return self.two(self.one(x).tanh())

    check_all(task(model=lambda: Tied().double()), [Job(policy, 20, 0) for policy in policies(0.01, 0.05)])


def test_batches_from_a_loader_are_shared():
    data = torch.utils.data.TensorDataset(X, Y)
    loader = torch.utils.data.DataLoader(data, batch_size=20, shuffle=True)
    jobs = [Job(policy, steps, seed) for policy in policies(0.01, 0.05) for steps, seed in [(20, 0), (12, 0), (20, 1)]]
    check_all(task(train=loader, val=loader), jobs)


def test_metrics_and_durations_and_a_policy_that_names_no_optimizer():
    def right(output, y):
        return (output.argmax(1) == y).double().mean().item()  # of numbers: it is not vectorised

    jobs = [Job(ss.Policy(ss.warmup_cosine(lr, "100%", "10%")), 30, 0) for lr in (0.01, 0.1)]
    check_all(task(metrics={"right": right}, optimizer="momentum"), jobs)
    check_all(task(val=None), jobs)


def test_a_lane_that_diverges_leaves_and_harms_no_other():
    model = lambda: nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 2))  # noqa: E731
    parts = {"model": model, "train": (X.float(), Y), "val": (X[:40].float(), Y[:40])}
    good = [Job(ss.Policy(optimizer="momentum", lr=rate), STEPS, 0) for rate in (0.01, 0.03, 0.1)]
    bad = [Job(ss.Policy(optimizer="momentum", lr=rate), STEPS, 0) for rate in (1e4, 1e30)]
    without = lanes(task(**parts), good)
    beside = lanes(task(**parts), [bad[0], *good, bad[1]])
    for index in range(3):
        assert columns(beside[index + 1]) == columns(without[index])
    for index, job in ((0, bad[0]), (4, bad[1])):
        expected = alone(task(**parts), job)
        assert (beside[index].outcome, beside[index].reason.split(" is ")[0]) == (
            "diverged", expected.reason.split(" is ")[0]
        )  # fmt: skip
        assert beside[index].updates == expected.updates < STEPS


def columns(run):
    return {name: (column.step.tolist(), column.value.tolist()) for name, column in run.columns.items()}


def test_the_generators_of_the_process_are_left_as_they_were():
    torch.manual_seed(5)
    expected = torch.rand(1, generator=torch.Generator().manual_seed(5))
    jobs = [Job(policy, steps, 0, {"dropout": 0.5}) for policy in policies(0.01, 0.05) for steps in (5, 9)]
    for _, _ in side_by_side(task(), jobs, lambda *_: None, lambda *_: Choice(4, "")):
        pass
    assert torch.equal(torch.rand(1), expected)


def test_groups_of_parameters_have_their_own_rates():
    settings = [{}, {"layer_decay": 0.5}, {"layer_decay": 0.5, "lr_scale.0": 3.0}, {"lr_scale.3": 0.0}]
    check_all(task(), [Job(policy, 30, 0, chosen) for policy in policies(0.01, 0.05) for chosen in settings])

    def groups(model):  # which leaves the last bias out
        first, last = model[0], model[3]
        return [{"params": [last.weight], "weight_decay": 0.3}, {"params": list(first.parameters()), "name": "body"}]

    jobs = [Job(policy, 30, 0, {"lr_scale.body": scale}) for policy in policies(0.01, 0.05) for scale in (0.5, 2.0)]
    check_all(task(groups=groups), jobs)


def test_parameters_are_those_of_the_run_alone():
    made = []

    def model():
        made.append(mlp(dropout=0.2))
        return made[-1]

    trained, jobs = task(model=model), [Job(policy, STEPS, 0) for policy in policies(0.01, 0.05, weight_decay=0.1)]
    origins = []
    stack = Training(trained, [lane(trained, i, job, origins) for i, job in enumerate(jobs)], lambda *_: None)
    stepper = stack._stepper
    assert all(run.outcome == "finished" for _, run in stack.runs())
    for row, job in enumerate(jobs):
        alone(trained, job)
        for name, parameter in made[-1].named_parameters():
            torch.testing.assert_close(stepper.stack.params[name][row], parameter.detach(), rtol=1e-10, atol=1e-10)
