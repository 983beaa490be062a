"""Optuna 5 with its defaults: TPE, the GP sampler, and TPE under the Hyperband pruner.

A trial that gives NaN fails, and Optuna's samplers ignore failed trials; `NaN made large` is the remedy that
its users find by themselves.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

from benchmarks.chooser.desk import Best, Desk

# Where Hyperband may prune: its resource, of which a full run has 16.
RESOURCE = 16


def tpe_nan(desk: Desk) -> None:
    """TPE; a diverged run is a failed trial."""
    _full_runs(desk, lambda optuna: optuna.samplers.TPESampler(seed=desk.seed), large=False)


def tpe_large(desk: Desk) -> None:
    """TPE; a diverged run has a loss above every other."""
    _full_runs(desk, lambda optuna: optuna.samplers.TPESampler(seed=desk.seed), large=True)


def gp(desk: Desk) -> None:
    """The GP sampler; a diverged run has a loss above every other, as a GP of failed trials learns nothing."""
    _full_runs(desk, lambda optuna: optuna.samplers.GPSampler(seed=desk.seed), large=True)


def hyperband(desk: Desk) -> None:
    """TPE and the Hyperband pruner on the curves of full runs."""
    optuna = _optuna()
    pruner = optuna.pruners.HyperbandPruner(min_resource=1, max_resource=RESOURCE, reduction_factor=3)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=desk.seed), pruner=pruner)
    best = Best(desk)
    while True:
        trial = study.ask()
        rate = trial.suggest_float("rate", desk.low, desk.high)
        number, state, value = desk.begin(rate, 1 / RESOURCE), optuna.trial.TrialState.COMPLETE, math.nan
        for step in range(1, RESOURCE + 1):
            answer = desk.go_on(number, rate, step / RESOURCE)
            value = _large(answer.start) if math.isinf(answer.loss) else answer.loss
            trial.report(value, step)
            if math.isinf(answer.loss):
                break
            if step < RESOURCE and trial.should_prune():
                state = optuna.trial.TrialState.PRUNED
                break
        study.tell(trial, None if state is optuna.trial.TrialState.PRUNED else value, state)
        ended = state is optuna.trial.TrialState.COMPLETE and not math.isinf(answer.loss)
        best.saw(rate, value if ended else math.inf)


def _full_runs(desk: Desk, sampler: Callable[[Any], Any], large: bool) -> None:
    optuna = _optuna()
    study, best = optuna.create_study(sampler=sampler(optuna)), Best(desk)
    while True:
        trial = study.ask()
        rate = trial.suggest_float("rate", desk.low, desk.high)
        answer = desk.run(rate)
        best.saw(rate, answer.loss)
        if math.isfinite(answer.loss):
            study.tell(trial, answer.loss)
        elif large:
            study.tell(trial, _large(answer.start))
        else:
            study.tell(trial, state=optuna.trial.TrialState.FAIL)


def _large(start: float) -> float:
    return 10 * abs(start) + 10


def _optuna() -> Any:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    return optuna
