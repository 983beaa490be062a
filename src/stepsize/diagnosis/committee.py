"""`Committee`: trees and networks asked together; their mean is better than either."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from stepsize.diagnosis.forest import Floats, Forest, vector
from stepsize.diagnosis.nets import Nets


@final
@dataclass(frozen=True, eq=False)
class Committee:
    """What was learned from labelled runs."""

    forest: Forest
    nets: Nets

    @property
    def names(self) -> NDArray[np.str_]:
        """Of the features."""
        return self.forest.names

    def chances_of(self, features: Mapping[str, float]) -> tuple[Floats, Floats]:
        """The uncalibrated chances that the rate should be raised, kept and lowered, and what each feature added.

        The shapes are (3,) and (features, 3). A feature of the networks is told by what its absence would change.
        """
        x = vector(features, self.names)
        known = np.array([np.isfinite(features.get(str(name), np.nan)) for name in self.names])
        trees, parts = self.forest.chances_of(x)
        without = known & ~np.eye(x.size, dtype=bool)
        nets = self.nets.chances_of(np.tile(x, (x.size + 1, 1)), np.vstack([known, without]))
        return 0.5 * (trees + nets[0]), 0.5 * (parts + nets[0] - nets[1:])

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """All of it, by name, to be written with `numpy.savez`."""
        return self.forest.arrays() | self.nets.arrays()

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Committee:
        """Read what `arrays` gave from an npz file."""
        return cls(Forest.load(path), Nets.load(path))
