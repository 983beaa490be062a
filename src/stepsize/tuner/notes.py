"""`Notes`: the results of a search so far, and what they say of one choice of the settings."""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import Any, final

from stepsize.tuner.basin import Basin, Score, fit
from stepsize.tuner.beforehand import rate_prior
from stepsize.tuner.plan import Plan, Result
from stepsize.tuner.trial import Trial

# Rates closer than this many decades count as the same.
SAME = 0.06
# Where one run diverged, the next goes at least this many decades lower.
BELOW_DIVERGED = 0.1
# Where no rate lowers the loss by this share of what it was before training, the runs were too short to tell.
LEARNED = 0.02
# Fewer runs of a length than this compare nothing.
COMPARED = 3
# The bounds are left where the best rate lies beyond with this probability: so far at a time, and in all.
EDGE, WIDER, WIDEST = 0.2, 0.5, 2.0

Search = Generator[tuple[Trial, ...], tuple[Result, ...], Any]


@final
@dataclass
class Notes:
    """What a search was asked, the results so far, and what they say.

    Attributes:
        low, high: bounds of log10 of the rate: those of the plan, or wider.
    """

    plan: Plan
    results: list[Result] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.low, self.high = self.plan.low, self.plan.high

    @property
    def spent(self) -> float:
        """What was spent, in full-run equivalents."""
        return sum(result.cost for result in self.results)

    def ask_all(self, trials: Sequence[Trial]) -> Generator[tuple[Trial, ...], tuple[Result, ...], list[Result]]:
        """A round of trials; those that were made before are not made again."""
        known = {result.trial: result for result in self.results}
        if missing := tuple(trial for trial in dict.fromkeys(trials) if trial not in known):
            made = yield missing
            self.results.extend(made)
            known |= {result.trial: result for result in made}
        return [known[trial] for trial in trials]

    def ask(self, trial: Trial) -> Generator[tuple[Trial, ...], tuple[Result, ...], Result]:
        """One trial, unless it was made before."""
        (result,) = yield from self.ask_all((trial,))
        return result

    def affords(self, steps: int, limit: float, runs: int = 1) -> bool:
        """Whether this many more runs of `steps` updates keep what is spent within `limit`."""
        return self.spent + runs * steps / self.plan.steps <= limit + 1e-9

    def at(self, settings: Any, steps: int | None = None) -> list[Result]:
        """The results with these settings, at one length or at any."""
        return [r for r in self.results if r.trial.settings == settings and steps in (None, r.trial.steps)]

    @property
    def start(self) -> float:
        """The loss before training: the median over runs, as a too high rate spoils it at once."""
        starts = sorted(result.start for result in self.results if math.isfinite(result.start))
        return starts[len(starts) // 2] if starts else math.nan

    def _longest(self, settings: Any, lengths: list[int]) -> list[int]:
        """The greatest length of which there are three runs or more; all lengths, if there is none."""
        compared = [n for n in lengths if sum(math.isfinite(r.loss) for r in self.at(settings, n)) >= COMPARED]
        return compared[-1:] or lengths

    def learned(self, settings: Any, steps: int) -> bool:
        """Whether runs of this length were long enough for some rate to lower the loss clearly."""
        best = min((r.loss for r in self.at(settings, steps)), default=math.inf)
        return not self.start - best < LEARNED * abs(self.start)  # also where nobody knows the start

    def prior(self, settings: Any) -> tuple[float, float]:
        """What was known of the best rate before any run."""
        return rate_prior(self.plan.space, settings, self.plan.prior)

    def basin(self, settings: Any) -> Basin:
        """The posterior of these settings, of which at least one run did not diverge."""
        results = self.at(settings)
        # Of runs that were too short to learn, only that they diverged says anything of longer ones.
        lengths = sorted({r.trial.steps for r in results})
        telling = [n for n in lengths if self.learned(settings, n)] or self._longest(settings, lengths)
        kept = [r for r in results if r.trial.steps in telling or not math.isfinite(r.loss)]
        scores = [Score(r.trial.rate, r.trial.steps / self.plan.steps, r.loss) for r in kept]
        return fit(scores, self.start, self.prior(settings), self.plan.shift)

    def inside(self, rate: float) -> float:
        """`rate`, or the bound it lies beyond."""
        return round(min(max(rate, self.low), self.high), 4)

    def stable(self, rate: float, steps: int, settings: Any) -> float:
        """`rate`, or the highest below it that no run of at most `steps` updates has shown to diverge."""
        lost = [r.trial.rate for r in self.at(settings) if r.trial.steps <= steps and not math.isfinite(r.loss)]
        return self.inside(min(rate, min(lost, default=math.inf) - BELOW_DIVERGED))

    def widen(self, outwards: float) -> bool:
        """Move a bound outwards (1.0: up, -1.0: down); False where it has been moved as far as it may."""
        moved = self.high - self.plan.high if outwards > 0 else self.plan.low - self.low
        if not self.plan.widen or moved > WIDEST - WIDER / 2:
            return False
        if outwards > 0:
            self.high += WIDER
        else:
            self.low -= WIDER
        return True
