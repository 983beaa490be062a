"""Reading a ramp: what one curve of loss against a rising learning rate says."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Decades of rate over which a curve is smoothed: single batches say little.
SMOOTHING = 0.12
# The share of the ramp at its lower end where rates are too small to change anything.
QUIET = 0.15
# The loss has begun to fall once this share of the whole fall is reached.
BEGUN = 0.1
# It has turned up once this share of the fall is lost again.
TURNED = 0.25
# A fall must exceed the scatter of the smoothed curve by this factor to count.
CLEAR = 4.0


@final
@dataclass(frozen=True)
class Ramp:
    """What one ramp says, each rate as log10.

    Attributes:
        rates, losses: the smoothed curve.
        low: where the loss begins to fall.
        lowest: where it is lowest.
        high: where it has turned up or diverged; the end of the ramp if it never did.
        turned: whether it did.
        clear: whether the fall stands out from the noise.
    """

    rates: Array
    losses: Array
    low: float
    lowest: float
    high: float
    turned: bool
    clear: bool


def read_ramp(rates: Array, losses: Array, complete: bool) -> Ramp:
    """Read the losses seen at rising log10 `rates`; not `complete` if the training diverged."""
    finite = np.isfinite(losses)
    rates, losses = rates[finite], losses[finite]
    smooth = _smoothed(rates, losses)
    quiet = max(3, round(QUIET * losses.size))
    start = float(np.median(losses[:quiet]))
    noise = _noise(losses, smooth) / math.sqrt(_window(rates))
    bottom = int(np.argmin(smooth))
    fall = start - float(smooth[bottom])
    # Looked for from the bottom up: far below, a chance dip means nothing.
    above = np.flatnonzero(smooth[: bottom + 1] > start - BEGUN * fall)
    low = min(int(above[-1]) + 1, bottom) if above.size else 0
    risen = np.flatnonzero(smooth[bottom:] > smooth[bottom] + TURNED * fall)
    high = bottom + int(risen[0]) if risen.size else losses.size - 1
    turned = bool(risen.size) or not complete
    clear = fall > CLEAR * noise and fall > 1e-9 * max(1.0, abs(start))
    return Ramp(rates, smooth, float(rates[low]), float(rates[bottom]), float(rates[high]), turned, clear)


def _smoothed(rates: Array, losses: Array) -> Array:
    weights = np.exp(-(((rates[:, None] - rates) / SMOOTHING) ** 2) / 2)
    return np.asarray(weights @ losses / weights.sum(axis=1))


def _noise(losses: Array, smooth: Array) -> float:
    """The scatter of single losses around the smooth curve; the median keeps the blow-up out of it."""
    return 1.4826 * float(np.median(np.abs(losses - smooth)))


def _window(rates: Array) -> float:
    """How many losses one smoothed value averages."""
    return max(1.0, 2.5 * SMOOTHING * rates.size / max(float(rates[-1] - rates[0]), SMOOTHING))
