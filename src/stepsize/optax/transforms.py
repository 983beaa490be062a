"""The three transformations of torch.optim that Optax does not have, in its manner."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax


class DampenedState(NamedTuple):
    """The updates so far and the velocity."""

    count: Any
    trace: Any


def trace_dampened(decay: Any, dampening: Any) -> Any:
    """`optax.trace` in which all gradients but the first enter by `1 - dampening`."""

    def init(params: Any) -> DampenedState:
        return DampenedState(jnp.zeros([], jnp.int32), jax.tree.map(jnp.zeros_like, params))

    def update(updates: Any, state: DampenedState, params: Any = None) -> tuple[Any, DampenedState]:
        first = state.count == 0
        trace = jax.tree.map(
            lambda g, t: (decay * t + jnp.where(first, 1, 1 - dampening) * g).astype(t.dtype),
            updates,
            state.trace,
        )
        return trace, DampenedState(optax.safe_increment(state.count), trace)

    return optax.GradientTransformation(init, update)


class SumState(NamedTuple):
    """The updates so far and the sum of squares."""

    count: Any
    total: Any


def scale_by_root_of_sum(start: Any, eps: Any, lr_decay: Any) -> Any:
    """Divide by the root of the sum of squares plus `eps`, and by `1 + lr_decay * updates so far`."""

    def init(params: Any) -> SumState:
        return SumState(jnp.zeros([], jnp.int32), jax.tree.map(lambda p: jnp.full_like(p, start), params))

    def update(updates: Any, state: SumState, params: Any = None) -> tuple[Any, SumState]:
        total = jax.tree.map(lambda g, s: s + g * g, updates, state.total)
        fallen = 1 + state.count * lr_decay
        scaled = jax.tree.map(lambda g, s: g / (jnp.sqrt(s) + eps) / jnp.asarray(fallen, g.dtype), updates, total)
        return scaled, SumState(optax.safe_increment(state.count), total)

    return optax.GradientTransformation(init, update)


class AmsgradState(NamedTuple):
    """The updates so far, both moments and the highest second moment."""

    count: Any
    mu: Any
    nu: Any
    nu_max: Any


def scale_by_amsgrad(b1: float, b2: float, eps: Any) -> Any:
    """`optax.scale_by_adam` with the highest second moment so far, before its bias is corrected."""

    def init(params: Any) -> AmsgradState:
        zeros = [jax.tree.map(jnp.zeros_like, params) for _ in range(3)]
        return AmsgradState(jnp.zeros([], jnp.int32), *zeros)

    def update(updates: Any, state: AmsgradState, params: Any = None) -> tuple[Any, AmsgradState]:
        count = optax.safe_increment(state.count)
        mu = optax.tree.update_moment(updates, state.mu, b1, 1)
        nu = optax.tree.update_moment(updates, state.nu, b2, 2)
        nu_max = jax.tree.map(jnp.maximum, state.nu_max, nu)
        mean, size = optax.tree.bias_correction(mu, b1, count), optax.tree.bias_correction(nu_max, b2, count)
        scaled = jax.tree.map(lambda m, s: m / (jnp.sqrt(s) + eps), mean, size)
        return scaled, AmsgradState(count, mu, nu, nu_max)

    return optax.GradientTransformation(init, update)
