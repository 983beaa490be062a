"""A study of ours as a study of Optuna, so that its dashboard and its plots show it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from stepsize._extras import extra
from stepsize.errors import InvalidSpace
from stepsize.run import Run
from stepsize.tuner.optuna.forms import parameters, quiet
from stepsize.tuner.plan import Plan, Result
from stepsize.tuner.trial import peak_of

with extra("tune"):
    import optuna
    from optuna.distributions import FloatDistribution
    from optuna.trial import FrozenTrial, TrialState

if TYPE_CHECKING:
    from stepsize.tuner.study import Study

# Points of a curve that are kept: a storage writes each on its own.
MOST_POINTS = 50


def write_study(study: Study, storage: Any, name: str) -> optuna.Study:
    """The runs of a study as trials, in their order; see `Study.to_optuna`."""
    with quiet():
        try:
            made = optuna.create_study(storage=storage, study_name=name, direction="minimize")
        except optuna.exceptions.DuplicatedStudyError as error:
            raise InvalidSpace(f"the storage holds a study {name!r} already; give another name") from error
        made.set_metric_names([study.order.metric])
        about = {"training": study.order.training, "budget": study.order.plan.budget, "cost": study.cost}
        for key, value in {**about, "rate": study.rate, "policy": study.policy.document()}.items():
            made.set_user_attr(key, value)
        plan, metric, results = study.order.plan, study.order.metric, study.decision.results
        # A search may have gone beyond the bounds it began with.
        rates = [plan.low, plan.high, *(result.trial.rate for result in results)]
        bounds = peak_of(min(rates)), peak_of(max(rates))
        pairs = zip(results, study.runs, strict=True)
        made.add_trials([_trial(result, run, plan, metric, bounds) for result, run in pairs])
    return made


def _trial(result: Result, run: Run, plan: Plan, metric: str, bounds: tuple[float, float]) -> FrozenTrial:
    """A run as a trial. One that diverged is pruned, not failed: Optuna's samplers learn nothing of failures."""
    params, distributions = parameters(plan.space, result.trial.settings)
    low, high = bounds
    lr = min(max(peak_of(result.trial.rate), low), high)
    finite = math.isfinite(result.loss)
    about = {
        "steps": result.trial.steps,
        "horizon": result.trial.steps / plan.steps,
        "seed": result.trial.seed,
        "cost": result.cost,
        "outcome": run.outcome,
    }
    return optuna.trial.create_trial(
        state=TrialState.COMPLETE if finite else TrialState.PRUNED,
        value=result.loss if finite else None,
        params={"lr": lr, **params},
        distributions={"lr": FloatDistribution(low, high, log=True), **distributions},
        user_attrs=about if finite else {**about, "reason": run.reason or "the loss was not finite at the end"},
        intermediate_values=_curve(run, metric),
    )


def _curve(run: Run, metric: str) -> dict[int, float]:
    """What was seen of the metric, by update; where it blew up, up to there."""
    if metric not in run.columns:
        return {}
    steps, values = run.columns[metric]
    finite = np.flatnonzero(np.isfinite(values))
    places = np.unique(np.linspace(0, max(finite.size - 1, 0), MOST_POINTS).round().astype(int))[: finite.size]
    return {int(steps[place]): float(values[place]) for place in finite[places]}
