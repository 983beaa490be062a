"""The other settings, searched jointly with the rate."""

from __future__ import annotations

from typing import Any

from stepsize.tuner.notes import Notes, Search, first_new
from stepsize.tuner.space import fields
from stepsize.tuner.surface import Point, likeliest, propose
from stepsize.tuner.trial import Trial

# Draws from the response surface; where the settings are few, many of them propose what was tried.
MOST_DRAWS = 200


def joint(notes: Notes, middle: Any, limit: float, duel_limit: float) -> Search:
    """Search the other settings jointly with the rate; returns those to go on with."""
    plan, steps = notes.plan, notes.plan.short
    half = (0.5,) * len(plan.space)
    points: list[Point] = [(r.trial.rate, half) for r in notes.at(middle, steps)]
    losses = [r.loss for r in notes.at(middle, steps)]
    for draw in range(MOST_DRAWS):
        if not notes.affords(steps, limit - 3 * steps / plan.steps):
            break
        rate, shares = propose(points, losses, plan.space, plan.seed + draw)
        trial = Trial(notes.inside(rate), steps, plan.seed, tuple(fields(plan.space, shares).items()))
        if any(known.trial == trial for known in notes.results):
            continue
        result = yield from notes.ask(trial)
        points.append((trial.rate, shares))
        losses.append(result.loss)
    rate, shares = likeliest(points, losses, plan.space)
    chosen = tuple(fields(plan.space, shares).items())
    for offset in (0.5, -0.5):
        if notes.affords(steps, limit):
            yield from first_new(notes, (rate + offset, rate - offset), steps, chosen)
    if chosen == middle or not notes.affords(2 * plan.middle, duel_limit):
        return chosen
    return (yield from _duel(notes, middle, chosen))


def _duel(notes: Notes, middle: Any, chosen: Any) -> Search:
    """Each at its own best rate over a middle run: a choice made on short runs must hold on longer ones."""
    plan = notes.plan
    results = []
    for settings in (chosen, middle):
        rate = notes.stable(notes.basin(settings).recommended(plan.middle / plan.steps), plan.middle, settings)
        results.append((yield from notes.ask(Trial(rate, plan.middle, plan.seed, settings))))
    return chosen if results[0].loss <= results[1].loss else middle
