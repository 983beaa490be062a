"""`Nets`: a few small neural networks, read from a file and evaluated with NumPy alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
# A feature beyond these is as extreme as it can be.
MOST = 12.0
HALF = ("w1", "b1", "w2", "b2")


@final
@dataclass(frozen=True, eq=False)
class Nets:
    """Networks with one hidden layer over named features, each feature first spread evenly by its quantiles.

    Attributes:
        names: of the features.
        knots: quantiles of each feature; shape (features, knots).
        spread: what the quantiles become: those of a normal distribution. A missing feature becomes 0, the middle.
        w1, b1, w2, b2: weights and biases; the first axis counts the networks.
    """

    names: NDArray[np.str_]
    knots: NDArray[np.float32]
    spread: NDArray[np.float32]
    w1: NDArray[np.float32]
    b1: NDArray[np.float32]
    w2: NDArray[np.float32]
    b2: NDArray[np.float32]

    def chances_of(self, x: Floats) -> Floats:
        """The chance of each class, the mean over the networks: shape (rows, classes).

        Args:
            x: rows of features as `row` gives them; NaN for the missing.
        """
        inputs = spread_out(x, self.knots, self.spread)
        hidden = np.maximum(np.einsum("ri,nij->rnj", inputs, self.w1) + self.b1, 0)
        scores = np.einsum("rnj,njk->rnk", hidden, self.w2) + self.b2
        odds = np.exp(scores - scores.max(-1, keepdims=True))
        chances: Floats = (odds / odds.sum(-1, keepdims=True)).mean(1).astype(float)
        return chances

    def carried_by(self, x: Floats, families: NDArray[np.intp], count: int) -> Floats:
        """What each family of features adds to the log-odds of each class, told by its absence: (families, classes).

        Args:
            x: the features of the run.
            families: the number of each feature's family, from 0.
            count: of families.
        """
        hidden = families[None] == np.arange(count)[:, None]
        chances = self.chances_of(np.vstack([x, np.where(hidden, np.nan, x)]))
        odds = np.log(np.maximum(chances, 1e-6) / np.maximum(1 - chances, 1e-6))
        added: Floats = odds[0] - odds[1:]
        return added

    def row(self, features: Mapping[str, float]) -> Floats:
        """The features in the order of the names, within bounds."""
        known = np.array([features.get(str(name), np.nan) for name in self.names], dtype=float)
        return within(known)

    def arrays(self, prefix: str = "") -> dict[str, NDArray[np.generic]]:
        """All of it, by name, to be written with `numpy.savez`; weights need no more than half precision."""
        named = {field.name: getattr(self, field.name) for field in fields(self)}
        return {prefix + name: part.astype(np.float16) if name in HALF else part for name, part in named.items()}

    @classmethod
    def taken(cls, held: Mapping[str, NDArray[Any]], prefix: str = "") -> Nets:
        """What `arrays` gave, among whatever else is held."""
        found: dict[str, Any] = {field.name: held[prefix + field.name] for field in fields(cls)}
        return cls(**found | {name: found[name].astype(np.float32) for name in HALF})


def within(features: Floats) -> Floats:
    """Features no more extreme than `MOST`."""
    bounded: Floats = np.clip(features, -MOST, MOST)
    return bounded


def spread_out(x: Floats, knots: NDArray[np.float32], spread: NDArray[np.float32]) -> Floats:
    """Rows of features by their quantiles, 0 for the missing."""
    columns = [np.interp(x[:, i], knots[i], spread) for i in range(x.shape[1])]
    return np.where(np.isnan(x), 0.0, np.stack(columns, 1))
