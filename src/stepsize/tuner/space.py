"""The space of a search: what may vary besides the learning rate."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from stepsize._codec import is_finite, summary
from stepsize.errors import InvalidSpace
from stepsize.loop import rate_bound

# A range that spans at least this ratio is searched by ratios, a narrower one by differences.
LOG_RATIO = 10.0
# The bounds of settings whose meaning gives them some.
SHARES = ("warmup", "beta1", "beta2", "momentum", "alpha", "rho", "dampening")


@final
@dataclass(frozen=True)
class Dimension:
    """One setting that may vary: over a range, or among choices.

    Attributes:
        name: of the setting.
        choices: the values it may have; empty for a range.
        low, high: the ends of a range.
        whole: only whole numbers.
    """

    name: str
    choices: tuple[Any, ...] = ()
    low: float = 0.0
    high: float = 1.0
    whole: bool = False

    def at(self, share: float) -> Any:
        """The value at `share` (from 0 to 1) of the way through the dimension."""
        if self.choices:
            return self.choices[min(int(share * len(self.choices)), len(self.choices) - 1)]
        value = self._from_line(share)
        return round(value) if self.whole else float(f"{value:.6g}")

    def _from_line(self, share: float) -> float:
        if self.name in ("beta1", "beta2", "momentum"):
            # What matters is how far the average is from holding for ever: search 1 - value by ratios.
            return 1 - float((1 - self.low) ** (1 - share) * (1 - self.high) ** share)
        if self.low > 0 and self.high / self.low >= LOG_RATIO:
            return float(self.low ** (1 - share) * self.high**share)
        return self.low * (1 - share) + self.high * share

    def features(self, share: float) -> list[float]:
        """The position as coordinates in [-1, 1]: one for a range, one a choice otherwise."""
        if not self.choices:
            return [2 * share - 1]
        chosen = min(int(share * len(self.choices)), len(self.choices) - 1)
        return [1.0 if i == chosen else 0.0 for i in range(len(self.choices))]


def parse_space(space: Mapping[str, Any] | None) -> tuple[Dimension, ...]:
    """The dimensions of `space`: `{"weight_decay": (1e-4, 0.3), "batch_size": [32, 64]}`.

    A pair in a tuple is a range; anything in a list are choices.

    Raises:
        InvalidSpace: an entry is neither, is empty, or runs the wrong way; the message names it.
    """
    return tuple(_dimension(str(name), value) for name, value in (space or {}).items())


def _dimension(name: str, value: Any) -> Dimension:
    if name == "lr":
        raise InvalidSpace("the rate is searched anyway: bound it with low and high, not in the space")
    if isinstance(value, list):
        if not value:
            raise InvalidSpace(f"{name} has no choices; give at least one")
        return Dimension(name, choices=tuple(value))
    if isinstance(value, tuple) and len(value) == 2:
        return _range(name, value)
    raise InvalidSpace(f"{name} must be a range (low, high) or a list of choices; got {summary(value)}")


def _range(name: str, value: tuple[Any, Any]) -> Dimension:
    low, high = value
    if not all(isinstance(v, int | float) and is_finite(v) for v in value) or not low < high:
        raise InvalidSpace(f"{name} must run from a lower to a higher finite number, got {summary(value)}")
    if name in SHARES and not 0 <= low < high < 1:
        raise InvalidSpace(f"{name} is a share, so its range must lie in 0 <= low < high < 1; got {summary(value)}")
    return Dimension(
        name,
        low=float(low),
        high=float(high),
        whole=isinstance(low, int) and isinstance(high, int) and name not in SHARES,
    )


def spread_points(count: int, dimensions: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """`count` points that fill the unit cube evenly: Roberts' R sequence, the first in the middle."""
    # The generalised golden ratio: the root of x^(d+1) = x + 1.
    ratio = 2.0
    for _ in range(30):
        ratio = (1 + ratio) ** (1 / (dimensions + 1))
    steps = ratio ** -np.arange(1, dimensions + 1)
    return np.asarray((0.5 + np.outer(np.arange(count), steps)) % 1.0)


def valid_range(low: float, high: float) -> tuple[float, float]:
    """The bounds of the learning rate, checked."""
    bounds = math.log10(rate_bound(low, "low")), math.log10(rate_bound(high, "high"))
    if not low < high:
        raise InvalidSpace(f"low must be below high, got low={low!r}, high={high!r}")
    return bounds


def fields(dimensions: Sequence[Dimension], shares: Sequence[float]) -> dict[str, Any]:
    """The settings at a point of the unit cube."""
    return {dimension.name: dimension.at(share) for dimension, share in zip(dimensions, shares, strict=True)}
