"""The functions a declared training is made of: called with what they ask for by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, final

import jax
import jax.numpy as jnp

from stepsize._codec import summary
from stepsize.errors import InvalidTraining

# What a loss or a metric may ask for by name, after (params, x, y).
OFFERED = ("key", "state", "training")


@final
class Function:
    """`function(params, x, y)`, with those of `key`, `state` and `training` that it takes besides."""

    def __init__(self, function: Any, name: str, moves: bool = False) -> None:
        if not callable(function):
            raise InvalidTraining(f"{name} must be a function of (params, x, y), got {summary(function)}")
        self.name = name
        self._function = function
        self._asked = _asked(function, name)
        self.moves = moves and "state" in self._asked

    def value(self, params: Any, x: Any, y: Any, **offered: Any) -> tuple[Any, Any]:
        """The scalar, and the state it leaves: the one it was given, unless the function `moves` it."""
        returned = self._function(params, x, y, **{name: offered[name] for name in self._asked})
        state = offered["state"]
        if self.moves:
            if not isinstance(returned, tuple) or len(returned) != 2:
                raise TypeError(f"{self.name} takes a state, so it must return (loss, state), got {summary(returned)}")
            returned, state = returned[0], _as(state, returned[1])
        return self._scalar(returned), state

    def _scalar(self, value: Any) -> Any:
        array = jnp.asarray(value)
        if array.size != 1:
            raise TypeError(f"{self.name} must be a scalar, got shape {array.shape}; reduce it, for example by .mean()")
        return array.reshape(())


def _asked(function: Callable[..., Any], name: str) -> tuple[str, ...]:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # built in: it says nothing, so it is given nothing more
        return ()
    further = list(signature.parameters.values())[3:]
    asked = tuple(p.name for p in further if p.name in OFFERED and p.kind is not p.POSITIONAL_ONLY)
    try:
        signature.bind("params", "x", "y", **dict.fromkeys(asked))
    except TypeError as error:
        raise InvalidTraining(
            f"{name} must take (params, x, y) and may ask for {', '.join(OFFERED)} by name: {error}"
        ) from error
    return asked


def begun(init: Callable[..., Any], key: Any, settings: Mapping[str, Any], stateful: bool) -> tuple[Any, Any]:
    """Parameters and state as arrays of our own: `init` may give out the same ones each time.

    Raises:
        InvalidTraining: `init` cannot take these settings, or does not give what it should.
    """
    try:
        inspect.signature(init).bind(key, **settings)
    except TypeError as error:
        raise InvalidTraining(f"init(key) cannot take the settings {', '.join(settings)}: {error}") from error
    made = init(key, **settings)
    if not stateful:
        made = made, None
    elif not isinstance(made, tuple) or len(made) != 2:
        raise InvalidTraining(f"loss takes a state, so init must return (params, state), got {summary(made)}")
    if not jax.tree.leaves(made[0]):
        raise InvalidTraining(f"init must make a tree of arrays to train, it made {summary(made[0])}")
    params, state = jax.tree.map(_own, made)
    return params, state


def _own(leaf: Any) -> Any:
    # With its dtype said, an array is not weakly typed: such a one would change its type in the first update.
    return jnp.array(leaf, dtype=jnp.result_type(leaf), copy=True)


def _as(before: Any, after: Any) -> Any:
    return jax.tree.map(lambda old, new: jnp.asarray(new, old.dtype), before, after)
