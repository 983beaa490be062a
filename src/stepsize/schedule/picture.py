"""A schedule as a picture: a Matplotlib Axes, an SVG for notebooks, a sparkline for terminals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stepsize._extras import extra
from stepsize.schedule.node import Length

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BARS = "▁▂▃▄▅▆▇█"
# How much of an endless schedule a picture shows.
ENDLESS_STEPS = 1_000
# Of a schedule of arrays a picture shows at most this many lanes.
LANES = 16
# Larger values than this are drawn as this: half the largest float.
LARGEST = np.finfo(np.float64).max / 2


def steps_to_draw(length: Length, points: int) -> NDArray[np.float64]:
    """At most `points` whole steps, from 0 to the end."""
    last = ENDLESS_STEPS if length == float("inf") else int(length)
    return np.unique(np.linspace(0, float(last), min(points, last + 1)).round())


def axes(steps: Any, values: Any, label: str, ax: Axes | None = None) -> Axes:
    """Draw the curve into `ax`, or into a new figure that no window shows."""
    with extra("plot"):
        from matplotlib.figure import Figure
    target = Figure(figsize=(6, 3), layout="constrained").subplots() if ax is None else ax
    target.plot(steps, values, label=label)
    target.set_xlabel("step (optimizer updates)")
    target.set_ylabel("value")
    return target


def sparkline(values: Any) -> str:
    """The curve in one line of block characters, one a value; of arrays, their highest values."""
    line = _drawable(values).max(axis=1)
    low, high = line.min(), line.max()
    if high == low:
        return BARS[3] * len(line)
    levels = np.round((line - low) / (high - low) * (len(BARS) - 1)).astype(int)
    return "".join(BARS[level] for level in levels)


def svg(steps: Any, values: Any, width: int = 360, height: int = 120) -> str:
    """The curve as a small SVG document; of arrays, one curve a lane."""
    lanes = _drawable(values)
    low, high = lanes.min(), lanes.max()
    x = 4 + (width - 8) * np.asarray(steps) / max(float(steps[-1]), 1.0)
    y = height - 4 - (height - 8) * ((lanes - low) / ((high - low) or 1.0))
    lines = "".join(
        f'<polyline fill="none" stroke="#2563eb" stroke-width="2" points="{_points(x, lane)}"/>' for lane in y.T
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" role="img">'
        f"<title>from {lanes[0].max():.4g} to {lanes[-1].max():.4g}, peak {high:.4g}</title>{lines}</svg>"
    )


def _points(x: Any, y: Any) -> str:
    return " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))


def _drawable(values: Any) -> Any:
    """The values as one row a step and at most `LANES` columns, finite and small enough to be subtracted."""
    rows = np.asarray(values, dtype=np.float64).reshape(len(values), -1)
    rows = rows[:, np.unique(np.linspace(0, rows.shape[1] - 1, LANES).astype(int))]
    return np.nan_to_num(rows).clip(-LARGEST, LARGEST)
