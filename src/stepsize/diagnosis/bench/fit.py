"""How the verdict is learned: small networks on the features of labelled runs, each seen as somebody would log it."""

from __future__ import annotations

import warnings
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepsize._extras import extra
from stepsize.diagnosis.bench.table import Table
from stepsize.diagnosis.feature_groups import LOGS, group_of
from stepsize.diagnosis.features.rate import OPTIMIZERS
from stepsize.diagnosis.nets import Nets, spread_out

NETS, HIDDEN, EPOCHS, SHRINK, KNOTS = 5, 40, 8, 0.3, 33
# So many logs of a rate do not name the optimizer; so many with a gradient norm have no update ratio, or the reverse.
UNNAMED, ALONE = 0.15, 0.25


def fit(table: Table, log: str, seed: int = 0) -> Nets:
    """Learn a verdict for one kind of log from all rows of the table.

    Args:
        table: of labelled runs.
        log: one of `LOGS`.
        seed: of the networks, and of what is hidden from them.
    Raises:
        MissingExtra: scikit-learn is not installed.
    """
    with extra("bench"):
        from sklearn.neural_network import MLPClassifier
    used = shown(table, log)
    x = _as_incomplete(table.x[:, used].astype(float), table.names[used], seed)
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
    return Nets(table.names[used], knots, spread, **weights)


def shown(table: Table, log: str) -> NDArray[np.bool_]:
    """Which features such a log allows."""
    return np.array([group_of(str(name)) in LOGS[log] for name in table.names])


def _as_incomplete(x: NDArray[np.float64], names: NDArray[np.str_], seed: int) -> NDArray[np.float64]:
    """Some rows without the name of the optimizer, without the gradient norm, or without the update ratio."""
    dice = np.random.default_rng(seed)
    rates = np.array(
        [str(name).startswith("rate_") and str(name).removeprefix("rate_") in OPTIMIZERS for name in names]
    )
    unnamed = dice.random(len(x)) < UNNAMED
    if rates.any() and "rate_unknown" in names:
        known = np.nanmax(np.where(np.isfinite(x[:, rates]), x[:, rates], -np.inf), axis=1)
        x[unnamed, list(names).index("rate_unknown")] = known[unnamed]
        x[np.ix_(unnamed, rates)] = np.nan
    groups = np.array([group_of(str(name)) for name in names])
    for group in ("gradient", "update"):
        x[np.ix_(dice.random(len(x)) < ALONE, groups == group)] = np.nan
    return x


def _knots(values: NDArray[np.float64], levels: NDArray[np.float64]) -> NDArray[np.float64]:
    # Repeated quantiles are told apart by a hair: np.interp wants them ascending.
    apart = 1e-5 * np.arange(levels.size)
    return np.asarray(np.quantile(values, levels) + apart if values.size else apart, dtype=np.float64)


def _teach(learner: Any, x: NDArray[np.float64], y: NDArray[np.int8]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the epochs are few on purpose
        learner.fit(x, y)
