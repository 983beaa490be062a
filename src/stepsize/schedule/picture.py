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


def steps_to_draw(length: Length, points: int) -> NDArray[np.float64]:
    """At most `points` whole steps, from 0 to the end."""
    last = ENDLESS_STEPS if length == float("inf") else int(length)
    return np.unique(np.linspace(0, last, min(points, last + 1)).round())


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
    """The curve in one line of block characters, one a value."""
    low, high = float(np.min(values)), float(np.max(values))
    if high == low:
        return BARS[3] * len(values)
    levels = np.round((np.asarray(values) - low) / (high - low) * (len(BARS) - 1)).astype(int)
    return "".join(BARS[level] for level in levels)


def svg(steps: Any, values: Any, width: int = 360, height: int = 120) -> str:
    """The curve as a small SVG document."""
    low, high = float(np.min(values)), float(np.max(values))
    x = 4 + (width - 8) * np.asarray(steps) / max(float(steps[-1]), 1.0)
    y = height - 4 - (height - 8) * (np.asarray(values) - low) / ((high - low) or 1.0)
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" role="img">'
        f"<title>from {values[0]:.4g} to {values[-1]:.4g}, peak {high:.4g}</title>"
        f'<polyline fill="none" stroke="#2563eb" stroke-width="2" points="{points}"/></svg>'
    )
