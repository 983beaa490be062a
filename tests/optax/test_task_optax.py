"""A declared training in JAX: what it sees, what it reports, and that nothing is compiled twice."""

import pickle
import re

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import stepsize as ss
from stepsize.optax import Task, build
from stepsize.optax.data import Order, parts

X = np.linspace(-1, 1, 48).reshape(48, 1)
Y = 2 * X[:, 0] + 0.5


def line(key):
    return {"slope": jax.random.normal(key, (1,)), "offset": jnp.zeros(())}


def squares(params, x, y):
    return jnp.mean((x @ params["slope"] + params["offset"] - y) ** 2)


def far(params, x, y):
    return jnp.mean(jnp.abs(x @ params["slope"] + params["offset"] - y) > 0.1)


def task(**parts):
    given = {"init": line, "loss": squares, "train": (X, Y), "batch_size": 10, "steps": 20, "optimizer": "sgd"}
    return Task(**{**given, **parts})


def test_it_reports_what_a_task_of_torch_reports():
    run = ss.drive(task(val=(X, Y), test=(X, Y), metrics={"far": far}, evaluations=2), 0.1, steps=20)
    assert run.outcome == "finished", run.reason
    assert {name: column.step.tolist() for name, column in run.columns.items() if name not in ("loss", "lr")} == {
        "val_loss": [0, 9, 19],
        "val_far": [0, 9, 19],
        "test_loss": [19],
        "test_far": [19],
    }
    assert run.column("loss").step.tolist() == list(range(20))
    assert run.final("val_loss") < run["val_loss"][0]
    assert task().metric == "loss"
    assert task(val=(X, Y)).metric == "val_loss"


@pytest.mark.parametrize("name", ["sgd", "adamw"])
def test_a_run_is_the_loop_one_would_write_by_hand(name):
    with jax.enable_x64(True):
        settings = {"weight_decay": ss.linear(0.1, 0.0, 20), **({"betas": (0.8, 0.9)} if name == "adamw" else {})}
        policy = ss.Policy(ss.warmup_cosine(0.1, 20, 4), name, **settings)
        run = ss.drive(task(), policy, steps=20, seed=3)
        optimizer, order = build(policy), Order(48, 10, seed=3)
        weights = line(jax.random.split(jax.random.key(3))[0])
        state, by_hand = optimizer.init(weights), []

        @jax.jit
        def update(weights, state, x, y):
            loss, gradients = jax.value_and_grad(squares)(weights, x, y)
            updates, state = optimizer.update(gradients, state, weights)
            return optax.apply_updates(weights, updates), state, loss

        for rows in order.rows(0, 20):
            weights, state, loss = update(weights, state, X[rows], Y[rows])
            by_hand.append(float(loss))
        np.testing.assert_allclose(run.loss, by_hand, rtol=1e-12)


def test_what_is_compiled_once_serves_every_rate_setting_seed_and_length():
    traces = []

    def counted(params, x, y):
        traces.append(x.shape)
        return squares(params, x, y)

    counting = task(loss=counted, val=(X, Y))
    ss.drive(counting, ss.Policy(0.1, "adamw", weight_decay=0.1, betas=(0.9, 0.99)), steps=3)
    once = len(traces)
    for seed, rate in enumerate((0.01, ss.cosine(0.2, 0.0, 8), ss.warmup_cosine(0.3, 8, 2))):
        policy = ss.Policy(rate, "adamw", weight_decay=ss.linear(0.1, rate if seed == 0 else 0.2, 8), betas=(0.8, 0.9))
        assert ss.drive(counting, policy, steps=8, seed=seed).outcome == "finished"
    assert len(traces) == once
    ss.drive(counting, 0.1, steps=3, settings={"batch_size": 5})
    assert len(traces) > once


def test_everything_random_follows_from_the_seed():
    one, same, other = (ss.drive(task(), 0.1, steps=20, seed=seed) for seed in (2**70 + 1, 2**70 + 1, 2))
    assert one.loss.tolist() == same.loss.tolist()
    assert one.loss.tolist() != other.loss.tolist()


def test_each_pass_sees_every_example_of_its_whole_batches_once_in_a_new_order():
    order = Order(11, 3, seed=0)
    passes = [order.rows(3 * number, 3).ravel().tolist() for number in range(4)]
    assert all(len(set(seen)) == 9 for seen in passes)
    assert len({tuple(seen) for seen in passes}) == 4
    assert order.rows(0, 12).tolist() == [order.rows(step, 1)[0].tolist() for step in range(12)]


def test_data_are_measured_in_parts_of_nearly_equal_size():
    data = jnp.zeros((2_500, 1)), jnp.zeros(2_500)
    assert [count for _, count in parts(data)] == [833, 834, 833]
    assert [len(x) for (x, _), _ in parts(data)] == [833, 834, 833]


def test_a_loss_may_ask_for_a_key_which_is_new_in_each_update_and_none_when_measured():
    def noisy(params, x, y, *, key=None):
        return squares(params, x, y) + (0.0 if key is None else 1 + jax.random.uniform(key))

    run = ss.drive(task(loss=noisy, val=(X, Y)), 1e-9, steps=20)
    assert (run.loss > 1).all()
    assert np.unique(run.loss.round(3)).size > 15
    assert np.ptp(run["val_loss"]) < 1e-5


