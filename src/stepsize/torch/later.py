"""Numbers that a device still computes: kept as they are, and fetched together when rows are written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import torch
from torch import Tensor

from stepsize._codec import summary
from stepsize.errors import InvalidTraining

Scalar = float | Tensor


@final
@dataclass(frozen=True, slots=True)
class Ratio:
    """One number over another; nothing where that is 0."""

    above: Scalar
    below: Scalar


@final
@dataclass(frozen=True, slots=True)
class Mean:
    """The mean of several."""

    parts: tuple[Scalar, ...]


def scalar(value: Any, name: str) -> Scalar:
    """`value` as it is now: a number, or a copy on its device, so that nothing waits and nothing changes it later.

    Raises:
        InvalidTraining: it is not one number.
    """
    if isinstance(value, Tensor) and value.numel() == 1:
        return value.item() if value.is_cpu else value.detach().reshape(()).clone()
    if isinstance(value, Tensor):
        raise InvalidTraining(f"{name} must be one number, got a tensor of shape {tuple(value.shape)}")
    try:
        return float(value)
    except (TypeError, ValueError):
        raise InvalidTraining(f"{name} must be one number, got {summary(value)}") from None


def fetch(values: Sequence[Any]) -> list[Any]:
    """The numbers; each device is waited for once."""
    known = _read([part for value in values for part in _parts(value)])
    return [_whole(value, known) for value in values]


def _parts(value: Any) -> tuple[Scalar, ...]:
    if isinstance(value, Ratio):
        return (value.above, value.below)
    return value.parts if isinstance(value, Mean) else (value,)


def _whole(value: Any, known: dict[int, float]) -> float | None:
    numbers = [known[id(part)] if isinstance(part, Tensor) else part for part in _parts(value)]
    if isinstance(value, Ratio):
        return numbers[0] / numbers[1] if numbers[1] else None
    return sum(numbers) / len(numbers)


def _read(scalars: Sequence[Scalar]) -> dict[int, float]:
    alike: defaultdict[tuple[torch.device, torch.dtype], list[Tensor]] = defaultdict(list)
    for one in scalars:
        if isinstance(one, Tensor):
            alike[one.device, one.dtype].append(one)
    return {
        id(tensor): number
        for tensors in alike.values()
        for tensor, number in zip(tensors, torch.stack(tensors).tolist(), strict=True)
    }
