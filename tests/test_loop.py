"""`drive`: one loop for every training; whatever a training does wrong is the outcome of its run."""

import functools
import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import stepsize as ss
from tests.schedule.trees import lengths

LR = ss.linear(0.1, 0.4, 3)


def quadratic(seed):
    x, lr = 1.0, (yield)
    while True:
        x -= lr * x
        lr = yield x * x


def reporting(*observations):
    """A training that reports these, one after another, and then ends."""

    def training(seed):
        yield
        for seen in observations:
            if isinstance(seen, BaseException):
                raise seen
            yield seen

    return training


@given(st.builds(ss.cosine, st.floats(0.01, 1), st.floats(0.01, 1), lengths), st.integers(1, 2_500))
def test_update_k_gets_exactly_the_value_at_step_k(schedule, steps):
    received = []

    def training(seed):
        while True:
            received.append((yield 0.0))

    run = ss.drive(training, schedule, steps=steps)
    assert received == [schedule(k) for k in range(steps)]
    assert run["lr"].tolist() == received
    assert run.column("lr").step.tolist() == list(range(steps))


def test_a_finished_run_knows_what_decided_it():
    run = ss.drive(quadratic, LR, steps=4, seed=7)
    assert (run.outcome, run.reason, run.updates, run.steps, run.seed) == ("finished", "", 4, 4, 7)
    assert run.policy == ss.Policy(LR)
    assert run.seconds > 0
    assert "finished after 4 of 4" in repr(run)


def test_a_number_a_schedule_and_a_policy_decide_alike():
    losses = [ss.drive(quadratic, plan, 5).loss.tolist() for plan in (0.1, ss.constant(0.1), ss.Policy(0.1))]
    assert losses[0] == losses[1] == losses[2]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, np.float32("nan")])
@pytest.mark.parametrize("name", ["loss", "val_loss"])
def test_a_loss_that_is_not_finite_is_divergence(name, bad):
    run = ss.drive(reporting(1.0, {"loss": 1.0, name: bad}, 1.0), 0.1, steps=3)
    assert (run.outcome, run.updates) == ("diverged", 2)
    assert f"{name} is" in run.reason
    assert "update 1" in run.reason
    assert run.final("loss") == math.inf


@pytest.mark.parametrize(("first", "later"), [(1.0, 2e4), (1e-9, 2e4), (50.0, 1e6), (1.0, -2e4)])
def test_a_loss_far_beyond_its_start_is_divergence(first, later):
    run = ss.drive(reporting(first, later, first), 0.1, steps=3)
    assert (run.outcome, run.updates) == ("diverged", 2)


@pytest.mark.parametrize(("first", "later"), [(1.0, 9e3), (1e6, 1e7), (1e6, 0.0)])
def test_a_loss_that_may_recover_is_not(first, later):
    assert ss.drive(reporting(first, later, first), 0.1, steps=3).outcome == "finished"


def test_an_error_is_the_outcome_failed_with_its_sentence():
    run = ss.drive(reporting(1.0, 0.5, ValueError("no such batch")), 0.1, steps=9)
    assert (run.outcome, run.reason, run.updates) == ("failed", "ValueError: no such batch", 2)
    assert run.loss.tolist() == [1.0, 0.5]


def test_an_error_before_the_first_update_is_the_same():
    def broken(seed):
        raise RuntimeError("out of memory")
        yield

    run = ss.drive(broken, 0.1, steps=9)
    assert (run.outcome, run.reason, run.updates) == ("failed", "RuntimeError: out of memory", 0)
    assert "failed after 0" in repr(run)


def test_a_training_that_ends_by_itself_is_stopped():
    run = ss.drive(reporting(1.0, 0.5), 0.1, steps=9)
    assert (run.outcome, run.updates) == ("stopped", 2)
    assert "by itself before update 2" in run.reason


def test_watch_sees_each_update_and_stops_the_run():
    seen = []

    def watch(step, observed):
        seen.append((step, observed))
        return step < 2

    run = ss.drive(reporting(1.0, {"loss": 0.5, "accuracy": 0.9}, 0.25, 0.1), 0.1, steps=4, watch=watch)
    assert seen == [(0, {"loss": 1.0}), (1, {"loss": 0.5, "accuracy": 0.9}), (2, {"loss": 0.25})]
    assert (run.outcome, run.updates) == ("stopped", 3)
    assert "on request" in run.reason


def test_observations_become_columns_at_the_updates_that_reported_them():
    run = ss.drive(reporting({"loss": 2.0, "val_loss": 3.0}, None, {"loss": 1.0, "val_loss": None}), 0.1, steps=3)
    assert run.column("loss").step.tolist() == [0, 2]
    assert run.column("val_loss").step.tolist() == [0]
    assert run.column("lr").step.tolist() == [0, 1, 2]


@pytest.mark.parametrize("scalar", [1, np.float32(1), np.array(1.0), np.array([1.0]), True])
def test_anything_that_is_one_number_is_a_loss(scalar):
    assert ss.drive(reporting(scalar), 0.1, steps=1).loss.tolist() == [1.0]


@pytest.mark.parametrize(
    ("seen", "says"),
    [
        (np.ones(3), r"loss must be a scalar, got shape \(3,\)"),
        ([1.0, 2.0], "loss must be a scalar"),
        ("low", "loss must be a number, got 'low'"),
        ({"loss": 1.0, "accuracy": np.ones((2, 2))}, "accuracy must be a scalar"),
        (object(), "loss must be a number"),
    ],
)
def test_what_is_no_number_fails_the_run_with_a_sentence(seen, says):
    run = ss.drive(reporting(seen), 0.1, steps=1)
    assert run.outcome == "failed"
    with pytest.raises(AssertionError, match=says):
        raise AssertionError(run.reason)


