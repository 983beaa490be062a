"""One quantity over a run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, final

import numpy as np
from numpy.typing import NDArray

# What a column counts: optimizer updates, epochs, or, where a log names no clock, its own rows.
Clock = Literal["step", "epoch", "row"]


@final
@dataclass(frozen=True, eq=False, slots=True)
class Column:
    """Where on its clock a quantity was seen, ascending, and its values there; NaN and Inf are kept.

    It unpacks into the two: `steps, values = run.column("loss")`.
    """

    step: NDArray[np.int64]
    value: NDArray[np.float64]
    clock: Clock = "step"

    def __iter__(self) -> Iterator[NDArray[Any]]:
        return iter((self.step, self.value))


def column(steps: list[int], values: list[float], clock: Clock = "step") -> Column:
    """A column from lists of equal length."""
    return Column(np.array(steps, dtype=np.int64), np.array(values, dtype=np.float64), clock)
