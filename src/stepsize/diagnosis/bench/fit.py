"""How the verdict is learned: small networks on the features of labelled runs, each seen as somebody would log it."""

from __future__ import annotations

import warnings
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepsize._extras import extra
from stepsize.diagnosis.bench.table import Table
from stepsize.diagnosis.kinds_of_features import GROUPS, group_of
from stepsize.diagnosis.nets import Nets, spread_out

NETS, HIDDEN, EPOCHS, SHRINK, KNOTS = 5, 40, 30, 0.3, 33
# What people log besides the loss; each is shown to the learner as often as it stands here.
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


def fit(table: Table, seed: int = 0) -> Nets:
    """Learn a verdict from all rows of the table.

    Raises:
        MissingExtra: scikit-learn is not installed.
    """
    with extra("bench"):
        from sklearn.neural_network import MLPClassifier
    x = masked(table, seed)
    levels = (np.arange(KNOTS) + 0.5) / KNOTS
    spread = np.array([NormalDist().inv_cdf(level) for level in levels], dtype=np.float32)
    knots = np.array([_knots(column[np.isfinite(column)], levels) for column in x.T], dtype=np.float32)
    inputs = spread_out(x, knots, spread)
    settings: dict[str, Any] = {"alpha": SHRINK, "max_iter": EPOCHS, "n_iter_no_change": EPOCHS}
    learners = [
        MLPClassifier((HIDDEN,), learning_rate_init=3e-3, random_state=seed + i, **settings) for i in range(NETS)
    ]
    for learner in learners:
        _teach(learner, inputs, table.action)
    layers = {"w1": ("coefs_", 0), "b1": ("intercepts_", 0), "w2": ("coefs_", 1), "b2": ("intercepts_", 1)}
    weights = {
        ours: np.array([getattr(learner, theirs)[layer] for learner in learners], dtype=np.float32)
        for ours, (theirs, layer) in layers.items()
    }
    return Nets(table.names, knots, spread, **weights)


def masked(table: Table, seed: int) -> NDArray[np.float64]:
    """The features, without what somebody else would not have logged."""
    dice = np.random.default_rng(seed)
    choice = dice.integers(len(LOGGED), size=len(table.x))
    hidden = np.array([hidden_without(table, logged) for logged in LOGGED])
    return np.where(hidden[choice], np.nan, table.x).astype(float)


def hidden_without(table: Table, logged: tuple[str, ...]) -> NDArray[np.bool_]:
    """The features that need what was not logged."""
    groups = [group_of(str(name)) for name in table.names]
    return np.array([group in GROUPS[1:] and group not in logged for group in groups])


def _knots(values: NDArray[np.float64], levels: NDArray[np.float64]) -> NDArray[np.float64]:
    # Repeated quantiles are told apart by a hair: np.interp wants them ascending.
    apart = 1e-5 * np.arange(levels.size)
    return np.asarray(np.quantile(values, levels) + apart if values.size else apart, dtype=np.float64)


def _teach(learner: Any, x: NDArray[np.float64], y: NDArray[np.int8]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the epochs are few on purpose
        learner.fit(x, y)
