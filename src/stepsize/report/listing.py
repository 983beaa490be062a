"""The numbers behind a chart as a short table: for readers without a screen, a mouse or JavaScript."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stepsize.report.digits import number
from stepsize.report.page import Chart, Series, Table

ROWS = 50


def listing(chart: Chart) -> Table:
    """About 50 evenly spaced rows of the data: side by side where the series share their x, else in turn."""
    shared = len({tuple(series.x) for series in chart.series}) == 1
    return side_by_side(chart) if shared else in_turn(chart)


def side_by_side(chart: Chart) -> Table:
    """One row for each x, one column for each series."""
    x = chart.series[0].x
    rows = [cells([x[i], *(series.y[i] for series in chart.series)]) for i in spread(len(x), ROWS)]
    return Table([chart.x_label, *(series.label for series in chart.series)], rows, note=share(len(rows), len(x)))


def in_turn(chart: Chart) -> Table:
    """One series after another, each with its share of the rows."""
    each = max(2, ROWS // max(1, len(chart.series)))
    rows = [row for series in chart.series for row in rows_of(series, each)]
    total = sum(len(series.x) for series in chart.series)
    return Table(["series", chart.x_label, chart.y_label], rows, note=share(len(rows), total))


def rows_of(series: Series, count: int) -> list[list[str]]:
    """Some rows of one series."""
    return [[series.label, *cells([series.x[i], series.y[i]])] for i in spread(len(series.x), count)]


def cells(values: Sequence[float]) -> list[str]:
    """Numbers as the text of table cells."""
    return [number(value) for value in values]


def spread(size: int, count: int) -> list[int]:
    """At most `count` evenly spaced indices, both ends included."""
    return [int(index) for index in np.unique(np.linspace(0, size - 1, min(size, count)).round())]


def share(shown: int, total: int) -> str:
    """How much of the data the table holds, if not all."""
    return "" if shown == total else f"{shown:,} of {total:,} points."
