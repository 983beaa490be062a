"""Which rate to try next at one length: first a bracket, then wherever the most improvement is expected."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from stepsize.tuner.basin import Basin
from stepsize.tuner.notes import BELOW_DIVERGED, EDGE, SAME, Notes, Search
from stepsize.tuner.plan import Result
from stepsize.tuner.trial import Trial

# A side of the bracket is closed when it is worse than the best by this share of the gain.
CLEARLY_WORSE = 0.2
# Trials of one round lie at least this many decades apart.
APART = 0.2


def bracket(notes: Notes, settings: Any, steps: int, limit: float) -> Search:
    """Runs from the likeliest rate outwards in decades, until both sides are clearly worse."""
    centre = notes.inside(notes.prior(settings)[0])
    ends = {1.0: centre, -1.0: centre}
    first = [centre, *(notes.inside(centre + outwards) for outwards in ends)]
    if notes.affords(steps, limit, 3):
        yield from notes.ask_all([_trial(notes, rate, steps, settings) for rate in dict.fromkeys(first)])
        ends = {outwards: notes.inside(centre + outwards) for outwards in ends}
    else:
        yield from notes.ask(_trial(notes, centre, steps, settings))
    while True:
        wanted: list[float] = []
        for outwards, end in ends.items():
            if not _closed(notes, end, outwards, steps, settings):
                further = _further(notes, end, outwards)
                if further != end and notes.affords(steps, limit, len(wanted) + 1):
                    ends[outwards] = further
                    wanted.append(further)
        if not wanted:
            return
        yield from notes.ask_all([_trial(notes, rate, steps, settings) for rate in wanted])


def _further(notes: Notes, end: float, outwards: float) -> float:
    """The next rate outwards; the bounds give way where they keep the search from a side that is still open."""
    further = notes.inside(end + outwards)
    return notes.inside(end + outwards) if further == end and notes.widen(outwards) else further


def _closed(notes: Notes, end: float, outwards: float, steps: int, settings: Any) -> bool:
    """Whether there is no need to look further out than this rate."""
    results = notes.at(settings, steps)
    losses = {result.trial.rate: result.loss for result in results}
    finite = [loss for loss in losses.values() if math.isfinite(loss)]
    if not math.isfinite(losses[end]):
        return outwards > 0
    # Above a rate that diverged there is nothing to find, below it there may be.
    if outwards > 0 and any(not math.isfinite(losses[rate]) for rate in losses if rate <= end):
        return True
    best = min(finite)
    return losses[end] > best + CLEARLY_WORSE * max(notes.start - best, 0.0)


def explore(notes: Notes, settings: Any, steps: int, limit: float, worth: float) -> Search:
    """Runs at the rates that are expected to improve most, while that is `worth` it and can be afforded.

    Args:
        worth: an improvement, as a share of the gain of training.
    """
    while notes.affords(steps, limit):
        rates = promising(notes, settings, steps, worth)
        affordable = [rate for i, rate in enumerate(rates) if notes.affords(steps, limit, i + 1)]
        if not affordable:
            return
        yield from notes.ask_all([_trial(notes, rate, steps, settings) for rate in affordable])


def promising(notes: Notes, settings: Any, steps: int, worth: float) -> list[float]:
    """The rates of the next round, the best first; none where nothing is worth a run."""
    plan = notes.plan
    basin = notes.basin(settings)
    _widen(notes, basin, steps / plan.steps)
    made = notes.at(settings, steps)
    known = [r.trial.rate for r in made if math.isfinite(r.loss)]
    gains = basin.improvement(known, steps / plan.steps)
    gains = np.where(_open(notes, basin, made, settings), gains, -np.inf)
    chosen: list[float] = []
    for _ in range(plan.parallel):
        place = int(np.argmax(gains))
        if gains[place] == -math.inf or (known and gains[place] < worth):
            break
        chosen.append(round(float(basin.rates[place]), 4))
        gains[np.abs(basin.rates - chosen[-1]) < APART] = -np.inf
    return chosen


def _open(notes: Notes, basin: Basin, made: list[Result], settings: Any) -> Any:
    """Which of the rates may be tried: within the bounds, below what diverged, and new."""
    rates = basin.rates
    lost = min((r.trial.rate for r in notes.at(settings) if not math.isfinite(r.loss)), default=math.inf)
    inside = (rates >= notes.low - 1e-9) & (rates <= notes.high + 1e-9) & (rates <= lost - BELOW_DIVERGED + 1e-9)
    for result in made:
        inside &= np.abs(rates - result.trial.rate) > SAME
    return inside


def _widen(notes: Notes, basin: Basin, horizon: float) -> None:
    posterior = basin.optimum(horizon)
    if posterior[basin.rates > notes.high + 1e-9].sum() >= EDGE:
        notes.widen(1.0)
    if posterior[basin.rates < notes.low - 1e-9].sum() >= EDGE:
        notes.widen(-1.0)


def _trial(notes: Notes, rate: float, steps: int, settings: Any) -> Trial:
    return Trial(rate, steps, notes.plan.seed, settings)
