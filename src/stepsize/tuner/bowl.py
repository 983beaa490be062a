"""Bowls: the shapes that the loss as a function of the learning rate may have.

In log10 of the rate the final loss of a training falls to an optimum, rises more steeply beyond it, and
levels off on both sides. At horizon h (as a share of the full run), and in units of the gain of training,

    depth * g(rate - optimum_h),     g(d) = z^power / (1 + z^power),
    z = d / width_h below the optimum, d / (skew * width_h) above it,
    optimum_h = optimum + shift * log10(h),           width_h = width * widening^log10(h).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

WIDTHS = np.array([0.4, 0.65, 1.0, 1.6, 2.5])
SKEWS = np.array([0.25, 0.5, 1.0, 1.6])
# How the optimum moves, in decades of rate per decade of horizon, as standard deviations around what is usual.
SHIFT_CELL = 0.6
SHIFTS: Array = SHIFT_CELL * np.arange(-4.0, 5.0)
# A longer training forgives more: low rates catch up, and the bowl widens with the horizon.
WIDENINGS = np.array([0.8, 1.25, 2.0, 3.2])
POWERS = np.array([2.0, 4.0])


class Bowls(NamedTuple):
    """Many bowls: each field holds one number for each."""

    optimum: Array
    shift: Array
    width: Array
    skew: Array
    widening: Array
    power: Array

    def at(self, chosen: NDArray[np.int64]) -> Bowls:
        """Those with these numbers; one may be there several times."""
        return Bowls(*(axis[chosen] for axis in self))

    def centre(self, horizon: float) -> Array:
        """The optimum of each at a horizon."""
        return np.asarray(self.optimum + self.shift * np.log10(horizon))

    def height(self, rate: Array | float, horizon: float) -> Array:
        """The height of each at `rate`, for a depth of 1."""
        distance = rate - self.centre(horizon)
        sides = np.where(distance < 0, 1.0, self.skew) * self.width * self.widening ** np.log10(horizon)
        squared = (distance / sides) ** 2
        z = np.where(self.power == POWERS[1], squared * squared, squared)
        return np.asarray(z / (1 + z))


def all_bowls(optima: Array, shift: tuple[float, float]) -> Bowls:
    """Every combination, with these optima.

    Args:
        optima: log10 of the rate, at the full horizon.
        shift: mean and standard deviation of the shift, in decades per decade of horizon.
    """
    shifts = shift[0] + shift[1] * SHIFTS
    return _crossed(optima, shifts, WIDTHS, SKEWS, WIDENINGS, POWERS)


def some_bowls(optima: Array, shift: tuple[float, float]) -> Bowls:
    """A part of all combinations: enough to say which optima are out of the question."""
    shifts = shift[0] + shift[1] * SHIFTS[::2]
    return _crossed(optima, shifts, WIDTHS[::2], SKEWS[::2], WIDENINGS[1:2], POWERS)


def _crossed(*axes: Array) -> Bowls:
    return Bowls(*(axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")))
