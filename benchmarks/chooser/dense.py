"""The recorded live tasks as tables."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np

from benchmarks.chooser import live
from benchmarks.chooser.record import JUDGES, SEEN, opened
from benchmarks.chooser.tables import Answer, Array, Table, between

# Where shorter runs than the shortest recorded one are read off: a line from there to no training at all.
NOTHING = 1 / 256
Row = tuple[float, int, int, str, int, str]  # rate, steps, seed, outcome, updates, curve
Curve = tuple[Array, Array]  # shares of the full run, losses


def read(path: Path) -> list[Table]:
    """Every live task that is recorded completely in `path`."""
    base = opened(path)
    tables = []
    for name in live.TASKS:
        for optimizer in live.OPTIMIZERS:
            query = "SELECT rate, steps, seed, outcome, updates, curve FROM runs WHERE task = ? AND optimizer = ?"
            rows = base.execute(query, (name, optimizer)).fetchall()
            if rows and (table := _table(name, optimizer, rows)) is not None:
                tables.append(table)
    base.close()
    return tables


def _table(name: str, optimizer: str, rows: list[Row]) -> Table | None:
    steps = max(row[1] for row in rows)
    rates, lengths = np.array(sorted({row[0] for row in rows})), np.array(sorted({row[1] for row in rows}))
    seen = [seed for seed in SEEN if _complete(rows, rates, lengths, seed)]
    if not seen or not _complete(rows, rates, lengths[-1:], JUDGES[0]):
        return None
    runs = {(row[0], row[1], row[2]): row for row in rows}
    start = float(np.median([json.loads(row[5])[0][1] for row in rows if row[0] == rates[0] and row[2] == SEEN[0]]))
    judges = [[seed for seed in JUDGES if (rate, steps, seed) in runs] for rate in rates]
    truth = [np.median([_end(runs[r, steps, s]) for s in known]) for r, known in zip(rates, judges, strict=True)]
    losses = {s: {n: np.array([_end(runs[r, n, s]) for r in rates]) for n in lengths} for s in seen}
    ends_at = {s: {n: np.array([runs[r, n, s][4] for r in rates]) for n in lengths} for s in seen}
    curves = {s: [_curve(runs[r, steps, s], steps) for r in rates] for s in seen}

    def source(rate: float, share: float, seed: int, whole: bool) -> Answer:
        known = seen[seed % len(seen)]
        if whole:
            column = np.array([_part(curve, share) for curve in curves[known]])
            length = steps
        else:
            column = _at_share(losses[known], lengths / steps, share, start)
            length = int(lengths[int(np.argmin(np.abs(lengths - share * steps)))])
        loss = between(rates, column, rate)
        if math.isfinite(loss):
            return Answer(loss, start, share)
        nearest = int(np.argmin(np.where(np.isfinite(column), math.inf, np.abs(rates - rate))))
        made = float(ends_at[known][length][nearest]) / length
        return Answer(math.inf, start, min(share, made if whole else made * share))

    return Table(
        name,
        "live",
        name in live.DEV,
        optimizer,
        "warmup_cosine",
        float(rates[0]),
        float(rates[-1]),
        rates,
        np.array(truth),
        start,
        source,
        steps=steps,
    )


def _complete(rows: list[Row], rates: Array, lengths: Array, seed: int) -> bool:
    return bool(sum(row[2] == seed and row[1] in lengths for row in rows) == rates.size * lengths.size)


def _end(row: Row) -> float:
    """The last loss of a run, infinite where it diverged."""
    return float(json.loads(row[5])[-1][1]) if row[3] == "finished" else math.inf


def _curve(row: Row, steps: int) -> Curve:
    shares, losses = np.array(json.loads(row[5]), dtype=float).T if row[5] != "[]" else np.zeros((2, 1))
    if row[3] != "finished":
        shares, losses = np.append(shares, row[4]), np.append(losses, math.inf)
    return (shares + 1) / steps, losses


def _part(curve: Curve, share: float) -> float:
    """The loss after this share of a run."""
    shares, losses = curve
    if not np.isfinite(losses[shares <= share + 1e-9]).all():
        return math.inf
    kept = np.isfinite(losses)
    return float(np.interp(share, shares[kept], losses[kept]))


def _at_share(losses: dict[int, Array], shares: Array, share: float, start: float) -> Array:
    """The losses by rate of runs of this length: linear in the logarithm of the length between recorded ones."""
    columns = list(losses.values())
    if share <= shares[0]:
        low, high, before, after = NOTHING, float(shares[0]), np.full_like(columns[0], start), columns[0]
    else:
        place = min(max(int(np.searchsorted(shares, share - 1e-9)), 1), shares.size - 1)
        low, high, before, after = *map(float, shares[place - 1 : place + 1]), columns[place - 1], columns[place]
    weight = float(np.clip(math.log(share / low) / math.log(high / low), 0.0, 1.0))
    # What diverged in the longer run has diverged in this one where it is the nearer of the two.
    mixed = (1 - weight) * np.where(np.isfinite(before), before, start) + weight * np.where(
        np.isfinite(after), after, start
    )
    nearer = np.isfinite(after) if weight > 0.5 else np.isfinite(before)
    return np.where(nearer, mixed, math.inf)
