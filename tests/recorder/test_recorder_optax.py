"""The recorder in loops of JAX: what is logged is what happened, and nothing is waited for."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import stepsize as ss
from stepsize.optax import Recorder, build

LR = ss.linear(0.004, 0.0, 8)


def test_it_logs_what_was_computed_by_hand(tmp_path):
    optimizer = build(ss.Policy(LR, "momentum"))
    params = {"body": jnp.arange(6.0).reshape(2, 3), "head": jnp.ones(3)}
    state, by_hand = optimizer.init(params), []

    @jax.jit
    def update(params, state):
        loss, grads = jax.value_and_grad(lambda p: jnp.sum((p["body"] @ p["head"] - 1) ** 2))(params)
        updates, state = optimizer.update(grads, state, params)
        return optax.apply_updates(params, updates), state, loss, grads, updates

    with Recorder(tmp_path / "run.jsonl", steps=8, every=2, groups=dict, optimizer="momentum") as recorder:
        for k in range(8):
            before = params
            params, state, loss, grads, updates = update(params, state)
            recorder.step(loss, grads=grads, updates=updates, params=before, state=state)
            by_hand.append(
                (float(loss), norm(grads), norm(updates) / norm(before), norm(updates["head"]) / norm(before["head"]))
            )
            if k == 5:
                recorder.log(val_loss=loss)
    run = ss.Run.read(tmp_path / "run.jsonl")
    losses, norms, ratios, of_head = zip(*by_hand, strict=True)
    assert run.loss.tolist() == list(losses)
    assert run["lr"] == pytest.approx(list(LR(range(8))))
    assert run.column("grad_norm").step.tolist() == [0, 2, 4, 6]
    assert run["grad_norm"] == pytest.approx(norms[::2])
    assert run["update_ratio"] == pytest.approx(ratios[::2])
    assert run["update_ratio/head"] == pytest.approx(of_head[::2])
    assert run["val_loss"].tolist() == [losses[5]]
    assert run.settings == {"optimizer": "momentum"}


def norm(tree):
    return float(np.sqrt(sum(np.sum(np.square(leaf)) for leaf in jax.tree.leaves(tree))))


def test_values_are_fetched_together_when_rows_are_written(tmp_path, monkeypatch):
    fetched = []
    monkeypatch.setattr(
        jax, "device_get", lambda values, get=jax.device_get: fetched.append(len(values)) or get(values)
    )
    recorder = Recorder(tmp_path / "run.jsonl")
    recorder.step(jnp.ones(()))  # the first row is written at once
    recorder._rows._pages._next += 1e6  # no second passes
    for _ in range(50):
        recorder.step(jnp.ones(()), lr=0.1)
    recorder.close()
    assert fetched == [1, 50]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_does_not_overflow(tmp_path, dtype):
    grads = jnp.full((4,), 40_000, dtype=dtype)
    with Recorder(tmp_path / "run.jsonl", every=1) as recorder:
        recorder.step(1.0, grads=grads)
    assert ss.Run.read(tmp_path / "run.jsonl")["grad_norm"] == pytest.approx([80_000], rel=5e-3)


def test_a_loss_of_a_whole_batch_is_an_error(tmp_path):
    with (
        Recorder(tmp_path / "run.jsonl") as recorder,
        pytest.raises(ss.InvalidTraining, match=r"loss must be one number"),
    ):
        recorder.step(jnp.ones(3))


def test_only_process_0_writes(tmp_path, monkeypatch):
    monkeypatch.setattr(jax, "process_index", lambda: 1)
    recorder = Recorder(tmp_path / "run.jsonl")
    recorder.step(1.0)
    recorder.log(val_loss=1.0)
    recorder.close()
    assert not list(tmp_path.iterdir())
