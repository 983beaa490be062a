"""The strategy: which runs to make next, and what to conclude.

A coroutine that yields rounds of trials and is sent their results; it knows neither trainings nor files, so the
same results always lead to the same decisions, whether they were just measured or read from a study.

1. First: runs of a sixteenth of the length, each with its own complete schedule, bracket the best rate and then go
   where improvement is expected.
2. If more than the rate is searched: short runs for other settings, the rate tuned anew for each.
3. Middle: runs of a quarter of the length show how the optimum moves with the horizon.
4. Full: where improvement is expected over the best full run so far; once none is, the same with another seed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from stepsize.errors import EngineError
from stepsize.tuner.basin import Basin
from stepsize.tuner.explore import bracket, explore
from stepsize.tuner.joint import joint
from stepsize.tuner.notes import Notes, Search
from stepsize.tuner.plan import Decision, Plan, Result
from stepsize.tuner.trial import Trial

# What the stages before the full runs have at least, of which the first may take this much, in full runs; and what
# the search of other settings may have, as a share of the budget and in all.
BEFORE_FULL, FIRST_MOST = 0.6, 0.45
JOINT_SHARE, JOINT_MOST = 0.35, 3.0
# Expected improvements, as shares of the gain, below which a shorter or a full run is not worth its cost.
SHORT_WORTH, FULL_WORTH = 2e-3, 1e-6
# A rate nobody ran at full length is recommended only where fewer were than this, and if it is expected to be better
# by this share of the gain.
MANY, CLEARLY_BETTER = 4, 5e-3


def search(plan: Plan) -> Search:
    """The whole search: yields rounds of trials, is sent their results, returns a `Decision`.

    Raises:
        EngineError: no rate at all gave a finite loss.
    """
    notes = Notes(plan)
    settings = plan.space.start
    full_runs = _full_runs(plan)
    limit = plan.budget - full_runs
    steps = yield from _bracketed(notes, settings, limit)
    if not any(math.isfinite(result.loss) for result in notes.results):
        raise EngineError(_nothing_finite(notes))
    first_limit = limit if plan.fixed or steps != plan.first else min(limit, FIRST_MOST)
    yield from explore(notes, settings, steps, first_limit, SHORT_WORTH)
    if plan.space:
        share = notes.spent + min(JOINT_SHARE * plan.budget, JOINT_MOST)
        settings = yield from joint(notes, settings, min(share, limit), limit)
    yield from explore(notes, settings, plan.middle, limit, SHORT_WORTH)
    if full_runs:
        yield from explore(notes, settings, plan.steps, plan.budget, FULL_WORTH)
        yield from _confirm(notes, settings)
    return conclude(plan, notes.results, settings)


def _bracketed(notes: Notes, settings: Any, limit: float) -> Search:
    """A bracket of the best rate, by runs of twice the length if the first learned nothing; their length."""
    plan = notes.plan
    yield from bracket(notes, settings, plan.first, limit)
    if plan.short == plan.first or notes.learned(settings, plan.first) or not notes.affords(plan.short, limit, 3):
        return plan.first
    yield from bracket(notes, settings, plan.short, limit)
    return plan.short


def _full_runs(plan: Plan) -> int:
    """Full runs kept for the end."""
    if plan.fixed:
        return 0
    joint = min(JOINT_SHARE * plan.budget, JOINT_MOST) if plan.space else 0.0
    return max(0, math.floor(plan.budget - BEFORE_FULL - joint))


def _confirm(notes: Notes, settings: Any) -> Search:
    """The recommended rate once more, with another seed."""
    plan = notes.plan
    if not notes.affords(plan.steps, plan.budget):
        return
    rate = _recommended(notes, notes.basin(settings), settings)
    if any(result.trial.rate == rate for result in notes.at(settings, plan.steps)):
        yield from notes.ask(Trial(rate, plan.steps, plan.seed + 1, settings))


def conclude(plan: Plan, results: Sequence[Result], settings: Any) -> Decision:
    """What the results say of these settings."""
    notes = Notes(plan, list(results))
    basin = notes.basin(settings)
    rate = _recommended(notes, basin, settings)
    full = notes.at(settings, plan.steps)
    confirmed = sum(r.trial.rate == rate and math.isfinite(r.loss) for r in full)
    return Decision(rate, settings, basin, confirmed, tuple(results))


def _recommended(notes: Notes, basin: Basin, settings: Any) -> float:
    """What did best at full length, unless another rate is clearly expected to do better."""
    by_rate: dict[float, list[float]] = {}
    for result in notes.at(settings, notes.plan.steps):
        by_rate.setdefault(result.trial.rate, []).append(result.loss)
    seen = {rate: float(np.mean(losses)) for rate, losses in by_rate.items() if np.isfinite(losses).all()}
    expected = notes.stable(basin.recommended(), notes.plan.steps, settings)
    if not seen:
        return expected
    best = min(seen, key=lambda rate: seen[rate])
    better = len(seen) < MANY and basin.cost_at(expected) < basin.cost_at(best) - CLEARLY_BETTER
    return expected if better else best


def _nothing_finite(notes: Notes) -> str:
    rates = [10**r.trial.rate for r in notes.results]
    return (
        f"no rate from {min(rates):.3g} to {max(rates):.3g} gave a finite loss, so the rate is not what is wrong; "
        "check the data, the model and the loss for NaN, or lower the range with low"
    )
