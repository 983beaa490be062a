"""`Forest`: decision trees, read from a file and evaluated with NumPy alone, one run at a time.

Every tree hands each class a chance, and the forest their mean. The chance changes on the way from the root to a leaf;
each change belongs to the feature that was asked there (Saabas 2014), so a chance is a sum over features, exactly.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
# In the place of a feature that is missing: below all others.
MISSING, MOST = -15.0, 12.0


@final
@dataclass(frozen=True, eq=False)
class Forest:
    """Trees over named features, as one row of nodes; a tree begins at each of `roots`.

    Attributes:
        names: of the features.
        roots: the first node of each tree.
        feature: the place in `names` that a node asks; -1 in a leaf.
        threshold: values up to it go left.
        left: the node for those, counted from the root.
        right: the node for the others, counted from the root.
        chances: of the classes among the runs that came to a node, in 255ths; shape (nodes, classes).
    """

    names: NDArray[np.str_]
    roots: NDArray[np.int32]
    feature: NDArray[np.int8]
    threshold: NDArray[np.float32]
    left: NDArray[np.uint16]
    right: NDArray[np.uint16]
    chances: NDArray[np.uint8]

    def chances_of(self, x: Floats) -> tuple[Floats, Floats]:
        """The chance of each class, and what each feature added to it: shapes (classes,) and (features, classes).

        Args:
            x: the features as `vector` gives them.
        """
        parts = np.zeros((x.size, self.chances.shape[1]))
        roots = self.roots.astype(np.intp)
        node = roots.copy()
        base = self.chances[node].sum(0) / 255.0
        inner = self.feature[node] >= 0
        while inner.any():
            roots, node = roots[inner], node[inner]
            asked = self.feature[node]
            below = roots + np.where(x[asked] <= self.threshold[node], self.left[node], self.right[node])
            np.add.at(parts, asked, (self.chances[below].astype(float) - self.chances[node]) / 255.0)
            node = below
            inner = self.feature[node] >= 0
        return (base + parts.sum(0)) / self.roots.size, parts / self.roots.size

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """All of it, by name, to be written with `numpy.savez`."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Forest:
        """Read what `arrays` gave from an npz file, among whatever else it holds."""
        with np.load(path, allow_pickle=False) as held:
            return cls(**{field.name: held[field.name] for field in fields(cls)})


def vector(features: Mapping[str, float], names: NDArray[np.str_]) -> Floats:
    """The features in the order of the names, within bounds; what is missing is `MISSING`."""
    x = np.array([features.get(str(name), np.nan) for name in names], dtype=float)
    return np.where(np.isnan(x), MISSING, np.clip(x, -MOST, MOST)).astype(np.float32).astype(float)
