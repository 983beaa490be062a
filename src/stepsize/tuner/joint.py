"""The other settings, searched with the rate tuned anew for each."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from stepsize.tuner.notes import SAME, Notes, Search
from stepsize.tuner.outer import Outer, outer
from stepsize.tuner.space import Pairs, Space
from stepsize.tuner.surface import Told, expected
from stepsize.tuner.trial import Trial
from stepsize.tuner.valley import Seen, Valley, Valleys

# Short runs for one choice of the settings: the fewest before it is given up, and the most; then the same for
# the first with an optimizer, whose rates nobody knows yet.
RUNS, RUNS_AT_FIRST = (1, 3), (3, 5)
# The rate is good enough once the best one tried is expected to lie this little above the floor, as a height.
NEAR_ENOUGH = 0.015
# Settings are given up once they are this many standard deviations worse than the best.
HOPELESS = 2.0


def joint(notes: Notes, start: Pairs, limit: float, duel_limit: float) -> Search:
    """Search the other settings; returns those to go on with.

    Args:
        start: the settings the search has begun with.
        limit: of what may be spent on short runs, in full-run equivalents of the whole search.
        duel_limit: of what may be spent when the best settings have met the first ones.
    """
    space = notes.plan.space
    tried, losses = [start], [_loss(notes, start)]
    for settings in _proposals(notes, outer(space, notes.plan.seed), tried, losses):
        if not notes.affords(notes.plan.short, limit):
            break
        yield from _tune_rate(notes, settings, tried, limit)
        if notes.at(settings, notes.plan.short):
            tried.append(settings)
            losses.append(_loss(notes, settings))
    chosen = _best(notes, tried)
    if chosen == start:
        return start
    if not notes.affords(notes.plan.middle, duel_limit, 2):
        return chosen if _clearly(notes, chosen, start) else start
    return (yield from _duel(notes, start, chosen))


def _proposals(notes: Notes, sampler: Outer, tried: Sequence[Pairs], losses: Sequence[float]) -> Iterator[Pairs]:
    """What to try: what was known before, each optimizer, and then whatever the sampler says."""
    space = notes.plan.space
    for settings in (*space.first, *_each_optimizer(space, tried[0])):
        if settings not in tried:
            yield settings
    while (proposed := sampler.propose(_told(notes, tried), losses)) is not None:
        count = len(tried)
        yield proposed
        if len(tried) == count:
            return


def _each_optimizer(space: Space, start: Pairs) -> list[Pairs]:
    """The settings the search started from, under every other optimizer."""
    place = next((i for i, d in enumerate(space) if d.name == "optimizer"), None)
    if place is None:
        return []
    shares = list(space.shares(start))
    return [
        space.settings([*shares[:place], space[place].share_of(choice), *shares[place + 1 :]])
        for choice in space[place].choices
    ]


def _tune_rate(notes: Notes, settings: Pairs, tried: Sequence[Pairs], limit: float) -> Search:
    """Short runs at these settings until their best rate is known well enough, or they cannot win."""
    plan = notes.plan
    fewest, most = RUNS if _known_optimizer(settings, tried) else RUNS_AT_FIRST
    made = 0
    while made < most:
        valleys = _valleys(notes)
        valley = valleys.at(settings)
        if made >= fewest and (valley.left() < NEAR_ENOUGH or _hopeless(valleys, valley, tried)):
            return
        rates = _next_rates(notes, settings, valley, min(plan.parallel, most - made))
        while rates and not notes.affords(plan.short, limit, len(rates)):
            rates = rates[:-1]
        if not rates:
            return
        yield from notes.ask_all([Trial(rate, plan.short, plan.seed, settings) for rate in rates])
        made += len(rates)


def _next_rates(notes: Notes, settings: Pairs, valley: Valley, count: int) -> list[float]:
    """The rates to run next, as many as may be made at once: each as if those before it had been tried."""
    rates: list[float] = []
    for _ in range(count):
        rate = notes.stable(valley.next_rate(), notes.plan.short, settings)
        if any(abs(rate - other) <= SAME for other in valley.tried):
            return rates
        rates.append(rate)
        valley = replace(valley, tried=(*valley.tried, rate))
    return rates


def _known_optimizer(settings: Pairs, tried: Sequence[Pairs]) -> bool:
    return any(dict(other).get("optimizer") == dict(settings).get("optimizer") for other in tried)


def _hopeless(valleys: Valleys, valley: Valley, tried: Sequence[Pairs]) -> bool:
    best = min(valleys.at(settings).floor.mean for settings in tried)
    return valley.floor.mean - HOPELESS * valley.floor.sd > best


def _valleys(notes: Notes) -> Valleys:
    plan = notes.plan
    seen = [Seen(r.trial.settings, r.trial.rate, r.loss) for r in notes.results if r.trial.steps == plan.short]
    return Valleys(seen, notes.start, plan.space, plan.prior)


def _told(notes: Notes, tried: Sequence[Pairs]) -> list[Told]:
    valleys = _valleys(notes)
    return [Told(settings, valleys.at(settings).floor) for settings in tried]


def _loss(notes: Notes, settings: Pairs) -> float:
    """The least loss over rates, in the unit of the metric."""
    valleys = _valleys(notes)
    return valleys.best + valleys.gain * valleys.at(settings).floor.mean


def _best(notes: Notes, tried: Sequence[Pairs]) -> Pairs:
    """The settings tried of which most is expected, among those with a run that did not diverge."""
    values = expected(_told(notes, tried), notes.plan.space)
    finite = [any(math.isfinite(r.loss) for r in notes.at(settings)) for settings in tried]
    return tried[min(range(len(tried)), key=lambda place: (not finite[place], values[place]))]


def _clearly(notes: Notes, better: Pairs, worse: Pairs) -> bool:
    """Whether one floor lies below another by more than what is unknown of either."""
    a, b = (_valleys(notes).at(settings).floor for settings in (better, worse))
    return a.mean + a.sd < b.mean - b.sd


def _duel(notes: Notes, start: Pairs, chosen: Pairs) -> Search:
    """Each at its own best rate over a middle run: a choice made on short runs must hold on longer ones."""
    plan, valleys = notes.plan, _valleys(notes)
    basin = notes.basin(start)
    best = basin.recommended(plan.middle / plan.steps)
    # The best rate of any settings moves with the horizon as that of the first ones does.
    shift = best - basin.recommended(plan.short / plan.steps)
    wanted = ((chosen, valleys.at(chosen).near() + shift), (start, best))
    results = yield from notes.ask_all(
        [
            Trial(notes.stable(rate, plan.middle, settings), plan.middle, plan.seed, settings)
            for settings, rate in wanted
        ]
    )
    return chosen if results[0].loss <= results[1].loss else start
