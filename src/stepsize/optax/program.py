"""What is compiled for a declared training: the same code for every rate, schedule, seed and number of updates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, final

import jax
import jax.numpy as jnp
import numpy as np
import optax

from stepsize.optax.data import Data, parts, taken
from stepsize.optax.form import Form
from stepsize.optax.functions import Function

# The most updates between two looks at what happened.
CHUNK = 128


class Carry(NamedTuple):
    """What an update changes. In lanes, every array has one more axis, the first."""

    params: Any
    state: Any
    optimizer: Any


class Source(NamedTuple):
    """Where the batches and the randomness of a run come from."""

    rows: Any
    key: Any


@final
class Program:
    """The updates of one form of policy: one by one, or in a compiled loop over lanes."""

    def __init__(self, loss: Function, form: Form) -> None:
        self._loss, self._form = loss, form
        self.begin = jax.jit(self._begin)
        self.step = jax.jit(self._step, donate_argnums=0)
        self.begin_lanes = jax.jit(self._begin_lanes)
        self.chunk = jax.jit(self._chunk, donate_argnums=0, static_argnames="shared")

    def _begin(self, params: Any, state: Any, values: Any) -> Carry:
        return Carry(params, state, self._form.transformation(values).init(params))

    def _step(self, carry: Carry, values: Any, source: Source, step: Any, train: Data) -> tuple[Carry, Any]:
        """One update with `values`, on the examples `source.rows`; the carry after it and the loss before it."""
        params, state, memory = carry
        x, y = taken(train, source.rows)
        offered = {"key": jax.random.fold_in(source.key, step), "state": state, "training": True}
        value = jax.value_and_grad(lambda weights: self._loss.value(weights, x, y, **offered), has_aux=True)
        (loss, state), gradients = value(params)
        updates, after = self._form.transformation(values).update(gradients, memory, params)
        # A value passed may be of higher precision than the weights, which keep theirs.
        memory = jax.tree.map(lambda old, new: new.astype(old.dtype), memory, after)
        return Carry(optax.apply_updates(params, updates), state, memory), loss

    def _begin_lanes(self, params: Any, state: Any, values: Any) -> Carry:
        begun: Carry = over_lanes(self._begin, (0, 0, 0))(params, state, values)
        return begun

    def _chunk(
        self, carry: Carry, table: Any, source: Source, first: Any, count: Any, train: Data, shared: bool
    ) -> tuple[Carry, Any]:
        """`count` updates of every lane; the losses have a line an update, the first `count` of which are meant.

        Args:
            table: the values passed, by update and lane.
            source: rows by update and, unless `shared`, by lane; a key, or one a lane.
            first: the number of the first update.
            count: at most `CHUNK`, as many as table and rows have room for.
        """
        sources = Source(None, None) if shared else Source(0, 0)
        step = over_lanes(self._step, (0, 0, sources, None, None))

        def update(i: Any, after: tuple[Carry, Any]) -> tuple[Carry, Any]:
            carry, losses = after
            carry, loss = step(carry, table[i], Source(source.rows[i], source.key), first + i, train)
            return carry, losses.at[i].set(loss.astype(losses.dtype))

        done: tuple[Carry, Any] = jax.lax.fori_loop(0, count, update, (carry, jnp.zeros(table.shape[:2])))
        return done


@final
class Measure:
    """Loss and metrics over all of some data, each a mean over examples."""

    def __init__(self, loss: Function, metrics: Mapping[str, Function]) -> None:
        self._functions = {"loss": loss, **metrics}
        self._one = jax.jit(self._part)
        self._lanes = jax.jit(lambda *given: over_lanes(self._part, (0, 0, None, None))(*given))

    def one(self, carry: Carry, data: Data, prefix: str) -> dict[str, float]:
        """Of one run, by name."""
        return {name: float(value) for name, value in self._means(self._one, carry, data, prefix).items()}

    def lanes(self, carry: Carry, data: Data, prefix: str) -> list[dict[str, float]]:
        """Of every lane, by name."""
        means = self._means(self._lanes, carry, data, prefix)
        columns = [values.tolist() for values in means.values()]
        return [dict(zip(means, line, strict=True)) for line in zip(*columns, strict=True)]

    def _means(self, part: Any, carry: Carry, data: Data, prefix: str) -> dict[str, Any]:
        sums: dict[str, Any] = dict.fromkeys(self._functions, 0.0)
        total = 0
        for (x, y), count in parts(data):
            found = part(carry.params, carry.state, x, y)
            sums = {name: sums[name] + np.asarray(found[name], np.float64) * count for name in sums}
            total += count
        return {f"{prefix}_{name}": value / total for name, value in sums.items()}

    def _part(self, params: Any, state: Any, x: Any, y: Any) -> dict[str, Any]:
        offered = {"key": None, "state": state, "training": False}
        return {name: function.value(params, x, y, **offered)[0] for name, function in self._functions.items()}


@final
class Compiled:
    """All that a task has compiled so far; each run uses it again."""

    def __init__(self, loss: Function, metrics: Mapping[str, Function]) -> None:
        self.loss, self.metrics = loss, dict(metrics)
        self.measure = Measure(loss, metrics)
        self.costs: dict[Any, Any] = {}
        self.first_call: dict[Any, float] = {}
        self.per_update: dict[Any, float] = {}
        self._programs: dict[Form, Program] = {}

    def program(self, form: Form) -> Program:
        """The program of a form."""
        if form not in self._programs:
            self._programs[form] = Program(self.loss, form)
        return self._programs[form]

    def called(self, key: Any, seconds: float, updates: int) -> None:
        """Note how long a call of a program took; the first one compiles."""
        if key in self.first_call:
            self.per_update[key] = seconds / updates
        self.first_call.setdefault(key, seconds)

    def __reduce__(self) -> Any:
        return Compiled, (self.loss, self.metrics)  # compiled code stays in its process


def over_lanes(function: Any, axes: tuple[Any, ...]) -> Any:
    """`function` for every lane in one call; a single lane is computed as if there were no such axis."""

    def mapped(*given: Any) -> Any:
        if width(given[0]) > 1:
            return jax.vmap(function, in_axes=axes)(*given)
        single = jax.tree.map(_only, axes, given, is_leaf=lambda axis: axis is None)
        return jax.tree.map(lambda leaf: leaf[None], function(*single))

    return mapped


def width(stacked: Any) -> int:
    """The number of lanes."""
    return len(jax.tree.leaves(stacked)[0])


def _only(axis: int | None, part: Any) -> Any:
    return part if axis is None else jax.tree.map(lambda leaf: leaf[0], part)
