"""`build` gives the transformation that makes the updates of torch.optim, and a state that tells the values."""

import pickle

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import stepsize as ss
from stepsize.optax import build, hyperparams, position
from stepsize.policy import OPTIMIZERS
from tests.keras.torch_updates import CASES, FACTORS, LR, START, by_torch, policy

DECAY = ss.linear(0.5, 0.1, 20)


def trained(optimizer, weights, state, factors):
    """The weights after each update under one compiled scan, and the last state."""

    def update(carry, factor):
        weights, state = carry
        updates, state = optimizer.update(factor * weights / 2, state, weights)
        weights = optax.apply_updates(weights, updates)
        return (weights, state), weights

    (_, state), after = jax.jit(lambda *start: jax.lax.scan(update, start, factors))(weights, state)
    return after, state


def test_every_optimizer_is_compared():
    assert {name for name, _ in CASES.values()} == OPTIMIZERS.keys()


@pytest.mark.parametrize("case", CASES)
def test_in_64_bits_the_weights_are_those_of_torch(case):
    with jax.enable_x64(True):
        optimizer, weights = build(policy(case)), jnp.asarray(START)
        after, _ = trained(optimizer, weights, optimizer.init(weights), jnp.asarray(FACTORS))
        np.testing.assert_allclose(after, by_torch(case), rtol=0, atol=1e-13)


@pytest.mark.parametrize("case", ["momentum with all", "adam", "adam with all"])
def test_in_32_bits_they_are_so_up_to_rounding(case):
    optimizer, weights = build(policy(case)), jnp.asarray(START, jnp.float32)
    after, _ = trained(optimizer, weights, optimizer.init(weights), jnp.asarray(FACTORS, jnp.float32))
    # Optax computes 1 - 0.999**k in float32: a share of 1e-5 of the first steps of adam.
    np.testing.assert_allclose(after, by_torch(case), rtol=0, atol=2e-5)


def test_optax_206_the_state_tells_the_rate_that_was_used():
    # optax.adam(schedule) keeps the count alone (also asked in optax#312, #363, #964).
    optimizer, weights = build(ss.Policy(LR, "adamw", weight_decay=DECAY)), jnp.ones(3)
    state, update = optimizer.init(weights), jax.jit(optimizer.update)
    assert {name: float(value) for name, value in hyperparams(state).items()} == pytest.approx(
        {"lr": LR(0), "weight_decay": DECAY(0)}
    )
    for k in range(12):
        assert position(state) == k
        _, state = update(weights, state, weights)
        assert float(hyperparams(state)["lr"]) == pytest.approx(LR(k))
        assert float(hyperparams(state)["weight_decay"]) == pytest.approx(DECAY(k))


def test_optax_1426_weight_decay_follows_a_schedule_in_adamw():
    optimizer, weights = build(ss.Policy(LR, "adamw", weight_decay=DECAY)), jnp.array(1.0)
    state = optimizer.init(weights)
    for k in range(12):
        updates, state = optimizer.update(jnp.zeros(()), state, weights)
        assert float(updates) == pytest.approx(-LR(k) * DECAY(k), rel=1e-5)


def pickled(state, like):
    return pickle.loads(pickle.dumps(state))


def as_leaves(state, like):
    """As checkpoints of trees do it: arrays out, arrays in, in the shape of a fresh state."""
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(state)]
    return jax.tree.unflatten(jax.tree.structure(like), [jnp.asarray(leaf) for leaf in leaves])


@pytest.mark.parametrize("restore", [pickled, as_leaves])
@pytest.mark.parametrize("case", ["adam with all", "momentum with all"])
def test_a_restored_state_goes_on_as_if_uninterrupted(restore, case):
    optimizer, weights = build(policy(case)), jnp.asarray(START, jnp.float32)
    factors = jnp.asarray(FACTORS, jnp.float32)
    whole, _ = trained(optimizer, weights, optimizer.init(weights), factors)
    first, state = trained(optimizer, weights, optimizer.init(weights), factors[:11])
    again = build(ss.Policy.from_json(policy(case).to_json()))
    state = restore(state, again.init(weights))
    assert position(state) == 11
    second, _ = trained(again, first[-1], state, factors[11:])
    np.testing.assert_allclose(second, whole[11:], rtol=1e-6)


def test_a_change_of_plan_starts_from_the_position_in_the_state():
    saved, planned = ss.linear(0.2, 0.0, 20), ss.linear(0.2, 0.0, 40)
    weights = jnp.ones(())
    optimizer = build(ss.Policy(saved, "sgd"))
    _, state = trained(optimizer, weights, optimizer.init(weights), jnp.ones(5))
    with pytest.raises(ss.InvalidSchedule, match=r"linear\(0.2, 0.0, 40\)"):
        saved.replan(planned, at=position(state))
    schedule = saved.replan(planned, at=position(state), how="stretch")
    _, state = trained(build(ss.Policy(schedule, "sgd")), weights, state, jnp.ones(1))
    assert float(hyperparams(state)["lr"]) == pytest.approx(schedule(5)) == pytest.approx(saved(5))


