"""The curves of a run as charts, with the findings marked where they can be seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from stepsize.diagnosis.curve import in_order
from stepsize.diagnosis.marks import Marks, marks_of
from stepsize.diagnosis.trace import Trace, trace_of
from stepsize.diagnosis.usual import USUAL
from stepsize.diagnosis.view import LOST, Numbers, View, typical, view_of
from stepsize.diagnosis.words import UNITS
from stepsize.finding import Finding
from stepsize.report import Chart, Series
from stepsize.report.thin import thin
from stepsize.run import Column, Run
from stepsize.run.column import Clock

# Points of a curve that go to the page, and how few are drawn as dots.
POINTS, DOTS = 4_000, 60
TITLES = {
    "loss": "Loss",
    "val_loss": "Validation loss",
    "lr": "Learning rate",
    "grad_norm": "Gradient norm",
    "update_ratio": "Update ratio",
}
# Behind the typical values the single ones are grey.
GREY = "#a3abb5"
EMPTY = np.empty(0)


@final
@dataclass(frozen=True, eq=False)
class Drawn:
    """A column on the clock of its chart.

    Attributes:
        logged: the values as they are in the log, with Inf.
        place: from the clock of the column to that of the chart.
    """

    name: str
    x: Numbers
    logged: Numbers
    clock: Clock
    place: Callable[[float], float] = float

    @property
    def y(self) -> Numbers:
        """The values with NaN for all that cannot be drawn."""
        return np.where(np.isfinite(self.logged), self.logged, np.nan)


def curve_charts(run: Run, findings: Sequence[Finding], most: int | None = None) -> list[Chart]:
    """The curves of a run that say something of its rate, those of one clock over the same stretch of it.

    Args:
        run: what was logged.
        findings: to be marked, by their numbers from 1 on.
        most: so many charts at most; the first is that of the loss.
    """
    named = dict.fromkeys([*TITLES, *(span.column for finding in findings for span in finding.spans)])
    curves = [_drawn(name, run.columns[name]) for name in named if name in run.columns]
    groups = _grouped([curve for curve in curves if curve.x.size], run)
    trace = trace_of(run)
    return [_chart(group, [one for it in groups for one in it], findings, trace) for group in groups[:most]]


def _drawn(name: str, column: Column) -> Drawn:
    kept = in_order(column.step)
    return Drawn(name, column.step[kept].astype(float), column.value[kept], column.clock)


def _grouped(curves: list[Drawn], run: Run) -> list[list[Drawn]]:
    """One chart each, but the validation loss beside the loss where the log tells both on one clock."""
    found = {curve.name: curve for curve in curves}
    if "loss" not in found or "val_loss" not in found:
        return [[curve] for curve in curves]
    beside = _on_clock(found["val_loss"], found["loss"].clock, run)
    if beside is None:
        return [[curve] for curve in curves]
    return [[found["loss"], beside], *([curve] for curve in curves if curve.name not in ("loss", "val_loss"))]


def _on_clock(curve: Drawn, clock: Clock, run: Run) -> Drawn | None:
    """The curve on another clock: from epochs to updates by the column `epoch`; None where that is not told."""
    if curve.clock == clock:
        return curve
    epochs = run.columns.get("epoch")
    if (curve.clock, clock) != ("epoch", "step") or epochs is None or epochs.clock != "step" or not epochs.step.size:
        return None
    if np.any(np.diff(epochs.value) < 0) or not np.isfinite(epochs.value).all():
        return None

    def place(epoch: float) -> float:
        """The last update that the log counts to this epoch."""
        index = int(np.searchsorted(epochs.value, epoch, side="right")) - 1
        return float(epochs.step[max(index, 0)])

    return Drawn(curve.name, np.array([place(x) for x in curve.x]), curve.logged, clock, place)


def _chart(group: list[Drawn], drawn: list[Drawn], findings: Sequence[Finding], trace: Trace) -> Chart:
    name = group[0].name
    together = [curve for curve in drawn if curve.clock == group[0].clock]
    stretch = min(float(curve.x[0]) for curve in together), max(float(curve.x[-1]) for curve in together)
    # Charts with dots have air at the sides: all of one clock have them, or none.
    dots = max(curve.x.size for curve in together) <= DOTS
    series = [one for curve in group for one in _series(curve, stretch, dots)]
    view = _view(group, name)
    marks = Marks((), ())
    for curve in group:
        marks += marks_of(curve.name, curve.x, curve.logged, curve.place, stretch, findings)
    if name == "lr":
        series += _usual(trace, stretch)
    return Chart(
        TITLES.get(name, name),
        UNITS[group[0].clock],
        f"{name}{', logarithmic' if view.log else ''}",
        series,
        log_y=view.log,
        y_range=view.limits,
        spans=marks.spans,
        markers=marks.markers,
        note=" ".join(filter(None, [_note(name, trace), view.note, marks.note])),
    )


def _note(name: str, trace: Trace) -> str:
    if name == "update_ratio":
        return "How much one update changes the parameters: |change| / |parameters|."
    usual = USUAL.get(trace.optimizer)
    if name != "lr" or usual is None:
        return ""
    return f"The band is where the best peak lay on {usual.tasks} small tasks with {usual.optimizer}, in 8 of 10."


def _view(group: list[Drawn], name: str) -> View:
    if name == "lr":
        return _rates(group[0].y)
    return view_of([curve.y for curve in group], LOST if name in ("loss", "val_loss") else np.inf)


def _rates(rates: Numbers) -> View:
    """Rates are told apart by their ratio, and what is below a ten-thousandth of the peak is as good as none."""
    positive = rates[np.isfinite(rates) & (rates > 0)]
    if not positive.size:
        return View(False)
    low, high = float(positive.min()), float(positive.max())
    if low >= high / 1e4:
        return View(True)
    return View(True, (high / 1.5e4, high * 2), "Rates below a ten-thousandth of the peak lie outside.")


def _series(curve: Drawn, stretch: tuple[float, float], dots: bool) -> Iterator[Series]:
    """The values, few enough for a page, and their typical course where many of them hide it."""
    middle, level = (EMPTY, EMPTY) if curve.name == "lr" else typical(curve.x, curve.y)
    kept = thin(curve.x, curve.y, POINTS)
    x, y = _over(curve.x[kept], curve.y[kept], stretch)
    yield Series(curve.name, x, y, color=GREY if middle.size else None, points=dots)
    if middle.size:
        yield Series(f"{curve.name}, median", middle, level)


def _over(x: Numbers, y: Numbers, stretch: tuple[float, float]) -> tuple[Numbers, Numbers]:
    """With a gap up to both ends of the stretch, so that charts stand under each other as they belong."""
    first = [stretch[0]] if stretch[0] < x[0] else []
    last = [stretch[1]] if stretch[1] > x[-1] else []
    gaps = [np.full(len(first), np.nan), y, np.full(len(last), np.nan)]
    return np.concatenate([first, x, last]), np.concatenate(gaps)


def _usual(trace: Trace, stretch: tuple[float, float]) -> Iterator[Series]:
    """The control: where the best peaks of other trainings with this optimizer lay."""
    usual = USUAL.get(trace.optimizer)
    if usual is not None and stretch[0] < stretch[1]:
        low, high = (usual.low, usual.low), (usual.high, usual.high)
        middle = np.sqrt(usual.low * usual.high)
        yield Series("best peaks elsewhere", stretch, (middle, middle), dash=True, band=(low, high))
