"""What a chart sends to the browser: thinned, rounded, and free of anything JSON cannot say."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepsize.report.page import Chart, Series
from stepsize.report.thin import thin

Column = NDArray[np.float64]

POINTS_A_SERIES = 2_000
POINTS_A_CHART = 12_000
FEWEST_POINTS = 200
FAR = 1e300


@dataclass(frozen=True)
class Curve:
    """A series as it is drawn: ascending, with NaN where nothing can be."""

    x: Column
    y: Column
    low: Column | None = None
    high: Column | None = None

    def take(self, indices: NDArray[Any]) -> Curve:
        """The same curve at some of its points."""
        edges = [None if edge is None else edge[indices] for edge in (self.low, self.high)]
        return Curve(self.x[indices], self.y[indices], *edges)


def document(chart: Chart) -> str:
    """The chart as JSON that can stand inside a script element."""
    text = json.dumps(payload(chart), allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def payload(chart: Chart) -> dict[str, Any]:
    """The chart in the words of chart.js; series that share their x name it by its place in `xs`."""
    limit = max(FEWEST_POINTS, min(POINTS_A_SERIES, POINTS_A_CHART // max(1, len(chart.series))))
    places: dict[tuple[float, ...], int] = {}
    series = [entry(one, curve(one, chart, limit), places) for one in chart.series]
    return {
        "xLog": chart.log_x,
        "yLog": chart.log_y,
        "xLabel": chart.x_label,
        "yRange": None if chart.y_range is None else [float(end) for end in chart.y_range],
        "xs": [list(xs) for xs in places],
        "series": series,
        "spans": [[edge(x0), edge(x1), text] for x0, x1, text in chart.spans if not np.isnan(x0 + x1)],
        "markers": [[edge(x), text] for x, text in chart.markers if np.isfinite(x)],
    }


def entry(series: Series, drawn: Curve, places: dict[tuple[float, ...], int]) -> dict[str, Any]:
    """One series of the payload."""
    place = places.setdefault(tuple(apart(drawn.x)), len(places))
    edges = {} if drawn.low is None or drawn.high is None else {"low": drawn.low, "high": drawn.high}
    style = {name: getattr(series, name) for name in ("label", "color", "dash", "points", "line")}
    columns = {name: [finite(v, 6) for v in column] for name, column in ({"y": drawn.y} | edges).items()}
    return style | {"x": place} | columns


def curve(series: Series, chart: Chart, limit: int) -> Curve:
    """The part of a series that its axes can show, in ascending order, thinned."""
    x = np.asarray(series.x, dtype=float)
    drawn = Curve(x, shown(series.y, chart.log_y), *edges_of(series, chart.log_y))
    kept = np.isfinite(x) & ((x > 0) if chart.log_x else True)
    order = np.flatnonzero(kept)[np.argsort(x[kept], kind="stable")]
    ascending = drawn.take(order)
    return ascending.take(thin(ascending.x, ascending.y, limit, log=chart.log_x))


def shown(values: Any, log: bool) -> Column:
    """The values with NaN for all that has no place on the axis."""
    column = np.asarray(values, dtype=float)
    return np.where(np.isfinite(column) & ((column > 0) if log else True), column, np.nan)


def edges_of(series: Series, log: bool) -> tuple[Column, Column] | tuple[()]:
    """The edges of the band; on a logarithmic axis one at or below 0 rests on the smallest value shown."""
    if series.band is None:
        return ()
    low, high = (np.asarray(edge, dtype=float) for edge in series.band)
    if log:
        positive = np.concatenate([shown(column, True) for column in (series.y, low, high)])
        floor = np.nanmin(positive) if np.isfinite(positive).any() else np.nan
        low = np.where(low <= 0, floor, low)
    return shown(low, log), shown(high, log)


def apart(xs: Iterable[float]) -> list[float]:
    """Ascending x without repeats: the plot joins series by x, so two points at one x would become one."""
    rounded: list[float] = []
    for x in xs:
        value = float(f"{x:.9g}")
        rounded.append(value if not rounded or value > rounded[-1] else float(np.nextafter(rounded[-1], np.inf)))
    return [compact(x) for x in rounded]


def finite(value: float, digits: int) -> float | None:
    """A rounded number, or None for what JSON cannot say."""
    return compact(float(f"{value:.{digits}g}")) if np.isfinite(value) else None


def edge(x: float) -> float:
    """The end of a span; an endless one ends far outside any axis."""
    return compact(float(np.clip(x, -FAR, FAR)))


def compact(value: float) -> float:
    """A whole number as one, to save the page its `.0`."""
    return int(value) if value.is_integer() and abs(value) < 1e15 else value


def drawable(chart: Chart) -> bool:
    """Whether the axes can show at least one point."""
    curves = (curve(series, chart, POINTS_A_SERIES) for series in chart.series)
    return any(np.isfinite(one.y).any() for one in curves)
