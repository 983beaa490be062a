"""Where on a curve the findings are, and where it is no number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from stepsize.diagnosis.view import Numbers
from stepsize.finding import Finding, Span

# Places of one finding that are marked, and of values that are no numbers.
MARKED = 30
# A stretch below this share of the axis is drawn as a line: as an area nobody would see it.
NARROW = 0.004
# Characters of the words beside a number.
SHORT = 24


@final
@dataclass(frozen=True)
class Marks:
    """Areas and lines on a chart, in the words of `report.Chart`."""

    spans: tuple[tuple[float, float, str], ...] = ()
    markers: tuple[tuple[float, str], ...] = ()

    def __add__(self, other: Marks) -> Marks:
        return Marks(self.spans + other.spans, self.markers + other.markers)

    @property
    def note(self) -> str:
        """How to read them."""
        labels = [label for _, _, label in self.spans] + [label for _, label in self.markers]
        return "Numbers on the chart are those of the findings." if any(label[:1].isdigit() for label in labels) else ""

    @property
    def starts(self) -> list[float]:
        """Where they begin."""
        return [first for first, _, _ in self.spans] + [at for at, _ in self.markers]


def marks_of(
    name: str,
    x: Numbers,
    y: Numbers,
    place: Callable[[float], float],
    stretch: tuple[float, float],
    findings: Sequence[Finding],
) -> Marks:
    """The marks of the curve `name`: each finding by its number, from 1 on, and the first value that is no number."""
    marks = Marks()
    for index, finding in enumerate(findings, start=1):
        here = [span for span in finding.spans if span.column == name][:MARKED]
        for span, label in zip(here, [_label(index, here), *[""] * len(here)], strict=False):
            marks += _mark(place(span.first), place(span.last), label, stretch)
    return marks + _not_numbers(x, y, marks.starts)


def _label(index: int, spans: Sequence[Span]) -> str:
    return f"{index} {spans[0].label}".strip()[:SHORT] if spans else ""


def _mark(first: float, last: float, label: str, stretch: tuple[float, float]) -> Marks:
    if last - first < NARROW * (stretch[1] - stretch[0]) or first == last:
        return Marks(markers=((first, label),))
    return Marks(spans=((first, last, label),))


def _not_numbers(x: Numbers, y: Numbers, marked: Sequence[float]) -> Marks:
    """Stretches of NaN or Inf; only the first says what it is, and none where a finding begins there."""
    gone = np.concatenate([[False], ~np.isfinite(y), [False]])
    edges = np.flatnonzero(np.diff(gone.astype(int))).reshape(-1, 2)[:MARKED]
    spans = [(float(x[first]), float(x[last - 1])) for first, last in edges]
    if not spans or spans[0][0] in marked:
        return Marks()
    wide = tuple((first, last, "") for first, last in spans if first < last)
    what = "NaN" if np.isnan(y[edges[0][0]]) else "Inf"
    return Marks(wide, ((spans[0][0], what), *((first, "") for first, _ in spans[1:])))
