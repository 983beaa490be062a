"""The contest as plain text: regret against cost, and the targets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby

from benchmarks.chooser.plays import OURS
from benchmarks.chooser.rows import Row
from benchmarks.chooser.scores import Results, score

COLUMNS = (1.0, 2.0, 3.0, 4.0, 6.0, 24.0)
WIDTH = 118
SAID = {True: "met", False: "missed", None: "-"}


def curves(results: Results, methods: Sequence[str]) -> str:
    """For each family of tables and each split, the mean regret and the failures by what was paid."""
    blocks = []
    for family in dict.fromkeys(one.family for one in results.plays):
        for split in ("dev", "test"):
            kept = {one.label for one in results.plays if one.family == family and one.dev == (split == "dev")}
            if kept:
                blocks.append(_block(results, methods, family, split, len(kept)))
    legend = (
        "Mean regret ± its 90 % band over seeds, and the share of searches that lose > 10 % of the gain of training."
    )
    return "\n\n".join([legend, *blocks]) + "\n"


def _block(results: Results, methods: Sequence[str], family: str, split: str, tables: int) -> str:
    lines = [f"{family}, {split}: {tables} tables", f"  {'full runs paid':<20}" + "".join(f"{c:>17g}" for c in COLUMNS)]
    for method in methods:
        lines.append(f"  {method:<20}" + "".join(_cell(results, method, family, cost, split) for cost in COLUMNS))
    return "\n".join(line.rstrip() for line in lines)


def _cell(results: Results, method: str, family: str, cost: float, split: str) -> str:
    told = score(results.at_cost(method, family, cost, split))
    if math.isnan(told.mean):
        return " " * 17
    return f"{told.mean:.3f}±{(told.high - told.low) / 2:.3f}{told.failed:5.0%}".rjust(17)


def targets(rows: Sequence[Row]) -> str:
    """Every row of the target table: what, the target, and by split whether it is met, ours and the peers beside it."""
    lines = []
    for (what, unit, target), of in groupby(rows, key=lambda row: (row.what, row.unit, row.target)):
        lines.append(f"{what} ({unit}); target {target}")
        for row in of:
            figures = sorted(row.figures.items(), key=lambda item: item[0] != OURS)
            told = " | ".join(f"{name} {number(value)}" for name, value in figures)
            lines += [f"  {row.split:<5}{SAID[row.met]:<8}{part}" for part in _folded(told)[:1]]
            lines += [f"  {'':<13}{part}" for part in _folded(told)[1:]]
    return "\n".join(line.rstrip() for line in lines)


def _folded(told: str) -> list[str]:
    """Broken between figures, so that a line fits a page."""
    lines = [""]
    for part in told.split(" | "):
        if lines[-1] and len(lines[-1]) + len(part) + 18 > WIDTH:
            lines.append("")
        lines[-1] += (" | " if lines[-1] else "") + part
    return lines


def number(value: float) -> str:
    """A figure to three digits; infinite is never."""
    return "never" if math.isinf(value) else f"{value:.3g}"
