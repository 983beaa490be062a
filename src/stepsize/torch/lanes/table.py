"""`Table`: the coefficients of a stack's updates, computed for many updates at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stepsize.schedule import Schedule
from stepsize.torch.lanes.lane import Lane

# Updates computed at a time.
BLOCK = 256


@final
class Table:
    """What the hyperparameters of lanes come to, update by update."""

    def __init__(self, lanes: Sequence[Lane], like: Tensor) -> None:
        self._lanes, self._like = list(lanes), like
        self._rule = lanes[0].rule
        self._begin, self._block = -BLOCK, torch.empty(0)
        decays = [numbers["weight_decay"] for lane in lanes for numbers in lane.numbers]
        decayed = any(isinstance(decay, Schedule) or decay != 0 for decay in decays)
        self.names = tuple(name for name in self._rule.names if decayed or name not in ("weight_decay", "shrink"))

    def row(self, step: int) -> Tensor:
        """The coefficients of update `step`: [groups, names, lanes, 1]."""
        if not self._begin <= step < self._begin + BLOCK:
            self._fill(step)
        return self._block[step - self._begin]

    def keep(self, rows: Sequence[int]) -> None:
        """Leave out all lanes but these."""
        self._lanes = [self._lanes[row] for row in rows]
        self._begin = -BLOCK

    def _fill(self, begin: int) -> None:
        steps = np.arange(begin, begin + BLOCK)
        groups = [self._group(group, steps) for group in range(len(self._lanes[0].numbers))]
        block = torch.as_tensor(np.stack(groups, axis=1))
        self._block = block.to(dtype=self._like.dtype, device=self._like.device).unsqueeze(-1)
        self._begin = begin

    def _group(self, group: int, steps: NDArray[np.int64]) -> NDArray[np.float64]:
        """The coefficients of one group of parameters: [updates, names, lanes]."""
        lanes = [lane.numbers[group] for lane in self._lanes]
        numbers = {name: _columns([of[name] for of in lanes], steps) for name in lanes[0]}
        made = zip(
            self._rule.names, self._rule.coefficients(numbers, (steps[:, None] + 1).astype(np.float64)), strict=True
        )
        return np.stack(
            [np.broadcast_to(values, numbers["lr"].shape) for name, values in made if name in self.names], axis=1
        )


def _columns(values: Sequence[Schedule | float], steps: NDArray[np.int64]) -> NDArray[np.float64]:
    """One hyperparameter of all lanes: [updates, lanes]."""
    return np.stack([v(steps) if isinstance(v, Schedule) else np.full(len(steps), v) for v in values], axis=1)
