"""A transformation whose hyperparameters follow schedules, with their values in its state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from stepsize.schedule import Schedule


class ScheduledState(NamedTuple):
    """The updates so far, the values that the last one used, and the state of the transformation."""

    count: Any
    hyperparams: dict[str, Any]
    inner_state: Any


def scheduled(make: Callable[..., Any], schedules: Mapping[str, Schedule]) -> Any:
    """The transformation `make(**values)`, with the values of `schedules` at each update.

    As `optax.inject_hyperparams`, but what is not scheduled is no part of the state, and the values have
    the precision of JAX whatever that of the weights is; the dtypes of state and updates stay as they are.
    """

    def values(count: Any) -> dict[str, Any]:
        return {name: jnp.asarray(schedule(count), dtype=float) for name, schedule in schedules.items()}

    def init(params: Any) -> ScheduledState:
        count = jnp.zeros([], jnp.int32)
        now = values(count)
        return ScheduledState(count, now, make(**now).init(params))

    def update(updates: Any, state: ScheduledState, params: Any = None, **extra: Any) -> tuple[Any, ScheduledState]:
        now = values(state.count)
        changed, inner = make(**now).update(updates, state.inner_state, params)
        later = ScheduledState(optax.safe_increment(state.count), now, _as(state.inner_state, inner))
        return _as(updates, changed), later

    return optax.GradientTransformationExtraArgs(init, update)


def _as(before: Any, after: Any) -> Any:
    return jax.tree.map(lambda old, new: new.astype(old.dtype), before, after)
