"""From the values of one quantity, as a store keeps them, to its column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from stepsize.run.column import Clock, Column

Id = TypeVar("Id")

ENDS = "the steps are taken to be epochs: they end where the {} epochs do that its settings state"


def series(steps: NDArray[np.int64], values: NDArray[np.float64]) -> Column:
    """The column, ascending: where the steps go back, as in a training resumed, what came later takes over.

    >>> series(np.array([0, 1, 2, 1, 2, 3]), np.array([9.0, 8.0, 7.0, 6.0, 5.0, 4.0])).value.tolist()
    [9.0, 6.0, 5.0, 4.0]

    Of a quantity that was logged without any step, and so at 0 each time, the values are counted.
    """
    if steps.size > 1 and not steps.any():
        return Column(np.arange(steps.size), values, "row")
    # Kept is what no later value stands before or at.
    lowest = np.minimum.accumulate(steps[::-1])[::-1]
    kept = np.append(steps[:-1] < lowest[1:], True) if steps.size else np.empty(0, dtype=bool)
    return Column(steps[kept], values[kept])


def clocked(columns: Mapping[str, Column], epochs: int) -> tuple[dict[str, Column], tuple[str, ...]]:
    """The columns, on epochs where their steps can only be epochs, and a note that says so.

    A training makes at least one update an epoch. Where the settings state `epochs`, and the steps count 0, 1, 2, ...
    up to just there, they are those.
    """
    steps = [column.step for column in columns.values() if column.clock == "step" and column.step.size > 1]
    longest = max(steps, key=len, default=np.empty(0, dtype=np.int64))
    last = max((int(each[-1]) for each in steps), default=-1)
    if epochs < 2 or last not in (epochs - 1, epochs) or np.any(np.diff(longest) != 1):
        return dict(columns), ()
    return {name: _on(column, "epoch") for name, column in columns.items()}, (ENDS.format(epochs),)


def _on(column: Column, clock: Clock) -> Column:
    return Column(column.step, column.value, clock) if column.clock == "step" else column


def told_apart(names: Mapping[Id, str]) -> dict[Id, str]:
    """A name for each run by its id: the run's own, and where several bear it, with the id.

    >>> told_apart({"4f1c": "first", "88ab": "second", "90de": "second", "a7b2": ""})
    {'4f1c': 'first', '88ab': 'second (88ab)', '90de': 'second (90de)', 'a7b2': 'a7b2'}
    """
    many = Counter(names.values())
    return {
        run: name if name and many[name] == 1 else f"{name} ({str(run)[:8]})" if name else str(run)
        for run, name in names.items()
    }
