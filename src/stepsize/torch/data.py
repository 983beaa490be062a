"""The data of a declared training: pairs of tensors, or iterables of batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sized
from typing import Any

import torch

from stepsize._codec import summary
from stepsize.errors import InvalidTraining

Data = Any  # a pair of tensors or arrays, or an iterable of batches

# Examples evaluated at once; only memory depends on it.
EVALUATION_BATCH = 1_000


def checked(data: Data, name: str) -> Data:
    """Data as a pair of tensors, or as the iterable it is."""
    if data is None:
        return None
    if _is_pair(data):
        try:
            x, y = (torch.as_tensor(part) for part in data)
        except (TypeError, ValueError, RuntimeError) as error:
            raise InvalidTraining(f"{name} must be a pair of tensors or arrays: {error}") from error
        if x.ndim == 0 or y.ndim == 0:
            raise InvalidTraining(f"{name} must be a pair of tensors with one entry an example; got single numbers")
        if len(x) != len(y):
            raise InvalidTraining(f"{name} has {len(x)} inputs but {len(y)} targets; they must match")
        if len(x) == 0:
            raise InvalidTraining(f"{name} is empty; give at least one example")
        return x, y
    if isinstance(data, Iterable) and not isinstance(data, Iterator):
        if isinstance(data, Sized) and len(data) == 0:
            raise InvalidTraining(f"{name} is empty; give at least one batch")
        return list(data) if isinstance(data, tuple) else data  # a tuple is a pair from here on
    raise InvalidTraining(
        f"{name} must be a pair (x, y) or an iterable of batches that can be repeated; got {summary(data)}"
    )


def _is_pair(data: Data) -> bool:
    """Whether it is (inputs, targets), and not a list of two batches, each a pair itself."""
    if not isinstance(data, tuple | list) or len(data) != 2:
        return False
    nested = all(isinstance(part, tuple | list) and any(hasattr(item, "shape") for item in part) for part in data)
    return not nested and all(hasattr(part, "__len__") for part in data)


def batches(data: Data, batch_size: int, generator: torch.Generator) -> Iterator[Any]:
    """Batches without end: each pass in a new random order, whole batches only."""
    while True:
        if not isinstance(data, tuple):
            batch = None
            for batch in data:
                yield batch
            if batch is None:
                raise ValueError("train gave no batch; an iterable of batches must give some each time")
            continue
        x, y = data
        order = torch.randperm(len(x), generator=generator)
        for begin in range(0, len(x) - batch_size + 1, batch_size):
            chosen = order[begin : begin + batch_size]
            yield x[chosen], y[chosen]


def in_order(data: Data) -> Iterator[Any]:
    """Batches of all examples, once."""
    if not isinstance(data, tuple):
        yield from data
        return
    x, y = data
    yield from zip(x.split(EVALUATION_BATCH), y.split(EVALUATION_BATCH), strict=True)
