"""The random states of the process, taken and put back: the lanes of a stack have one that is their own."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from torch import Tensor


@final
@dataclass(frozen=True, eq=False)
class Chance:
    """Where PyTorch's, NumPy's and Python's generators stand."""

    cpu: Tensor
    gpus: tuple[Tensor, ...]
    legacy: Any
    python: Any

    @staticmethod
    def now() -> Chance:
        """Where they stand now."""
        gpus = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
        return Chance(torch.get_rng_state(), tuple(gpus), np.random.get_state(), random.getstate())

    def restore(self) -> None:
        """Go on from here."""
        torch.set_rng_state(self.cpu)
        if self.gpus:
            torch.cuda.set_rng_state_all(list(self.gpus))
        np.random.set_state(self.legacy)
        random.setstate(self.python)

    def again(self) -> Chance:
        """Go on from here, and give it."""
        self.restore()
        return self

    def same(self, other: Chance) -> bool:
        """Whether the next draws are the same."""
        return (
            torch.equal(self.cpu, other.cpu)
            and len(self.gpus) == len(other.gpus)
            and all(map(torch.equal, self.gpus, other.gpus))
            and all(np.array_equal(mine, theirs) for mine, theirs in zip(self.legacy, other.legacy, strict=True))
            and self.python == other.python
        )
