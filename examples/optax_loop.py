"""An Optax loop under jit: Optax's own warmup and cosine, and the same from a Schedule.

An optimizer of Optax takes any function of the count as learning rate, and a Schedule is one.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax
from digits import Digits, Outcome, compare, load, options

import stepsize as ss

PEAK, END = 3e-3, 1e-5


def before(steps: int) -> Callable[..., jax.Array]:
    return optax.warmup_cosine_decay_schedule(0.0, PEAK, warmup_steps=steps // 10, decay_steps=steps, end_value=END)


def after(steps: int) -> ss.Schedule:
    return ss.warmup_cosine(PEAK, steps, warmup=steps // 10, end=END, start=0.0)


def network(seed: int) -> dict[str, jax.Array]:
    first, second = jax.random.split(jax.random.key(seed))
    return {
        "w1": jax.random.normal(first, (784, 64)) * (2 / 784) ** 0.5,
        "b1": jnp.zeros(64),
        "w2": jax.random.normal(second, (64, 10)) * (2 / 64) ** 0.5,
        "b2": jnp.zeros(10),
    }


def scores(weights: dict[str, jax.Array], x: jax.Array) -> jax.Array:
    return jax.nn.relu(x @ weights["w1"] + weights["b1"]) @ weights["w2"] + weights["b2"]


def loss_of(weights: dict[str, jax.Array], x: jax.Array, y: jax.Array) -> jax.Array:
    return optax.softmax_cross_entropy_with_integer_labels(scores(weights, x), y).mean()


def train(digits: Digits, epochs: int, lr: Callable[..., jax.Array]) -> Outcome:
    optimizer = optax.inject_hyperparams(optax.adam)(learning_rate=lr)  # so that the state shows the rate
    weights = network(seed=0)
    state = optimizer.init(weights)

    @jax.jit
    def update(weights, state, x, y):
        loss, gradient = jax.value_and_grad(loss_of)(weights, x, y)
        changes, state = optimizer.update(gradient, state, weights)
        return optax.apply_updates(weights, changes), state, loss, state.hyperparams["learning_rate"]

    rates, losses = [], []
    for epoch in range(epochs):
        for x, y in digits.batches(0, epoch):
            weights, state, loss, used = update(weights, state, x, y)
            rates.append(float(used))
            losses.append(float(loss))
    found = scores(weights, digits.test_x).argmax(axis=1)
    return Outcome(rates, losses, float((found == digits.test_y).mean()))


def main() -> None:
    chosen = options(__doc__, epochs=5)
    digits = load(chosen.digits)
    steps = chosen.epochs * digits.updates_per_epoch
    compare(
        "warmup and cosine", train(digits, chosen.epochs, before(steps)), train(digits, chosen.epochs, after(steps))
    )
    for finding in after(steps).check(steps):
        print(f"stepsize says: {finding.message} {finding.advice}")


if __name__ == "__main__":
    main()
