"""The metric at the end of each run against its peak learning rate, as a picture of characters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from rich.text import Text

# kind of mark -> its character, the same in ASCII, and its style; where two meet, the later one is drawn
GLYPHS = {
    "short": ("◦", ".", "cyan"),
    "middle": ("○", "o", "cyan"),
    "full": ("●", "O", "green"),
    "above": ("↑", "^", "red"),
    "diverged": ("×", "x", "red"),
    "at work": ("▲", "+", "magenta"),
    "best": ("★", "*", "bold yellow"),
}
SIDE, TICK, CORNER, FLOOR = "│|", "┤+", "└+", "─-"
# A value this many times further from the best than half of them are would flatten the picture.
FAR = 20.0
# Runs shorter than this share of a full one are short ones.
MIDDLE_FROM = 0.2


@final
@dataclass(frozen=True)
class Mark:
    """A run in the picture: log10 of its peak rate, the metric at its end, and a kind of `GLYPHS`."""

    rate: float
    value: float
    kind: str


def horizon(steps: int, full: int) -> str:
    """What kind a run of `steps` updates is, of a training whose full run has `full`."""
    if steps >= full:
        return "full"
    return "middle" if steps >= MIDDLE_FROM * full else "short"


def bounds(values: Sequence[float]) -> tuple[float, float]:
    """Between which values to draw: what is far above the better half is left out.

    >>> bounds([0.40, 0.41, 0.43, 0.45, 50.0, 1000.0])
    (0.4, 0.45)
    """
    best, middle = min(values), sorted(values)[(len(values) - 1) // 2]
    limit = best + FAR * (middle - best) if middle > best else math.inf
    top = max(value for value in values if value <= limit)
    return (best, top) if top > best else (best, best + (abs(best) / 20 or 1.0))


def picture(marks: Sequence[Mark], metric: str, width: int, height: int, ascii_only: bool = False) -> list[Text]:
    """The marks in `height` lines of at most `width` characters: a legend, the plot, an axis and its rates.

    Runs that diverged, or that lie far above the others, are on the top edge; runs at work are on the axis. There
    must be a finite value.
    """
    low, top = bounds([mark.value for mark in marks if math.isfinite(mark.value)])
    left, right = _decades([mark.rate for mark in marks])
    rows = height - 3
    labels = _heights(low, top, rows)
    margin = max(map(len, labels.values())) + 2
    places: dict[int, dict[int, str]] = {}
    for mark in sorted((_drawn(mark, top) for mark in marks), key=lambda mark: list(GLYPHS).index(mark.kind)):
        column = margin + round((mark.rate - left) / (right - left) * (width - margin - 1))
        places.setdefault(_row(mark, low, top, rows), {})[column] = mark.kind
    kinds = {kind for row in places.values() for kind in row.values()}
    lines = [_legend(f"{metric} against peak lr", kinds, width, ascii_only)]
    for row in range(rows):
        side = _side(labels.get(row, ""), margin, ascii_only)
        lines.append(_canvas(side, " ", width, places.get(row, {}), ascii_only))
    axis = " " * (margin - 1) + CORNER[ascii_only]
    lines.append(_canvas(axis, FLOOR[ascii_only], width, places.get(rows, {}), ascii_only))
    return [*lines, Text(_rates(left, right, margin, width), "dim")]


def _decades(rates: Sequence[float]) -> tuple[int, int]:
    """The whole decades around the rates: the axis stays where it is when a run falls between two others."""
    left, right = math.floor(min(rates)), math.ceil(max(rates))
    return (left, right) if right > left else (left - 1, right + 1)


def _drawn(mark: Mark, top: float) -> Mark:
    return Mark(mark.rate, math.inf, "above") if top < mark.value < math.inf else mark


def _row(mark: Mark, low: float, top: float, rows: int) -> int:
    """Row 0 is the edge, then from the top value down to the lowest; below the last is the axis."""
    if mark.kind == "at work":
        return rows
    if not math.isfinite(mark.value):
        return 0
    return rows - 1 - round((mark.value - low) / (top - low) * (rows - 2))


def _heights(low: float, top: float, rows: int) -> dict[int, str]:
    """The values of the first, the middle and the last row."""
    middle = rows // 2
    share = (rows - 1 - middle) / (rows - 2)
    return {1: f"{top:.4g}", middle: f"{low + share * (top - low):.4g}", rows - 1: f"{low:.4g}"}


def _side(label: str, margin: int, ascii_only: bool) -> str:
    return f"{label.rjust(margin - 2)} {(TICK if label else SIDE)[ascii_only]}"


def _canvas(side: str, ground: str, width: int, marks: dict[int, str], ascii_only: bool) -> Text:
    """One line of the plot."""
    line = list(side.ljust(width, ground))
    for column, kind in marks.items():
        line[column] = GLYPHS[kind][ascii_only]
    text = Text("".join(line))
    text.stylize("dim", 0, width if ground.strip() else len(side))
    for column, kind in marks.items():
        text.stylize(f"not dim {GLYPHS[kind][2]}", column, column + 1)
    return text


def _legend(title: str, kinds: set[str], width: int, ascii_only: bool) -> Text:
    """What the marks mean, as far as there is room."""
    text = Text(title[:width])
    text.stylize("bold")
    for kind, (*glyphs, style) in reversed(GLYPHS.items()):
        if kind in kinds and len(text) + len(kind) + 4 <= width:
            text.append("  ").append(glyphs[ascii_only], style).append(f" {kind}", "dim")
    return text


def _rates(left: int, right: int, margin: int, width: int) -> str:
    """The decades under the axis, as far as there is room."""
    line = ""
    for decade in range(left, right + 1):
        name = f"{10.0**decade:g}" if abs(decade) <= 2 else f"1e{decade}"
        middle = margin + round((decade - left) / (right - left) * (width - margin - 1))
        start = min(middle - len(name) // 2, width - len(name))
        if start > len(line) or not line:
            line = line.ljust(start) + name
    return line