def test_layers_have_rates_of_their_own():
    layers = ("embed", "middle", "head")
    weights = {layer: jnp.ones(2) for layer in layers}
    rates = {layer: 0.5 ** (2 - depth) * LR for depth, layer in enumerate(layers)}
    groups = {layer: build(ss.Policy(rate, "adamw", weight_decay=DECAY)) for layer, rate in rates.items()}
    optimizer = optax.multi_transform(groups, {layer: layer for layer in layers})
    state, update = optimizer.init(weights), jax.jit(optimizer.update)
    for k in range(4):
        assert position(state) == k
        updates, state = update(weights, state, weights)
        for layer in layers:
            assert float(hyperparams(state)[f"{layer}.lr"]) == pytest.approx(rates[layer](k))
            expected = -rates[layer](k) * (1 + DECAY(k))
            np.testing.assert_allclose(updates[layer], [expected] * 2, rtol=1e-5, atol=1e-8)


def test_a_mask_says_what_decays():
    weights = {"kernel": jnp.ones((2, 2)), "bias": jnp.ones(2)}
    for name in ("adamw", "sgd"):
        optimizer = build(
            ss.Policy(0.5, name, weight_decay=0.5), mask=lambda tree: jax.tree.map(lambda x: x.ndim > 1, tree)
        )
        nothing = jax.tree.map(jnp.zeros_like, weights)
        updates, _ = optimizer.update(nothing, optimizer.init(weights), weights)
        assert float(updates["kernel"][0, 0]) == -0.25
        assert float(updates["bias"][0]) == 0


def test_lightning_1476_accumulated_batches_are_one_update():
    optimizer, weights = optax.MultiSteps(build(ss.Policy(LR, "sgd")), every_k_schedule=3), jnp.zeros(())
    state, update = optimizer.init(weights), jax.jit(optimizer.update)
    for batch in range(30):
        updates, state = update(jnp.ones(()), state, weights)
        used = LR(batch // 3) if batch % 3 == 2 else 0.0
        assert float(updates) == pytest.approx(-used, abs=1e-8)
    assert position(state) == 10


def test_pytorch_44511_a_skipped_update_does_not_advance_the_schedule():
    optimizer, weights = optax.apply_if_finite(build(ss.Policy(LR, "sgd")), 5), jnp.zeros(())
    state = optimizer.init(weights)
    for gradient in (1.0, jnp.inf, jnp.nan, 1.0):
        updates, state = optimizer.update(jnp.asarray(gradient), state, weights)
    assert position(state) == 2
    assert float(updates) == pytest.approx(-LR(1))


def test_constants_are_not_a_part_of_the_state():
    # Else a restored state would bring back what the new policy has changed.
    state = build(ss.Policy(0.1, "momentum", momentum=0.5, weight_decay=0.1)).init(jnp.ones(2))
    assert hyperparams(state).keys() == {"lr"}


def test_the_state_keeps_its_dtypes_so_that_it_can_be_scanned():
    weights = jnp.ones(3, jnp.bfloat16)
    for case in (case for case in CASES if case.endswith("all")):
        optimizer = build(policy(case))
        state = optimizer.init(weights)
        _, after = jax.eval_shape(optimizer.update, weights, state, weights)
        assert jax.tree.map(lambda leaf: leaf.dtype, after) == jax.tree.map(lambda leaf: leaf.dtype, state)
        assert after.hyperparams["lr"].dtype == jnp.float32


REFUSED = {
    "no optimizer": (lambda: build(ss.Policy(0.1)), "names no optimizer"),
    "a state of something else": (lambda: hyperparams(optax.sgd(0.1).init(jnp.ones(2))), "no scheduled values"),
    "no position": (lambda: position(optax.sgd(0.1).init(jnp.ones(2))), "no scheduled values"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_is_refused(what):
    make, says = REFUSED[what]
    with pytest.raises(ss.InvalidPolicy, match=says):
        make()


def test_parts_at_different_updates_have_no_common_position():
    one, other = build(ss.Policy(0.1, "sgd")), build(ss.Policy(0.1, "sgd"))
    weights = jnp.ones(())
    _, later = one.update(weights, one.init(weights), weights)
    with pytest.raises(ss.InvalidPolicy, match="different updates"):
        position({"one": later, "other": other.init(weights)})
