"""Lanes: runs of one task in one compiled program, each the run that `drive` makes of it alone."""

import time
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import stepsize as ss
from stepsize.job import Job
from stepsize.optax import Task
from stepsize.optax.group import Group, Lane
from stepsize.optax.lanes import side_by_side
from stepsize.optax.layout import Cost, chosen
from stepsize.policy import OPTIMIZERS
from stepsize.training import SideBySide

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 4))
Y = (X @ RNG.normal(size=(4, 3))).argmax(axis=1)


def network(key):
    first, second = jax.random.split(key)
    return {
        "w1": jax.random.normal(first, (4, 6)) / 2,
        "b1": jnp.zeros(6),
        "w2": jax.random.normal(second, (6, 3)) / 2,
    }


def scores(params, x):
    return jnp.tanh(x @ params["w1"] + params["b1"]) @ params["w2"]


def entropy(params, x, y):
    return -jnp.take_along_axis(jax.nn.log_softmax(scores(params, x)), y[:, None], axis=1).mean()


def task(**parts):
    given = {"init": network, "loss": entropy, "train": (X, Y), "val": (X, Y), "batch_size": 8, "optimizer": "adamw"}
    return Task(**{**given, **parts})


@cache
def sharp(**parts):
    """A task in 64 bits, one for all tests: what it has compiled serves them all."""
    with jax.enable_x64(True):
        return task(**parts)


def silent(index, step):
    pass


def lanes(task, jobs, width=4):
    return dict(side_by_side(task, jobs, silent, width))


def driven(task, job):
    return ss.drive(task, job.policy, job.steps, job.seed, job.settings)


def assert_same(run, alone, tolerance):
    assert (run.outcome, run.reason, run.policy, run.steps, run.seed, run.settings) == (
        (alone.outcome, alone.reason, alone.policy, alone.steps, alone.seed, alone.settings)
    )
    assert list(run.columns) == list(alone.columns)
    for name, column in alone.columns.items():
        assert run.column(name).step.tolist() == column.step.tolist()
        np.testing.assert_allclose(run[name], column.value, rtol=0, atol=tolerance, err_msg=name)


