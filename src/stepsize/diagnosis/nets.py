"""`Nets`: a few small neural networks, read from a file and evaluated with NumPy alone, one run at a time."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from typing import final

import numpy as np
from numpy.typing import NDArray

from stepsize.diagnosis.forest import Floats


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

    def chances_of(self, x: Floats, known: NDArray[np.bool_]) -> Floats:
        """The chance of each class, the mean over the networks; shape (rows, classes).

        Args:
            x: rows of features as `forest.vector` gives them.
            known: which of them are, shape (rows, features) likewise.
        """
        inputs = spread_out(x, known, self.knots, self.spread)
        hidden = np.maximum(np.einsum("ri,nij->rnj", inputs, self.w1) + self.b1, 0)
        scores = np.einsum("rnj,njk->rnk", hidden, self.w2) + self.b2
        odds = np.exp(scores - scores.max(-1, keepdims=True))
        chances: Floats = (odds / odds.sum(-1, keepdims=True)).mean(1).astype(float)
        return chances

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """All of it, by name, to be written with `numpy.savez`."""
        return {f"net_{field.name}": getattr(self, field.name) for field in fields(self)}

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Nets:
        """Read what `arrays` gave from an npz file, among whatever else it holds."""
        with np.load(path, allow_pickle=False) as held:
            return cls(**{field.name: held[f"net_{field.name}"] for field in fields(cls)})


def spread_out(x: Floats, known: NDArray[np.bool_], knots: NDArray[np.float32], spread: NDArray[np.float32]) -> Floats:
    """Rows of features by their quantiles, 0 for the unknown."""
    columns = [np.interp(x[:, i], knots[i], spread) for i in range(x.shape[1])]
    return np.where(known, np.stack(columns, 1), 0.0)
