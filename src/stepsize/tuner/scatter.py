"""What bowls leave unexplained: how far a loss may lie from its bowl, and how its neighbours then do.

No formula fits a real basin, least of all its walls, so the rest is a Gaussian process. Its scale at a
place follows the height there: a hundredth of the gain of training at the bottom, a fifth of the height
above it. On top comes noise that no neighbour shares: the luck of a seed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Scale of the process: this at the bottom, and a share of the height above it.
FLOOR, SHARE = 0.01, 0.2
# It resembles itself over this many decades of the rate, and of the horizon.
RATE_LENGTH, HORIZON_LENGTH = 0.5, 1.0
# The noise of one run, one of these at the bottom, and a share of the height above it.
NOISES, NOISE_PRIOR = (0.0007, 0.002, 0.006, 0.02), (1.0, 1.0, 1.0, 0.3)
NOISE_SHARE = 0.1


def scale(heights: Array) -> Array:
    """The standard deviation of the process where the bowl has these heights."""
    return np.asarray(np.sqrt(FLOOR**2 + (SHARE * heights) ** 2))


def noise(level: float, heights: Array) -> Array:
    """The standard deviation of the luck of a run at these heights."""
    return np.asarray(np.sqrt(level**2 + (NOISE_SHARE * heights) ** 2))


def alike(rates: Array, horizons: Array, other_rates: Array, other_horizons: Array) -> Array:
    """The correlation of the process at one list of places with that at another: Matern, of smoothness 5/2."""
    distance = np.sqrt(5) * np.abs(rates[:, None] - other_rates) / RATE_LENGTH
    apart = (np.log10(horizons)[:, None] - np.log10(other_horizons)) / HORIZON_LENGTH
    return np.asarray((1 + distance + distance**2 / 3) * np.exp(-distance - apart**2 / 2))
