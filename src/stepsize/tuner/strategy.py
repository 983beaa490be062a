"""The strategy: which run to make next, and what to conclude.

A coroutine that yields trials and is sent their results; it knows neither trainings nor files, so the
same results always lead to the same decisions, whether they were just measured or read from a study.

1. Bracket: short runs, each with its own complete schedule, from the prior's rate outwards in decades
   until both sides are clearly worse, then in between.
2. If more than the rate is searched: short runs where the response surface looks best, jointly.
3. Middle: a few runs at about a third of the length show how the optimum moves with the horizon.
4. Full: a run at the rate of least expected cost; then where that moves to, or where the optimum may
   still be; once nothing is left to learn from another rate, the same with another seed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from stepsize.errors import EngineError
from stepsize.tuner.joint import joint
from stepsize.tuner.notes import Notes, Search, first_new
from stepsize.tuner.plan import Decision, Plan, Result
from stepsize.tuner.space import fields
from stepsize.tuner.trial import Trial

# Shares of the budget that the stages may spend, and what more of it never helps with.
BRACKET_SHARE, BRACKET_MOST = 0.33, 1.25
JOINT_SHARE, JOINT_MOST = 0.35, 3.0
MIDDLE_SHARE, MIDDLE_MOST = 0.27, 1.1
# A side of the bracket is closed when it is worse than the best by this share of the gain.
CLEARLY_WORSE = 0.2
# The optimum's likely range must reach this many decades beyond a rate for another full run to look there.
WORTH_A_RUN = 0.25


def search(plan: Plan) -> Search:
    """The whole search: yields trials, is sent their results, returns a `Decision`.

    Raises:
        EngineError: no rate at all gave a finite loss.
    """
    notes = Notes(plan)
    settings = tuple(fields(plan.space, [0.5] * len(plan.space)).items())
    before_full = plan.budget - _reserved(plan.budget)
    yield from _bracket(notes, settings, min(BRACKET_SHARE * plan.budget, BRACKET_MOST, before_full))
    if plan.space:
        limit = notes.spent + min(JOINT_SHARE * plan.budget, JOINT_MOST)
        settings = yield from joint(notes, settings, min(limit, before_full), before_full)
    limit = notes.spent + min(MIDDLE_SHARE * plan.budget, MIDDLE_MOST)
    yield from _middle(notes, settings, min(limit, before_full))
    if _reserved(plan.budget):
        yield from _full(notes, settings)
    return conclude(plan, notes.results, settings)


def _reserved(budget: float) -> int:
    """Full runs kept for the end: none where they would leave nothing to choose them by."""
    if budget < 2:
        return 0
    return 1 if budget < 4 else 2


def _bracket(notes: Notes, settings: Any, limit: float) -> Search:
    plan, steps = notes.plan, notes.plan.short
    centre = notes.inside(plan.prior[0])
    middle = yield from notes.ask(Trial(centre, steps, plan.seed, settings))
    # Above a rate that diverged there is nothing to find, below it there may be.
    for outwards in (1.0, -1.0) if math.isfinite(middle.loss) else (-1.0,):
        rate = centre
        while notes.affords(steps, limit) and notes.inside(rate + outwards) != rate:
            rate = notes.inside(rate + outwards)
            result = yield from notes.ask(Trial(rate, steps, plan.seed, settings))
            if _closes(notes, result, outwards, settings):
                break
    if not any(math.isfinite(result.loss) for result in notes.results):
        raise EngineError(_nothing_finite(notes))
    # Halfway to each neighbour of the best, then half of that.
    for width in (0.5, 0.5, 0.25, 0.25):
        if not notes.affords(steps, limit):
            return
        best = min(notes.at(settings, steps), key=lambda r: r.loss).trial.rate
        yield from first_new(notes, (best + width, best - width), steps, settings)


def _closes(notes: Notes, result: Result, outwards: float, settings: Any) -> bool:
    """Whether there is no need to look further out than this result."""
    if not math.isfinite(result.loss):
        return outwards > 0
    best = min(r.loss for r in notes.at(settings, result.trial.steps))
    return result.loss > best + CLEARLY_WORSE * max(notes.start - best, 0.0)


def _middle(notes: Notes, settings: Any, limit: float) -> Search:
    plan, steps = notes.plan, notes.plan.middle
    horizon = steps / plan.steps
    for _ in range(3):
        if horizon == 1 or not notes.affords(steps, limit):
            return
        basin = notes.basin(settings)
        rate = basin.recommended(horizon)
        sides = sorted((basin.quantile(0.1, horizon), basin.quantile(0.9, horizon)), key=lambda q: -abs(q - rate))
        yield from first_new(notes, (rate, *sides, rate - 0.3, rate + 0.3), steps, settings)


def _full(notes: Notes, settings: Any) -> Search:
    plan = notes.plan
    while notes.affords(plan.steps, plan.budget):
        basin = notes.basin(settings)
        rate = notes.stable(basin.recommended(), plan.steps, settings)
        sides = [notes.stable(basin.quantile(share), plan.steps, settings) for share in (0.2, 0.8)]
        worth = sorted((side for side in sides if abs(side - rate) > WORTH_A_RUN), key=lambda q: -abs(q - rate))
        made = yield from first_new(notes, (rate, *worth), plan.steps, settings)
        if made:
            continue
        again = Trial(_nearest(notes.at(settings, plan.steps), rate), plan.steps, plan.seed + 1, settings)
        if any(r.trial == again for r in notes.results):
            return
        yield from notes.ask(again)


def _nearest(results: Iterable[Result], rate: float) -> float:
    return min((r.trial.rate for r in results), key=lambda other: abs(other - rate))


def conclude(plan: Plan, results: Sequence[Result], settings: Any) -> Decision:
    """What the results say of these settings."""
    notes = Notes(plan, list(results))
    basin = notes.basin(settings)
    full = notes.at(settings, plan.steps)
    finite = {r.trial.rate for r in full if math.isfinite(r.loss)}
    # What was seen at full length beats what is only expected of a rate nobody has run.
    rate = min(finite, key=basin.cost_at) if finite else notes.stable(basin.recommended(), plan.steps, settings)
    confirmed = sum(r.trial.rate == rate and math.isfinite(r.loss) for r in full)
    return Decision(rate, settings, basin, confirmed, tuple(results))


def _nothing_finite(notes: Notes) -> str:
    rates = [10**r.trial.rate for r in notes.results]
    return (
        f"no rate from {min(rates):.3g} to {max(rates):.3g} gave a finite loss, so the rate is not what is wrong; "
        "check the data, the model and the loss for NaN, or lower the range with low"
    )
