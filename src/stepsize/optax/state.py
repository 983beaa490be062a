"""What the state of an Optax optimizer tells: the scheduled values, and the position."""

from __future__ import annotations

from typing import Any

import jax

from stepsize.errors import InvalidPolicy


def hyperparams(state: Any) -> dict[str, Any]:
    """The scheduled values in a state: those that the last update used, or will in the first one.

    Args:
        state: of `build(policy)` or `optax.inject_hyperparams`, on its own or anywhere inside another
            state. Inside `optax.multi_transform` each name follows its label: `head.lr`.
    Raises:
        InvalidPolicy: the state holds no such values.

    >>> import jax.numpy as jnp, stepsize as ss
    >>> from stepsize.optax import build
    >>> state = build(ss.Policy(ss.linear(0.5, 0.0, 4), "adamw", weight_decay=0.1)).init(jnp.ones(2))
    >>> {name: float(value) for name, value in hyperparams(state).items()}
    {'lr': 0.5}
    """
    found = _injected(state)
    return {prefix + name: value for prefix, inner in found for name, value in inner.hyperparams.items()}


def position(state: Any) -> int:
    """The number of updates made so far, which is the number of the next one.

    Args:
        state: as in `hyperparams`.
    Raises:
        InvalidPolicy: the state holds no position, or parts of it are at different ones.

    >>> import jax.numpy as jnp, stepsize as ss
    >>> from stepsize.optax import build
    >>> position(build(ss.Policy(0.1, "sgd")).init(jnp.ones(2)))
    0
    """
    counts = {int(inner.count) for _, inner in _injected(state)}
    if len(counts) > 1:
        raise InvalidPolicy(f"the parts of this state are at different updates: {sorted(counts)}")
    return counts.pop()


def _injected(state: Any) -> list[tuple[str, Any]]:
    """The states in `state` that hold scheduled values, each with the labels that lead to it."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(state, is_leaf=_holds_values)
    found = [(_labels(path), leaf) for path, leaf in leaves if _holds_values(leaf)]
    if not found:
        raise InvalidPolicy("this state holds no scheduled values; make the optimizer with build(policy)")
    return found


def _holds_values(node: Any) -> bool:
    return hasattr(node, "hyperparams") and hasattr(node, "count")


def _labels(path: tuple[Any, ...]) -> str:
    return "".join(f"{key.key}." for key in path if isinstance(key, jax.tree_util.DictKey))