SETTINGS = {
    "sgd": [{"weight_decay": 0.1}, {"weight_decay": ss.linear(0.2, 0.0, 15)}, {"weight_decay": 0.0}],
    "momentum": [{"momentum": 0.5}, {"momentum": ss.linear(0.5, 0.9, 15)}, {"momentum": 0.95}],
    "nesterov": [{"momentum": 0.5}, {"momentum": 0.9}, {"momentum": 0.0}],
    "adagrad": [{"initial_accumulator_value": start} for start in (0.0, 0.1, 1.0)],
    "rmsprop": [{"alpha": alpha, "momentum": 0.9, "centered": True} for alpha in (0.5, 0.9, 0.99)],
    "adadelta": [{"rho": rho} for rho in (0.5, 0.9, 0.99)],
    "adam": [{"betas": (beta, 0.99), "amsgrad": True} for beta in (0.0, 0.5, 0.9)],
    "adamw": [{"betas": (0.9, beta), "weight_decay": 0.1 * beta} for beta in (0.5, 0.9, 0.99)],
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_in_64_bits_a_lane_is_the_run_alone(name):
    curves = (ss.constant(0.3), ss.warmup_cosine(0.1, 15, 3), ss.wsd(0.01, "100%", "20%", "20%"))
    jobs = [Job(ss.Policy(lr, name, **more), steps=15) for lr, more in zip(curves, SETTINGS[name], strict=True)]
    with jax.enable_x64(True):
        training = sharp()
        runs = lanes(training, jobs)
        for index, job in enumerate(jobs):
            assert_same(runs[index], driven(training, job), 1e-10)
            assert runs[index].outcome == "finished"


@pytest.mark.parametrize("width", [1, 2, 8])
def test_lengths_and_seeds_may_differ_and_the_width_changes_nothing(width):
    jobs = [Job(ss.Policy(ss.cosine(0.1, 0.0, steps)), steps, seed) for steps, seed in ((5, 0), (130, 1), (40, 1))]
    jobs += [Job(ss.Policy(0.1), steps, 0, {"batch_size": 20}) for steps in (1, 12)]
    with jax.enable_x64(True):
        training = sharp(evaluations=3)
        runs = lanes(training, jobs, width)
        for index, job in enumerate(jobs):
            assert_same(runs[index], driven(training, job), 1e-10)


def test_a_lane_that_diverges_harms_no_other():
    rates = [1e-3, 1e-2, 3e-2, 1e-1]
    training, jobs = task(), [Job(ss.Policy(rate, "sgd"), 60) for rate in rates]
    calm = lanes(training, jobs)
    wild = lanes(training, [*jobs[:3], Job(ss.Policy(1e38, "sgd"), 60)])
    assert (wild[3].outcome, wild[3].updates) == ("diverged", 1)
    assert_same(wild[3], driven(training, Job(ss.Policy(1e38, "sgd"), 60)), 1e-5)
    for index in range(3):
        assert_same(wild[index], calm[index], 0.0)


def test_a_key_and_a_state_are_those_of_the_run_alone():
    def begun(key):
        return network(key), {"mean": jnp.zeros(4)}

    def dropped(params, x, y, key, state, training):
        mean = x.mean(axis=0) if training else state["mean"]
        kept = 1.0 if key is None else 2 * jax.random.bernoulli(key, 0.5, x.shape)
        return entropy(params, (x - mean) * kept, y), {"mean": 0.9 * state["mean"] + 0.1 * mean}

    with jax.enable_x64(True):
        training = task(init=begun, loss=dropped)
        for seeds in ((5, 5, 5), (5, 6, 7)):
            jobs = [Job(ss.Policy(10.0**-k, "sgd"), 20, seed) for k, seed in enumerate(seeds)]
            runs = lanes(training, jobs)
            for index, job in enumerate(jobs):
                assert_same(runs[index], driven(training, job), 1e-10)


def test_nothing_is_compiled_again_for_other_rates_and_lengths():
    traces = []

    def counted(params, x, y):
        traces.append(len(x))
        return entropy(params, x, y)

    training = task(loss=counted)
    lanes(training, [Job(ss.Policy(rate, "sgd"), 12) for rate in (0.1, 0.2, 0.3)])
    once = len(traces)
    runs = lanes(training, [Job(ss.Policy(ss.cosine(rate, 0.0, 200), "sgd"), 200, 3) for rate in (0.1, 0.2, 0.3, 0.4)])
    assert {run.outcome for run in runs.values()} == {"finished"}
    assert len(traces) == once


def test_it_says_which_jobs_are_better_made_alone():
    def callback(params, x, y):
        return entropy(params, jax.pure_callback(lambda a: a, x, x + params["b1"][0]), y)

    def wide(key, width=1):
        raise ValueError("out of order")

    training, jobs = task(loss=callback), [Job(ss.Policy(rate), 5) for rate in (0.1, 0.2)]
    for answer in lanes(training, jobs, 2).values():
        assert answer.startswith("it could not be made side by side: "), answer
    for answer in lanes(task(init=wide), jobs, 2).values():
        assert answer == "it could not be made side by side: ValueError: out of order"
    answers = lanes(task(), [*jobs, Job(ss.Policy(0.1), 5, 0, {"batch_size": 0})], 2)
    assert answers[0].outcome == answers[1].outcome == "finished"
    assert "batch_size must be" in answers[2]


def test_short_work_is_made_alone_before_anything_else_is_compiled():
    training = task()
    assert isinstance(training, SideBySide)
    answers = dict(training.lanes([Job(ss.Policy(0.1), 2), Job(ss.Policy(0.2), 2)], silent))
    assert set(answers) == {0, 1}
    assert all(answer.endswith("too short for compiling more to pay") for answer in answers.values()), answers


@pytest.mark.parametrize(
    ("costs", "width"),
    [
        ({0: 1e-3, 1: 2e-4, 8: 8e-4, 64: 8e-3}, 8),  # a tiny model on a CPU
        ({0: 5e-4, 1: 2e-4, 8: 2e-4, 64: 2.2e-4}, 64),  # a GPU
        ({0: 5e-2, 1: 0.17, 8: 0.1, 64: 0.1}, 0),  # convolutions in a loop on a CPU: nothing wider is tried
        ({0: 1e-3, 1: 6e-4, 8: 8e-3, 64: 1e-9}, 1),  # a larger model on a CPU
    ],
)
def test_the_layout_is_the_one_that_takes_the_least_time(costs, width):
    training = task()
    group = Group(training, [Lane(training, i, Job(ss.Policy(0.1 + i), 1_000_000)) for i in range(64)])
    training.compiled.costs.update({(*group.key, lanes): Cost(cost, 1.0) for lanes, cost in costs.items()})
    layout = chosen(group)
    assert layout.width == width
    assert layout.reason.startswith(f"an update takes {1e3 * costs[0]:.3g} ms by itself, ")


def test_the_probe_leaves_no_trace_in_the_runs():
    training, jobs = task(), [Job(ss.Policy(rate, "sgd"), 20_000) for rate in (0.01, 0.02)]
    group = Group(training, [Lane(training, index, job) for index, job in enumerate(jobs)])
    layout = chosen(group)
    assert layout.width in (0, 1, 2)
    short = [Job(ss.Policy(rate, "sgd"), 20) for rate in (0.01, 0.02)]
    for index, run in lanes(training, short, 2).items():
        assert_same(run, driven(training, short[index]), 1e-5)


def test_the_watch_is_told_and_the_time_is_shared():
    told, begun = [], time.perf_counter()
    jobs = [Job(ss.Policy(rate, "sgd"), 300) for rate in (0.01, 0.02)]
    runs = dict(side_by_side(task(evaluations=1), jobs, lambda *seen: told.append(seen), 2))
    assert [step for index, step in told if index == 1] == [0, 128, 256, 299]
    assert 0 < sum(run.seconds for run in runs.values()) <= time.perf_counter() - begun


class Lanes:
    """An engine of lanes, four at once."""

    def runs(self, training, jobs, watch):
        return iter(side_by_side(training, jobs, watch, 4))

    def close(self):
        pass


def test_a_search_decides_the_same_in_lanes():
    with jax.enable_x64(True):
        training = sharp(steps=100)
        here, there = ss.tune(training, budget=3), ss.tune(training, budget=3, engine=Lanes())
        assert there.rate == pytest.approx(here.rate, rel=1e-6)
        assert [run.policy for run in there.runs] == [run.policy for run in here.runs]
