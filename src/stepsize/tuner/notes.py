"""`Notes`: the results of a search so far, and what they say of one choice of the settings."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from typing import Any, final

from stepsize.tuner.basin import Basin, Score, fit
from stepsize.tuner.plan import Plan, Result
from stepsize.tuner.trial import Trial

# Rates closer than this many decades count as the same.
SAME = 0.09
# Where one run diverged, the next goes at least this many decades lower.
BELOW_DIVERGED = 0.2

Search = Generator[tuple[Trial, ...], tuple[Result, ...], Any]


@final
@dataclass
class Notes:
    """What a search was asked, the results so far, and what they say."""

    plan: Plan
    results: list[Result] = field(default_factory=list)

    @property
    def spent(self) -> float:
        return sum(result.cost for result in self.results)

    def ask(self, trial: Trial) -> Generator[tuple[Trial, ...], tuple[Result, ...], Result]:
        """One trial, unless it was made before."""
        for known in self.results:
            if known.trial == trial:
                return known
        (result,) = yield (trial,)
        self.results.append(result)
        return result

    def affords(self, steps: int, limit: float) -> bool:
        """Whether one more run of `steps` updates keeps what is spent within `limit`."""
        return self.spent + steps / self.plan.steps <= limit + 1e-9

    def at(self, settings: Any, steps: int | None = None) -> list[Result]:
        """The results with these settings, at one length or at any."""
        return [r for r in self.results if r.trial.settings == settings and steps in (None, r.trial.steps)]

    @property
    def start(self) -> float:
        """The loss before training: the median over runs, as a too high rate spoils it at once."""
        starts = sorted(result.start for result in self.results if math.isfinite(result.start))
        return starts[len(starts) // 2] if starts else math.nan

    def basin(self, settings: Any) -> Basin:
        scores = [Score(r.trial.rate, r.trial.steps / self.plan.steps, r.loss) for r in self.at(settings)]
        return fit(scores, self.start, self.plan.prior)

    def inside(self, rate: float) -> float:
        return round(min(max(rate, self.plan.low), self.plan.high), 4)

    def stable(self, rate: float, steps: int, settings: Any) -> float:
        """`rate`, or the highest below it that no run of at most `steps` updates has shown to diverge."""
        lost = [r.trial.rate for r in self.at(settings) if r.trial.steps <= steps and not math.isfinite(r.loss)]
        return self.inside(min(rate, min(lost, default=math.inf) - BELOW_DIVERGED))


def first_new(notes: Notes, rates: Iterable[float], steps: int, settings: Any) -> Search:
    """Run the first of `rates` that may be stable and is far enough from every rate tried; False if none is."""
    tried = [r.trial.rate for r in notes.at(settings, steps)]
    for wanted in rates:
        rate = notes.stable(wanted, steps, settings)
        if all(abs(rate - other) > SAME for other in tried):
            yield from notes.ask(Trial(rate, steps, notes.plan.seed, settings))
            return True
    return False