def centred(params, x, y, state, training):
    """Inputs less their running mean."""
    mean = jnp.where(training, x.mean(), state["mean"])
    moved = {"mean": 0.5 * state["mean"] + 0.5 * x.mean(), "batches": state["batches"] + 1}
    return squares(params, x - mean, y), moved


START = {"slope": jnp.ones(1), "offset": jnp.ones(())}, {"mean": 9.0, "batches": 0}


def test_a_loss_may_ask_for_a_state_which_moves_in_updates_alone():
    def batches(params, x, y, state):
        return state["batches"]

    stateful = task(init=lambda key: START, loss=centred, metrics={"batches": batches}, val=(X, Y), evaluations=20)
    for _ in range(2):  # what init gives out is never changed
        run = ss.drive(stateful, 0.1, steps=20)
        assert run["val_batches"].tolist() == list(range(1, 21))
        assert run["val_loss"][0] > 1 > run.final("val_loss")
    assert START[0]["slope"].tolist() == [1.0]


def test_settings_go_to_init_and_set_the_batch():
    def wide(key, width=1):
        return {"slope": jnp.zeros(1), "offset": jnp.zeros(width)}

    def summed(params, x, y):
        assert len(y) == 12
        return squares({**params, "offset": params["offset"].sum()}, x, y)

    run = ss.drive(task(init=wide, loss=summed), 0.01, steps=2, settings={"width": 3, "batch_size": 12})
    assert run.outcome == "finished", run.reason
    for settings, message in (
        ({"depth": 3}, "init.* cannot take the settings depth"),
        ({"batch_size": 49}, "from 1 to the 48 training examples, got 49"),
    ):
        with pytest.raises(ss.InvalidTraining, match=message):
            ss.drive(task(init=wide, loss=summed), 0.01, steps=2, settings=settings)


def test_data_may_be_trees_of_arrays_and_parameters_keep_their_precision():
    def half(key):
        return jnp.zeros(1, jnp.bfloat16), jnp.zeros((), jnp.float16)

    def named(params, x, y):
        assert {leaf.dtype.name for leaf in params} == {"bfloat16", "float16"}
        return jnp.mean((x["inputs"] @ params[0] + params[1] + x["shift"] - y) ** 2)

    data = {"inputs": X, "shift": np.ones(48)}, Y
    run = ss.drive(task(init=half, loss=named, train=data, val=data), 0.1, steps=20)
    assert run.final("val_loss") < 0.5 * run["val_loss"][0], run.reason


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"init": 3}, "init must be a function"),
        ({"loss": None}, "loss must be a function of .params, x, y."),
        ({"loss": lambda params, x, y, rate: 0.0}, "may ask for key, state, training by name: missing .* 'rate'"),
        ({"loss": lambda params, batch: 0.0}, "loss must take .params, x, y. and .* too many"),
        ({"metrics": {"far": 3}}, "far must be a function"),
        ({"train": None}, "train is missing"),
        ({"train": X}, "train must be a pair"),
        ({"train": (X, 3)}, "train must hold arrays"),
        ({"val": (X, Y[:-1])}, "the arrays of val have 47 and 48 entries"),
        ({"test": (X[:0], Y[:0])}, "test is empty"),
        ({"train": (X, np.array(["a"] * 48))}, "train must hold arrays that JAX can take"),
        ({"batch_size": 0}, "batch_size must be a whole number, at least 1"),
        ({"steps": 2.5}, "steps must be a whole number"),
        ({"optimizer": "adamm"}, "optimizer must be one of"),
    ],
)
def test_what_does_not_fit_is_said_when_it_is_declared(change, message):
    with pytest.raises(ss.InvalidTraining, match=message):
        task(**change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"init": lambda key: {}}, "init must make a tree of arrays"),
        ({"loss": centred}, "init must return .params, state."),
    ],
)
def test_what_only_a_start_can_tell_is_said_there(change, message):
    with pytest.raises(ss.InvalidTraining, match=message):
        ss.drive(task(**change), 0.1, steps=2)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"loss": lambda params, x, y: y * params["slope"]}, "TypeError: loss must be a scalar, got shape"),
        ({"init": lambda key: START, "loss": lambda params, x, y, state: params["offset"]}, "must return .loss, state"),
    ],
)
def test_what_goes_wrong_in_a_run_is_its_outcome(change, reason):
    run = ss.drive(task(**change), 0.1, steps=2)
    assert run.outcome == "failed"
    assert run.updates == 0
    assert re.search(reason, run.reason), run.reason


def test_it_can_be_sent_to_another_process():
    sent = pickle.loads(pickle.dumps(task(val=(X, Y), metrics={"far": far})))
    here, there = (ss.drive(training, 0.1, steps=5) for training in (task(val=(X, Y), metrics={"far": far}), sent))
    assert here.loss.tolist() == there.loss.tolist()


def test_find_and_tune_take_it():
    training = task(val=(X, Y), steps=60)
    assert ss.find(training, steps=60).informative
    study = ss.tune(training, budget=3)
    assert study.best.final("val_loss") < 0.01
