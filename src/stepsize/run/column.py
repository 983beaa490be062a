"""One quantity over a run."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Column(NamedTuple):
    """The updates after which a quantity was seen, and its values there."""

    step: NDArray[np.int64]
    value: NDArray[np.float64]


def column(steps: list[int], values: list[float]) -> Column:
    """A column from lists of equal length."""
    return Column(np.array(steps, dtype=np.int64), np.array(values, dtype=np.float64))
