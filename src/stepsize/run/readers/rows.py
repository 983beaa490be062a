"""From rows of named values, one row an update, to columns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stepsize.errors import UnreadableRun
from stepsize.run.column import Column, column

# Names under which loggers write the clock, and other names of the quantities we call by ours.
CLOCKS = ("step", "global_step", "_step", "iteration", "iter", "update", "epoch")
NAMES = {
    "train_loss": "loss",
    "train/loss": "loss",
    "learning_rate": "lr",
    "val/loss": "val_loss",
    "eval_loss": "val_loss",
}
# Beyond this a float is no longer a whole number of steps.
LAST_STEP = 2**53


def columns_of(rows: Sequence[Mapping[str, Any]], path: Path) -> dict[str, Column]:
    """The numeric columns of `rows`, by the clock they name, or by their order if they name none.

    Raises:
        UnreadableRun: no row holds a number besides the clock.
    """
    clock = next((name for name in CLOCKS if any(name in row for row in rows)), None)
    seen: defaultdict[str, tuple[list[int], list[float]]] = defaultdict(lambda: ([], []))
    for index, row in enumerate(rows):
        at = index if clock is None else _step(row.get(clock))
        for name, raw in row.items():
            # csv puts what is beyond the header under None, as a list: no number
            value = _number(raw)
            if name == clock or value is None or at is None:
                continue
            steps, values = seen[NAMES.get(name, name)]
            steps.append(at)
            values.append(value)
    if not seen:
        raise UnreadableRun(f"{path}: no column of numbers found in {len(rows)} rows")
    return {name: column(*pair) for name, pair in seen.items()}


def _number(raw: Any) -> float | None:
    if isinstance(raw, bool) or raw is None:
        return None
    try:
        return float(raw)
    except (TypeError, ValueError, OverflowError):
        return None


def _step(raw: Any) -> int | None:
    number = _number(raw)
    return None if number is None or not abs(number) <= LAST_STEP else int(number)
