"""A curve in characters: dots of Braille, two columns and four rows a character; in ASCII, three rows a character."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

# The dots of a Braille character, by column and row from the top; its first one, without dots.
DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
BLANK = 0x2800
# In ASCII: a mark in the upper, the middle and the lower third of a character; more than one of them; none.
THIRDS, MANY, NONE = "^-_", "|", " "


def curve(
    place: NDArray[np.float64], value: NDArray[np.float64], width: int, height: int, ascii_only: bool = False
) -> list[str]:
    """Draw values at places from 0 to 1 in `height` lines of `width` characters.

    What is no finite number is left out; the lowest value is on the last line and the highest on the first. Each
    column of dots spans what it holds, so that a spike survives.

    >>> curve(np.array([0.0, 0.5, 1.0]), np.array([3.0, 2.0, 1.0]), 3, 1, ascii_only=True)
    ['^-_']
    """
    across, down = (1, 3) if ascii_only else (2, 4)
    columns, rows = width * across, height * down
    grid = np.zeros((rows, columns), dtype=bool)
    for column, (low, high) in _spans(place, value, columns).items():
        top, bottom = (round((1 - share) * (rows - 1)) for share in (high, low))
        grid[top : bottom + 1, column] = True
    return _in_ascii(grid, height) if ascii_only else _in_braille(grid, width, height)


def scale(value: NDArray[np.float64]) -> NDArray[np.float64]:
    """Losses as they are best drawn: their logarithm, where they are above 0 and span more than a factor of 10."""
    finite = value[np.isfinite(value)]
    if finite.size and finite.min() > 0 and finite.max() > 10 * finite.min():
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.log10(value))
    return value


def _spans(place: NDArray[np.float64], value: NDArray[np.float64], columns: int) -> dict[int, tuple[float, float]]:
    """The lowest and the highest value of each column of dots, as shares of the height."""
    finite = np.isfinite(value) & np.isfinite(place)
    place, value = place[finite], value[finite]
    if not value.size:
        return {}
    low, high = float(value.min()), float(value.max())
    span = high - low
    share = (value - low) / span if 0 < span < math.inf else np.full(value.size, 0.5)
    at = np.clip(place * columns, 0, columns - 1).astype(int)
    lows, highs = np.full(columns, np.inf), np.full(columns, -np.inf)
    np.minimum.at(lows, at, share)
    np.maximum.at(highs, at, share)
    return {int(column): (float(lows[column]), float(highs[column])) for column in np.unique(at)}


def _in_braille(grid: NDArray[np.bool_], width: int, height: int) -> list[str]:
    codes = np.full((height, width), BLANK)
    for column, dots in enumerate(DOTS):
        for row, dot in enumerate(dots):
            codes += dot * grid[row::4, column::2]
    return ["".join(map(chr, line)) for line in codes.tolist()]


def _in_ascii(grid: NDArray[np.bool_], height: int) -> list[str]:
    thirds = grid.reshape(height, 3, -1)
    counts, first = thirds.sum(axis=1), thirds.argmax(axis=1)
    marks = np.where(counts == 1, np.array(list(THIRDS))[first], np.where(counts > 1, MANY, NONE))
    return ["".join(line) for line in marks.tolist()]
