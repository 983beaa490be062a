"""The DeepOBS baselines as tables: 4 problems x 3 optimizers x 36 constant rates of 100 epochs.

From fsschneider/DeepOBS_Baselines (MIT; Schneider, Balles, Hennig: DeepOBS, ICLR 2019, arXiv:1903.05499): the
test loss after each epoch in `curves.csv.gz`, single losses in `minibatch.npz`, the settings in `runs.csv`.
As the rate is constant, a shorter run is the first part of a longer one. There is one seed for most rates, so
here, other than for the live tasks, what a method sees is also what judges it.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.chooser.tables import Answer, Array, Table

NAMES = {"AdamOptimizer": "adam", "MomentumOptimizer": "momentum", "GradientDescentOptimizer": "sgd"}
DEV = frozenset({"cifar10_3c3d", "quadratic_deep"})
SEED = 42


def read(folder: Path) -> list[Table]:
    """Every sweep in `folder`, the directory that holds `runs.csv`."""
    runs = pd.read_csv(folder / "runs.csv")
    curves = dict(iter(pd.read_csv(folder / "curves.csv.gz").groupby("curve")["test_loss"]))
    batches = np.load(folder / "minibatch.npz")
    sweeps = runs[runs.seed == SEED].sort_values("lr").groupby(["problem", "optimizer"])
    return [_table(str(problem), str(name), sweep, curves, batches) for (problem, name), sweep in sweeps]


def _table(
    problem: str, name: str, sweep: pd.DataFrame, curves: dict[int, pd.Series], batches: np.lib.npyio.NpzFile
) -> Table:
    rates = np.log10(sweep.lr.to_numpy(float))
    losses = np.stack([curves[number].to_numpy(float) for number in sweep.curve])
    breaks = [_broken(batches[str(n)], total) for n, total in zip(sweep.curve, sweep.n_minibatch, strict=True)]
    start = float(np.median(losses[:, 0]))

    def source(rate: float, share: float, seed: int, whole: bool) -> Answer:
        place = int(np.argmin(np.abs(rates - rate)))
        return prefix(losses[place], breaks[place], share, start)

    return Table(
        problem,
        "DeepOBS",
        problem in DEV,
        NAMES[name],
        "constant",
        float(rates[0]),
        float(rates[-1]),
        rates,
        np.where(np.isfinite(losses[:, -1]), losses[:, -1], math.inf),
        start,
        source,
        discrete=True,
    )


def prefix(curve: Array, broken: float, share: float, start: float) -> Answer:
    """The first `share` of a run with these losses after each epoch, lost at the share `broken` if not before."""
    epochs = curve.size - 1
    seen = curve[: math.ceil(share * epochs) + 1]
    if not np.isfinite(seen).all():
        gone = int(np.flatnonzero(~np.isfinite(seen))[0]) / epochs
        return Answer(math.inf, start, min(share, gone, broken))
    return Answer(float(np.interp(share * epochs, np.arange(curve.size), curve)), start, share)


def _broken(batches: Array, total: int) -> float:
    """Where in the run the first single loss without a number was recorded, as a share of it."""
    gone = np.flatnonzero(~np.isfinite(batches[:, 1]))
    return float(batches[gone[0], 0] / total) if gone.size else math.inf