@pytest.mark.parametrize("steps", [1, 3, 50])
def test_the_generator_is_closed_however_the_run_ends(steps):
    closed = []

    def training(seed):
        try:
            yield
            for _ in range(20):
                yield 1.0
        finally:
            closed.append(True)

    ss.drive(training, 0.1, steps=steps)
    assert closed == [True]


class Declared:
    """A training and its own session, which notes what is asked of it."""

    def __init__(self):
        self.calls = []

    def start(self, policy, steps, seed, settings):
        self.calls.append(("start", steps, seed, settings))
        return self

    def update(self, values):
        self.calls.append(values)
        return 1.0

    def close(self):
        self.calls.append("close")


def test_anything_that_can_be_started_updated_and_closed_is_a_training():
    training = Declared()
    decay = ss.linear(0.0, 0.1, 2)
    run = ss.drive(training, ss.Policy(0.5, weight_decay=decay), steps=2, seed=4, settings={"width": 2})
    values = [{"lr": 0.5, "weight_decay": decay(k)} for k in range(2)]
    assert training.calls == [("start", 2, 4, {"width": 2}), *values, "close"]
    assert run.loss.tolist() == [1.0, 1.0]


def test_a_training_is_closed_when_watching_is_interrupted():
    def interrupt(step, seen):
        raise KeyboardInterrupt

    training = Declared()
    with pytest.raises(KeyboardInterrupt):
        ss.drive(training, 0.1, steps=5, watch=interrupt)
    assert training.calls[-1] == "close"


def test_an_error_while_cleaning_up_is_an_outcome_too():
    def untidy(seed):
        try:
            while True:
                yield 1.0
        finally:
            raise OSError("cannot close the log")

    run = ss.drive(untidy, 0.1, steps=3)
    assert (run.outcome, run.reason) == ("failed", "OSError: cannot close the log")
    assert run.loss.tolist() == [1.0] * 3


def test_settings_are_given_by_name_and_kept_in_the_run():
    got = {}

    def training(seed, width, depth=2, **others):
        got.update(seed=seed, width=width, depth=depth, **others)
        while True:
            yield 1.0

    policy = ss.Policy(0.1, "adamw", weight_decay=0.5)
    run = ss.drive(training, policy, steps=1, seed=3, settings={"width": 8})
    assert got == {"seed": 3, "width": 8, "depth": 2, "weight_decay": 0.5}
    assert run.settings == {"width": 8}


def test_steps_and_the_optimizer_are_offered_to_those_who_ask():
    got = []

    def training(seed, steps, optimizer):
        got.append((steps, optimizer))
        while True:
            yield 1.0

    ss.drive(training, ss.Policy(0.1, "sgd"), steps=12)
    assert got == [(12, "sgd")]


@pytest.mark.parametrize(
    ("training", "arguments", "says"),
    [
        (quadratic, {"settings": {"width": 3}}, "quadratic takes no setting width; it takes seed"),
        (quadratic, {"settings": {"seed": 3}}, "seed"),
        (quadratic, {"plan": ss.Policy(0.1, weight_decay=0.1)}, "takes no setting weight_decay"),
        (quadratic, {"plan": ss.Policy(0.1, weight_decay=LR)}, "receives the rate only, so weight_decay"),
        (lambda seed: iter([1.0]), {}, "generator function"),
        (3, {}, "generator function.* got 3"),
        (reporting(1.0)(0), {}, "generator function"),
    ],
)
def test_what_cannot_be_started_is_refused(training, arguments, says):
    with pytest.raises(ss.InvalidTraining, match=says):
        ss.drive(training, **{"plan": 0.1, "steps": 3, **arguments})


def test_a_training_without_a_seed_or_with_a_setting_left_open_is_refused():
    def seedless():
        yield

    def demanding(seed, width):
        yield

    with pytest.raises(ss.InvalidTraining, match="seedless takes no `seed`"):
        ss.drive(seedless, 0.1, steps=3)
    with pytest.raises(ss.InvalidTraining, match=r"demanding .* 'width'"):
        ss.drive(demanding, 0.1, steps=3)


@pytest.mark.parametrize("steps", [0, -1, 2.5, "10", None, math.nan])
def test_the_number_of_steps_must_be_one(steps):
    with pytest.raises(ss.InvalidSpace, match="steps"):
        ss.drive(quadratic, 0.1, steps=steps)


class Callable:
    def __call__(self, seed):
        return (yield from quadratic(seed))

    def method(self, seed):
        return (yield from quadratic(seed))


@pytest.mark.parametrize("training", [Callable(), Callable().method, functools.partial(Callable(), seed=0)])
def test_any_callable_that_makes_a_generator_will_do(training):
    assert ss.drive(training, LR, steps=4).loss.tolist() == ss.drive(quadratic, LR, steps=4).loss.tolist()


@pytest.mark.parametrize("fails", [False, True])
def test_global_randomness_is_left_as_it_was(fails):
    def noisy(seed):
        random.seed(seed)
        np.random.seed(seed)
        yield
        for _ in range(3):
            yield random.random() + np.random.rand()
        if fails:
            raise ValueError("enough")

    random.seed(11)
    np.random.seed(11)
    expected = random.Random(11).random(), np.random.RandomState(11).rand()
    runs = [ss.drive(noisy, 0.1, steps=5, seed=s) for s in (1, 1, 2)]
    assert (random.random(), np.random.rand()) == expected
    assert runs[0].loss.tolist() == runs[1].loss.tolist() != runs[2].loss.tolist()
