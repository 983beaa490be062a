"""The range by short runs at the length and schedule of the real one: a search that ends before any full run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, final

from stepsize.finder.range import Range
from stepsize.job import Job, Watch
from stepsize.loop import drive
from stepsize.run import Run
from stepsize.tuner import Study, tune

# A rate is usable if it is expected to cost less than this share of what training gains.
USABLE = 0.1
# What is said of a search only because it was not meant to confirm anything.
UNSAID = ("not_confirmed",)


def trial_runs(
    training: Any,
    low: float,
    high: float,
    steps: int,
    budget: float,
    settings: Mapping[str, Any] | None,
    **asked: Any,
) -> Range:
    """The usable range for full runs of `steps` updates, for at most `budget` of them."""
    known = {name: getattr(training, name, None) for name in ("optimizer", "metric", "schedule")}
    given: dict[str, Any] = {name: value or known.get(name) for name, value in asked.items() if name != "seed"}
    subject = _With(training, dict(settings)) if settings else training
    study = tune(subject, budget, steps, low=low, high=high, widen=False, seed=asked["seed"], **given)
    return _range(study)


@final
class _With:
    """A training with some settings given."""

    def __init__(self, training: Any, settings: dict[str, Any]) -> None:
        self._training, self._settings = training, settings
        self.__name__ = getattr(training, "__name__", type(training).__name__)

    def run(self, job: Job, watch: Watch | None) -> Run:
        return drive(self._training, job.policy, job.steps, job.seed, {**self._settings, **job.settings}, watch)


def _range(study: Study) -> Range:
    informative = study.informative
    bottom, top = (10**rate for rate in study.decision.basin.cheap(study.decision.rate, USABLE))
    lowest, highest = study.interval()
    return Range(
        low=bottom if informative else math.nan,
        high=top if informative else math.nan,
        suggestion=study.rate if informative else math.nan,
        spread=highest / lowest,
        informative=informative,
        evidence=tuple(finding for finding in study.evidence if finding.kind not in UNSAID),
        ramps=(),
        runs=study.runs,
        study=study,
    )
