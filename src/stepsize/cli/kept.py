"""A study that was kept, drawn on a terminal as the search that made it: all its runs, and the picture of them."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from rich.console import Console

from stepsize.cli.board import Board
from stepsize.cli.listing import listing
from stepsize.cli.live import TALLEST, drawing
from stepsize.run import Run
from stepsize.run.store import Ledger
from stepsize.tuner import Study, Unfinished
from stepsize.tuner.order import Order
from stepsize.tuner.plan import Result
from stepsize.tuner.trial import Trial

# At so many updates a schedule is looked at for its peak.
POINTS = 1001


def draw_picture(study: Study) -> None:
    """The metric of all runs against their peak rate, on stdout."""
    plan = study.order.plan
    board = Board(plan.budget, plan.steps)
    for result in study.decision.results:
        board.ended(result, study.order.metric, True, 0.0)
    _draw(board, runs=False)


def draw_so_far(study: Unfinished) -> None:
    """The same of a search that has not ended, and its runs."""
    asked = _order(study)
    full = asked.plan.steps if asked else max((run.steps for run in study.runs), default=1)
    board = Board(asked.plan.budget if asked else 1.0, full)
    metric = asked.metric if asked and asked.metric else "loss"
    for run in study.runs:
        board.ended(_result(run, metric, asked, full), metric, False, 0.0)
    _draw(board, runs=True)


def _draw(board: Board, runs: bool) -> None:
    console = Console()
    width, ascii_only = console.width, console.options.ascii_only
    lines = drawing(board, width, TALLEST, ascii_only)
    if runs:
        lines += listing(board, width, len(board.rows) + 1, ascii_only)
    for line in lines:
        console.print(line, no_wrap=True, overflow="crop", highlight=False)


def _order(study: Unfinished) -> Order | None:
    """What was searched for, from the file the runs were read from."""
    if not study.runs or not study.runs[0].source:
        return None
    ledger = Ledger(study.runs[0].source, write=False)
    try:
        kept = ledger.note("order")
    finally:
        ledger.close()
    return Order.from_document(kept) if kept else None


def _result(run: Run, metric: str, asked: Order | None, full: int) -> Result:
    """A run as the search saw it, as far as the run says."""
    settings = {**(run.policy.constants if run.policy else {}), **run.settings}
    trial = Trial(_rate(run), run.steps, run.seed, tuple(settings.items()))
    made = run.steps if run.outcome == "finished" else run.updates
    if asked is None:
        return Result(trial, run.final(metric), math.nan, made / full)
    # In updates of the training's own batches, as the search counts them.
    planned = replace(trial, steps=round(asked.recipe.spent(trial, run.steps)))
    return Result(planned, run.final(metric), math.nan, asked.recipe.spent(trial, made) / full)


def _rate(run: Run) -> float:
    """Log10 of the peak rate, also of a run that ended before it."""
    peak = float(max(run["lr"])) if "lr" in run.columns else 0.0
    if run.policy and run.outcome != "finished":
        peak = float(np.max(run.policy.lr(np.linspace(0, run.steps, POINTS).round())))
    return math.log10(peak) if peak > 0 else 0.0
