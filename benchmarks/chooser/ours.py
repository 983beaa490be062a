"""stepsize's own search at the desk: the coroutine that `tune` drives, answered out of a table."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, NamedTuple

from benchmarks.chooser.desk import Desk
from stepsize.tuner.order import order
from stepsize.tuner.plan import Plan, Result
from stepsize.tuner.strategy import search


class Answered(NamedTuple):
    """What our search concluded: log10 of the rate, its 80 % range for the best rate, what it paid, runs made."""

    rate: float
    low: float
    high: float
    cost: float
    trials: int


def plan(desk: Desk, budget: float) -> Plan:
    """What `tune` would search, were it given this range of rates; the prior's centre moves a little."""
    table = desk.table
    asked = order(
        "",
        "loss",
        steps=table.steps,
        budget=budget,
        optimizer=table.optimizer,
        schedule=table.schedule,
        low=10**desk.low,
        high=10**desk.high,
        widen=False,  # beyond them nothing is recorded
    ).plan
    return replace(asked, prior=(asked.prior[0] + desk.aside, asked.prior[1]))


def answer(desk: Desk) -> Answered:
    """A whole search for the desk's budget. A search that finds no finite loss at all answers NaN."""
    asked = plan(desk, desk.budget)
    searching = search(asked)
    try:
        trials = next(searching)
        while True:
            trials = searching.send(tuple(_result(desk, trial) for trial in trials))
    except StopIteration as end:
        decision: Any = end.value
    low, high = (float(decision.basin.quantile(share)) for share in (0.1, 0.9))
    desk.recommend(decision.rate)
    return Answered(decision.rate, low, high, desk.spent, desk.trials)


def _result(desk: Desk, trial: Any) -> Result:
    told = desk.run(trial.rate, trial.steps / desk.table.steps, trial.seed)
    start = told.start if math.isfinite(told.start) else math.nan
    return Result(trial, told.loss, start, told.cost)
