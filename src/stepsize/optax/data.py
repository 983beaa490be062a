"""The data of a declared training in JAX: a pair of trees of arrays, and the order its examples come in."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, final

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from stepsize._codec import summary
from stepsize.errors import InvalidTraining

Data = Any  # (x, y), each an array or a tree of arrays with one entry an example
Rows = NDArray[np.int32]

# Examples evaluated at once; only memory depends on it.
EVALUATION_BATCH = 1_000


def checked(data: Data, name: str) -> Data:
    """Data as a pair of trees of JAX arrays, or an error that names it."""
    if data is None:
        return None
    if not isinstance(data, tuple | list) or len(data) != 2:
        raise InvalidTraining(f"{name} must be a pair (x, y) of arrays or trees of arrays; got {summary(data)}")
    leaves = jax.tree.leaves(tuple(data))
    if not leaves or not all(getattr(leaf, "shape", ()) for leaf in leaves):
        raise InvalidTraining(f"{name} must hold arrays with one entry an example; got {summary(data)}")
    counts = sorted({len(leaf) for leaf in leaves})
    if len(counts) > 1:
        raise InvalidTraining(f"the arrays of {name} have {counts[0]} and {counts[-1]} entries; they must match")
    if counts[0] == 0:
        raise InvalidTraining(f"{name} is empty; give at least one example")
    try:
        return jax.tree.map(jnp.asarray, tuple(data))
    except (TypeError, ValueError) as error:
        raise InvalidTraining(f"{name} must hold arrays that JAX can take: {error}") from error


def size(data: Data) -> int:
    """The number of examples."""
    return len(jax.tree.leaves(data)[0])


def taken(data: Data, rows: Any) -> Data:
    """The examples at `rows`."""
    return jax.tree.map(lambda array: array[rows], data)


def parts(data: Data) -> Iterator[tuple[Data, int]]:
    """All examples once, in as few parts as fit, of nearly equal size so that at most two shapes are compiled."""
    count = size(data)
    edges = np.linspace(0, count, 1 + -(-count // EVALUATION_BATCH)).round().astype(int).tolist()
    for begin, end in pairwise(edges):
        whole = end - begin == count
        yield (data if whole else taken(data, slice(begin, end))), end - begin


@final
class Order:
    """Which examples each update sees: each pass in a new random order, whole batches only.

    A pure function of the seed and the number of the update, the same on every platform and in any precision.
    """

    def __init__(self, examples: int, batch_size: int, seed: int) -> None:
        self._examples, self._batch_size, self._seed = examples, batch_size, seed % 2**64
        self._batches = examples // batch_size
        self._drawn: tuple[int, Rows] | None = None

    def rows(self, begin: int, count: int) -> Rows:
        """The examples of the updates begin, ..., begin + count - 1: a line of numbers for each."""
        first, last = begin // self._batches, (begin + count - 1) // self._batches
        passes = [self._pass(number) for number in range(first, last + 1)]
        rows = passes[0] if len(passes) == 1 else np.concatenate(passes)
        offset = begin - first * self._batches
        return rows[offset : offset + count]

    def _pass(self, number: int) -> Rows:
        if self._drawn is None or self._drawn[0] != number:
            order = np.random.default_rng([self._seed, number]).permutation(self._examples)
            rows = order[: self._batches * self._batch_size].reshape(self._batches, self._batch_size)
            self._drawn = number, rows.astype(np.int32)
        return self._drawn[1]
