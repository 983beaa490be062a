"""ASHA by the rule of Ray Tune 2.60 (`ray/tune/schedulers/async_hyperband.py`, `_Bracket.on_result`).

A run that reaches a rung is stopped where its loss is above the quantile of all losses recorded at that rung,
itself not among them; a NaN is recorded nowhere and stops nothing, since it is never below a cutoff (Ray's
`if cutoff is not None and cur_rew < cutoff`). Runs are made one after another, at random rates. Ray's defaults:
grace period 1 of 100 time units, reduction factor 4; here the rungs are shares of the full run.
"""

from __future__ import annotations

import math

import numpy as np

from benchmarks.chooser.desk import Best, Desk

FACTOR = 4
RUNGS = (1 / 64, 1 / 16, 1 / 4)  # and the end


def search(desk: Desk) -> None:
    """Raises Spent."""
    draw, best = np.random.default_rng(desk.seed), Best(desk)
    recorded: dict[float, list[float]] = {rung: [] for rung in RUNGS}
    while True:
        rate = float(draw.uniform(desk.low, desk.high))
        number = desk.begin(rate, RUNGS[0])
        loss = _climb(desk, number, rate, recorded)
        best.saw(rate, loss)


def _climb(desk: Desk, number: int, rate: float, recorded: dict[float, list[float]]) -> float:
    """The loss at the end of a run, or infinity where it was stopped."""
    for rung in RUNGS:
        loss = desk.go_on(number, rate, rung).loss
        if not math.isfinite(loss):
            return math.inf  # the script that trains ends by itself; Ray would let it run
        stop = on_result(recorded[rung], loss)
        if stop:
            return math.inf
    return desk.go_on(number, rate, 1.0).loss


def on_result(recorded: list[float], loss: float) -> bool:
    """Whether to stop a run with this loss at a rung; it is recorded either way."""
    cutoff = np.nanpercentile(recorded, 100 / FACTOR) if recorded else None
    recorded.append(loss)
    return cutoff is not None and bool(loss > cutoff)
