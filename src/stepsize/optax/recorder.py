"""`Recorder`: a loop of JAX logs its loss, rate, gradient norm and update ratio, without waiting for them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, final

import jax
import jax.numpy as jnp
import numpy as np

from stepsize.errors import InvalidPolicy, InvalidTraining
from stepsize.optax.state import hyperparams
from stepsize.recorder import Pace
from stepsize.recorder import Recorder as Rows

# What is read in a second at the least, for time that JAX spends later: by a CPU, and by anything else.
CPU, DEVICE = 5e9, 2e11
# Seconds to hand a measurement to JAX.
DISPATCH = 1e-4
RATES = ("lr", "learning_rate")


@final
class Recorder:
    """Writes a training into a file that `Run.read` and `diagnose` understand.

    Call `step(loss, ...)` after each update, outside of what is compiled. Values are kept as JAX's arrays, and
    fetched together once a second. The norms are computed by one compiled function, at some updates only: as
    often as takes at most 0.2 % of the time, and 5 ms. In a distributed training, only process 0 writes.

    Args:
        path: of the file, for example "run.jsonl"; one that is there is gone on with.
        steps: updates planned; with it, more can be said of the rate.
        every: measure every so many updates; None for as often as the time allows.
        start: the number of the first update; after a resume, of the next one.
        groups: takes gradients, updates or parameters apart: gets the tree, gives a dict of parts by name. Then
            each part has its own columns, `update_ratio/head`, besides.
        also: besides the file: a `SummaryWriter`, a function of (update, values), or a list of these.
        settings: what holds for all of it: `optimizer="adamw"`, `batch_size=64`, `seed=0`, ...
    Raises:
        InvalidTraining: an argument makes no sense.
        EngineError: another process writes the file, or it cannot be opened.

    >>> import jax.numpy as jnp, optax, stepsize as ss
    >>> params, optimizer = jnp.ones(1), optax.sgd(0.25)
    >>> state = optimizer.init(params)
    >>> with Recorder("run.jsonl", steps=2, every=1, optimizer="sgd") as recorder:
    ...     for _ in range(2):
    ...         loss, grads = jax.value_and_grad(lambda w: (w * w).sum())(params)
    ...         updates, state = optimizer.update(grads, state, params)
    ...         recorder.step(loss, lr=0.25, grads=grads, updates=updates, params=params)
    ...         params = optax.apply_updates(params, updates)
    >>> run = ss.Run.read("run.jsonl")
    >>> run.loss.tolist(), run["update_ratio"].tolist()
    ([1.0, 0.25], [0.5, 0.5])
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        steps: int = 0,
        every: int | None = None,
        start: int = 0,
        groups: Callable[[Any], Mapping[str, Any]] | None = None,
        also: Any = None,
        **settings: Any,
    ) -> None:
        self._pace = Pace(every)
        self._groups = groups
        self._rows: Rows | None = None
        if jax.process_index() == 0:
            self._rows = Rows(path, steps=steps, start=start, also=also, fetch=_fetch, **settings)

    def step(
        self,
        loss: Any = None,
        *,
        grads: Any = None,
        updates: Any = None,
        params: Any = None,
        state: Any = None,
        **values: Any,
    ) -> None:
        """Write the row of the update just made.

        Args:
            loss: of the training; an array of one number may still be under way.
            grads: the tree of gradients, for `grad_norm`.
            updates: what the optimizer gave, for `update_ratio`; it needs `params` too.
            params: the parameters before the update. With `updates=None`, those after it are of no use.
            state: of `stepsize.optax.build` or `optax.inject_hyperparams`, for `lr`.
            values: whatever else was seen; `lr`, `val_loss`, `epoch`, `grad_norm` and `update_ratio` are understood.
        """
        if (rows := self._rows) is None:
            return
        row = _checked({"step": rows.updates, "loss": loss, **_rate(state), **values})
        due = (grads is not None or updates is not None) and self._pace.due(rows.updates)
        if due:
            row = {"step": rows.updates, **self._measured(grads, updates, params), **row}
        rows.put(row, due)
        rows.updates += 1

    def log(self, **values: Any) -> None:
        """Write more about the last update, for example `val_loss` after a validation."""
        if self._rows is not None:
            self._rows.add(_checked(values), max(self._rows.updates - 1, 0))

    def flush(self) -> None:
        """Hand all rows to the operating system now; waits for what is under way."""
        if self._rows is not None:
            self._rows.flush()

    def close(self) -> None:
        """Write what is left and give the file free; done by itself when the process ends."""
        if self._rows is not None:
            self._rows.close()

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _measured(self, grads: Any, updates: Any, params: Any) -> dict[str, Any]:
        trees = {"grads": grads, "updates": updates, "params": params if updates is not None else None}
        self._pace.spend(DISPATCH + _seconds(jax.tree.leaves(trees)))
        found = dict(_norms(trees))
        if self._groups is not None:
            parts = {name: self._groups(tree) for name, tree in trees.items() if tree is not None}
            for label in next(iter(parts.values())):
                of_part = _norms({name: tree[label] for name, tree in parts.items()})
                found |= {f"{name}/{label}": value for name, value in of_part.items()}
        return found


@jax.jit
def _norms(trees: dict[str, Any]) -> dict[str, Any]:
    norms = {name: _norm(tree) for name, tree in trees.items() if tree is not None}
    ratio = {"update_ratio": norms["updates"] / norms["params"]} if {"updates", "params"} <= norms.keys() else {}
    return {**({"grad_norm": norms["grads"]} if "grads" in norms else {}), **ratio}


def _norm(tree: Any) -> Any:
    # Half precision overflows where its sum of squares does.
    wide = [leaf.astype(jnp.promote_types(leaf.dtype, jnp.float32)) for leaf in jax.tree.leaves(tree)]
    return jnp.sqrt(sum(jnp.sum(jnp.abs(leaf) ** 2) for leaf in wide))


def _seconds(leaves: Sequence[Any]) -> float:
    return float(sum(leaf.nbytes / (CPU if _on_cpu(leaf) else DEVICE) for leaf in leaves))


def _on_cpu(leaf: Any) -> bool:
    return not isinstance(leaf, jax.Array) or next(iter(leaf.devices())).platform == "cpu"


def _rate(state: Any) -> dict[str, Any]:
    if state is None:
        return {}
    try:
        held = hyperparams(state)
    except InvalidPolicy:
        return {}
    return next(({"lr": held[name]} for name in RATES if name in held), {})


def _checked(values: dict[str, Any]) -> dict[str, Any]:
    """The values that are given."""
    known = {name: value for name, value in values.items() if value is not None}
    for name, value in known.items():
        # NumPy takes long to tell the size of an array of JAX.
        if type(value) not in (float, int) and getattr(value, "shape", None) != () and np.size(value) != 1:
            raise InvalidTraining(f"{name} must be one number, got shape {np.shape(value)}")
    return known


def _fetch(values: Sequence[Any]) -> list[float]:
    return [float(np.asarray(value).reshape(())) for value in jax.device_get(list(values))]
