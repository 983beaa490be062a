"""Which column of a table counts, and what it means when that count runs backwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from stepsize.run.column import Clock

# Names under which loggers count optimizer updates, the surest first; `_step` is W&B's count of its own rows.
STEPS = (
    "global_step",
    "trainer/global_step",
    "train/global_step",
    "num_updates",
    "updates",
    "update",
    "step",
    "steps",
    "train_step",
    "iteration",
    "iterations",
    "iter",
    "iters",
    "itr",
    "it",
    "batch",
    "_step",
)
EPOCHS = ("epoch", "epochs", "train/epoch")
# Beyond this a float is no longer a whole number of steps.
LAST_STEP = 2**53
# A clock may lack this share of the rows that the fullest has, and hold this share of values that are no clock's.
LACKING, STRAY = 0.1, 0.01
# Above so many steps back, and this share of all, a file is out of order rather than resumed.
RESUMES, DISORDER = 2, 0.05

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


def kind_of(name: str) -> Clock | None:
    """Whether a column of this name counts steps or epochs; None where it counts neither."""
    plain = _plain(name)
    return "step" if plain in STEPS else "epoch" if plain in EPOCHS else None


def chosen(clocks: Mapping[str, Floats], kind: Clock) -> str:
    """The name of the best clock of a kind, or empty; of each, its value in every row, NaN where a row has none."""
    order: Sequence[str] = STEPS if kind == "step" else EPOCHS
    held = {name: int(np.isfinite(values).sum()) for name, values in clocks.items() if _counts(values, kind)}
    full = [name for name in held if held[name] >= (1 - LACKING) * max(held.values())]
    return min(full, key=lambda name: order.index(_plain(name)), default="")


def _plain(name: str) -> str:
    return name.strip().lower().replace(" ", "_")


def _counts(values: Floats, kind: Clock) -> bool:
    """Whether these are whole numbers, and steps move."""
    known = values[np.isfinite(values) & (np.abs(values) <= LAST_STEP)]
    if not known.size or np.mean(known != np.floor(known)) > STRAY:
        return False
    return kind == "epoch" or known.size < 3 or bool(np.ptp(known) > 0)


def whole(values: Floats) -> Floats:
    """The clock, with NaN for what is no whole number."""
    with np.errstate(invalid="ignore"):
        return np.where((np.abs(values) <= LAST_STEP) & (values == np.floor(values)), values, np.nan)


def crowded(steps: Floats) -> bool:
    """Whether most values of a column stand at the same place as the one before: many rows an epoch."""
    known = steps[np.isfinite(steps)]
    return known.size > 2 and bool(np.mean(np.diff(known) == 0) > 0.5)


def counted_on(steps: Floats, epochs: Floats | None, rows: Whole) -> Floats | None:
    """The steps of a clock that begins anew in every epoch, counted on through all; None if it is no such clock.

    It is one if at `rows`, those of one column, it falls, each time to less than half, exactly where the epoch grows;
    or, with no epoch to compare, if it falls twice or more, always from the same last value to the same first.
    """
    rows = rows[np.isfinite(steps[rows])]
    seen = steps[rows]
    back = np.flatnonzero(np.diff(seen) < 0) + 1
    if not back.size or not np.all(seen[back] <= 0.5 * seen[back - 1]):
        return None
    if epochs is not None:
        with np.errstate(invalid="ignore"):
            anew = bool(np.all(np.diff(_carried(epochs)[rows])[back - 1] > 0))
    else:
        ends, begins = seen[back - 1], seen[np.append(0, back)]
        anew = back.size >= 2 and bool(np.ptp(ends) == 0 and np.ptp(begins) == 0)
    if not anew:
        return None
    ahead = np.diff(seen)
    stride = float(np.median(ahead[ahead > 0])) if np.any(ahead > 0) else 1.0
    jumps = np.zeros(steps.size)
    jumps[rows[back]] = seen[back - 1] - seen[back] + max(1.0, stride)
    through: Floats = steps + np.cumsum(jumps)
    return through


def _carried(values: Floats) -> Floats:
    """With the last known value where there is none."""
    known = np.where(np.isfinite(values), np.arange(values.size), 0)
    carried: Floats = values[np.maximum.accumulate(known)]
    return carried


def turns(columns: Mapping[str, tuple[Whole, Floats]]) -> list[tuple[int, float]]:
    """The rows at which a log goes back, with the step to which it does; none where it is merely out of order.

    Columns turn one after another, each where its next value is: one turn of the log lasts until a column has turned
    that turned before.
    """
    fallen = sorted(
        (int(rows[at]), float(steps[at]), tag)
        for tag, (rows, steps) in columns.items()
        if not out_of_order(steps)
        for at in np.flatnonzero(np.diff(steps) < 0) + 1
    )
    turned: list[tuple[int, float]] = []
    together: set[str] = set()
    for row, step, tag in fallen:
        if not turned or tag in together:
            turned.append((row, step))
            together = set()
        together.add(tag)
        turned[-1] = turned[-1][0], min(turned[-1][1], step)
    return turned


def out_of_order(steps: Floats) -> bool:
    """Whether steps fall more often than resumes would make them, or never rise."""
    falls = int(np.count_nonzero(np.diff(steps) < 0))
    return falls > 0 and (falls == steps.size - 1 or falls > max(RESUMES, DISORDER * steps.size))


def replaced(turned: Sequence[tuple[int, float]], rows: Whole, steps: Floats) -> NDArray[np.bool_]:
    """Which values a later part of the log has replaced: those before a turn, from the step to which it goes back."""
    at = np.array([row for row, _ in turned])
    floor = np.minimum.accumulate(np.array([step for _, step in turned])[::-1])[::-1]
    later = np.searchsorted(at, rows, side="right")
    gone: NDArray[np.bool_] = steps >= np.append(floor, np.inf)[later]
    return gone
