"""The vocabulary of a page: plain values that say what is shown, and nothing of how."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Values: TypeAlias = Sequence[float] | NDArray[Any]


def floats(values: Values) -> tuple[float, ...]:
    """Any row of numbers as plain floats, so that two equal series compare equal."""
    return tuple(np.asarray(values, dtype=float).ravel().tolist())


@dataclass(frozen=True)
class Series:
    """One curve, cloud of points, or both; a NaN in `y` is a gap.

    Args:
        label: Its name in the legend.
        x: Where it was measured, in any order.
        y: What was measured there.
        color: A hex colour; without one the page chooses from a colour-blind safe palette.
        dash: Draw the line dashed.
        points: Draw a dot at each value.
        line: Draw a line through the values.
        band: The low and the high edge of a shaded area around it.
    """

    label: str
    x: Values
    y: Values
    _: KW_ONLY
    color: str | None = None
    dash: bool = False
    points: bool = False
    line: bool = True
    band: tuple[Values, Values] | None = None

    def __post_init__(self) -> None:
        columns = {"x": floats(self.x), "y": floats(self.y)}
        if self.band is not None:
            columns |= {"low": floats(self.band[0]), "high": floats(self.band[1])}
            object.__setattr__(self, "band", (columns["low"], columns["high"]))
        object.__setattr__(self, "x", columns["x"])
        object.__setattr__(self, "y", columns["y"])
        lengths = {name: len(column) for name, column in columns.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"series {self.label!r} needs columns of one length, found {lengths}")


@dataclass(frozen=True)
class Chart:
    """Series over one pair of axes.

    Args:
        title: What the chart shows, in a few words.
        x_label: Name and unit of the horizontal axis.
        y_label: Name and unit of the vertical axis.
        series: What to draw; they need not share their x.
        log_x: Space x by its logarithm; values at or below 0 are left out.
        log_y: The same for y.
        note: One sentence on how to read it.
        spans: Shaded ranges `(x0, x1, label)`.
        markers: Vertical lines `(x, label)`.
        y_range: Fixed limits of y; without them y fits the data in view.
    """

    title: str
    x_label: str
    y_label: str
    series: Sequence[Series]
    _: KW_ONLY
    log_x: bool = False
    log_y: bool = False
    note: str = ""
    spans: Sequence[tuple[float, float, str]] = ()
    markers: Sequence[tuple[float, str]] = ()
    y_range: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        low, high = self.y_range or (1.0, 2.0)
        if not (low < high < float("inf") and low > (0 if self.log_y else -float("inf"))):
            raise ValueError(f"chart {self.title!r} cannot have y from {low} to {high} on this axis")


@dataclass(frozen=True)
class Table:
    """Rows of text under a header; columns of numbers are aligned as such."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    _: KW_ONLY
    caption: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.header):
                raise ValueError(f"a row needs {len(self.header)} cells like the header, found {list(row)!r}")


@dataclass(frozen=True)
class Text:
    """Plain text; an empty line begins a new paragraph."""

    body: str


@dataclass(frozen=True)
class Code:
    """A command or a piece of code with a button that copies it."""

    body: str
    label: str = ""


Block: TypeAlias = Text | Code | Table | Chart


@dataclass(frozen=True)
class Fact:
    """One number that matters, shown as a tile under the answer."""

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Section:
    """A part of the page: its title and what stands under it."""

    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Page:
    """A whole page; `answer` is the one sentence that a reader in a hurry takes away."""

    title: str
    answer: str
    facts: Sequence[Fact]
    sections: Sequence[Section]
    _: KW_ONLY
    subtitle: str = ""
    footer: str = ""
