"""How the verdict is learned: trees and small networks on the features of labelled runs, each seen as others log it."""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepsize._extras import extra
from stepsize.diagnosis.bench.table import Table
from stepsize.diagnosis.committee import Committee
from stepsize.diagnosis.forest import MISSING, Forest
from stepsize.diagnosis.kinds_of_features import GROUPS, group_of
from stepsize.diagnosis.nets import Nets, spread_out

# Trees see so many rows each: more would make them larger, not better.
TREES, LEAF, ROWS = 60, 3, 4_000
NETS, HIDDEN, EPOCHS, SHRINK, KNOTS = 4, 40, 40, 0.3, 33
# What people log besides the loss, and how often one of them is shown to the learner.
LOGGED: tuple[tuple[str, ...], ...] = (
    (),
    (),
    ("rate",),
    ("validation",),
    ("validation", "rate"),
    ("validation", "rate"),
    ("rate", "gradient"),
    ("validation", "rate", "gradient", "update"),
    ("validation", "rate", "gradient", "update"),
)


def fit(table: Table, seed: int = 0) -> Committee:
    """Learn a verdict from all rows of the table.

    Raises:
        MissingExtra: scikit-learn is not installed.
    """
    shown = masked(table, seed)
    known = np.isfinite(shown)
    return Committee(
        _forest(np.where(known, shown, MISSING), table, seed),
        _nets(np.where(known, shown, 0.0), known, table, seed),
    )


def masked(table: Table, seed: int) -> NDArray[np.float64]:
    """The features, without what somebody else would not have logged."""
    dice = np.random.default_rng(seed)
    groups = np.array([group_of(str(name)) for name in table.names])
    choice = dice.integers(len(LOGGED), size=len(table.x))
    hidden = np.array([[group in GROUPS[1:] and group not in logged for group in groups] for logged in LOGGED])
    return np.where(hidden[choice], np.nan, table.x).astype(float)


def _forest(x: NDArray[np.float64], table: Table, seed: int) -> Forest:
    with extra("bench"):
        from sklearn.ensemble import ExtraTreesClassifier
    share = min(1.0, ROWS / len(x))
    learner = ExtraTreesClassifier(
        TREES, min_samples_leaf=LEAF, max_features=0.3, bootstrap=True, max_samples=share, random_state=seed
    ).fit(x, table.action)
    trees = [one.tree_ for one in learner.estimators_]
    sizes = np.array([tree.node_count for tree in trees])
    joined = lambda name: np.concatenate([getattr(tree, name) for tree in trees])  # noqa: E731
    chances = np.concatenate([_fractions(tree) for tree in trees])
    return Forest(
        names=table.names,
        roots=np.r_[0, np.cumsum(sizes)[:-1]].astype(np.int32),
        feature=np.where(joined("children_left") < 0, -1, joined("feature")).astype(np.int8),
        threshold=joined("threshold").astype(np.float32),
        left=np.maximum(joined("children_left"), 0).astype(np.uint16),
        right=np.maximum(joined("children_right"), 0).astype(np.uint16),
        chances=np.rint(255 * chances).astype(np.uint8),
    )


def _fractions(tree: Any) -> NDArray[np.float64]:
    value: NDArray[np.float64] = tree.value[:, 0, :]
    return value / value.sum(1, keepdims=True)


def _nets(x: NDArray[np.float64], known: NDArray[np.bool_], table: Table, seed: int) -> Nets:
    with extra("bench"):
        from sklearn.neural_network import MLPClassifier
    levels = np.linspace(0.5 / KNOTS, 1 - 0.5 / KNOTS, KNOTS)
    spread = np.array([NormalDist().inv_cdf(level) for level in levels])
    knots = np.array([_knots(x[known[:, i], i], levels) for i in range(x.shape[1])])
    inputs = spread_out(x, known, knots.astype(np.float32), spread.astype(np.float32))
    learners = [
        MLPClassifier(
            (HIDDEN,), alpha=SHRINK, max_iter=EPOCHS, learning_rate_init=3e-3, n_iter_no_change=EPOCHS, random_state=i
        )
        for i in range(seed, seed + NETS)
    ]
    fitted = [_quietly(learner, inputs, table.action) for learner in learners]
    part = lambda name, layer: np.array([getattr(one, name)[layer] for one in fitted], np.float32)  # noqa: E731
    return Nets(
        names=table.names,
        knots=knots.astype(np.float32),
        spread=spread.astype(np.float32),
        w1=part("coefs_", 0),
        b1=part("intercepts_", 0),
        w2=part("coefs_", 1),
        b2=part("intercepts_", 1),
    )


def _knots(values: NDArray[np.float64], levels: NDArray[np.float64]) -> NDArray[np.float64]:
    # Repeated quantiles are told apart by a hair: np.interp wants them ascending.
    return np.quantile(values, levels) + 1e-6 * np.arange(levels.size) if values.size else np.arange(levels.size) * 1.0


def _quietly(learner: Any, x: NDArray[np.float64], y: NDArray[np.int8]) -> Any:
    """The epochs are few on purpose; that they are is no news."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return learner.fit(x, y)
