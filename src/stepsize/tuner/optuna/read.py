"""What a study of Optuna says of a search of ours: where good rates lie, and which settings to try first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from stepsize._extras import extra
from stepsize.errors import InvalidSpace
from stepsize.policy import OPTIMIZERS
from stepsize.tuner.beforehand import ANY, Beforehand, Rate
from stepsize.tuner.optuna.forms import settings_of
from stepsize.tuner.space import Space

with extra("tune"):
    import optuna
    from optuna.trial import FrozenTrial, TrialState

# What a learning rate is called.
RATES = ("lr", "learning_rate", "peak_lr", "max_lr", "lr_max", "eta")
# The best of the trials that speak for the rate: this share of them, within these numbers.
BEST_SHARE, FEWEST, MOST = 0.25, 1, 5
# Trials whose losses differ by this share of those between the best and the last of them count as equals.
EQUAL = 0.1
# The rate of one good trial is known to this many decades, and that of many no better than to these: a study
# was made with other steps, schedules or seeds.
ALONE, LEAST = 0.6, 0.3
# The best rate lies at least this far below one that failed.
BELOW_FAILED = 0.2
# Settings that are tried first.
FIRST = 3
# Where trials had different lengths, those of at least this share of the longest are compared.
LONG = 0.5


class Known(NamedTuple):
    """A trial: log10 of its rate, its loss (infinite if it failed), its optimizer, and its parameters."""

    rate: float
    loss: float
    optimizer: str
    params: dict[str, Any]


def read_trials(study: optuna.Study, space: Space) -> Beforehand:
    """What the trials of a study say.

    Raises:
        InvalidSpace: it has several objectives, no trial that has ended, or no parameter that is a learning rate.
    """
    if len(study.directions) != 1:
        raise InvalidSpace("prior has several objectives; give a study with one")
    sign = -1.0 if study.direction == optuna.study.StudyDirection.MAXIMIZE else 1.0
    trials = [_known(trial, sign) for trial in _compared(study.get_trials(deepcopy=False))]
    ended = sorted((trial for trial in trials if math.isfinite(trial.loss)), key=lambda trial: trial.loss)
    if not ended:
        raise InvalidSpace(f"prior, the Optuna study {study.study_name!r}, has no trial that has ended with a number")
    optimizers = {trial.optimizer for trial in ended}
    rates = tuple((name, _rate([t for t in ended if t.optimizer == name], trials)) for name in sorted(optimizers))
    first = dict.fromkeys(settings_of(space, t.params) for t in ended if t.params.keys() & {d.name for d in space})
    return Beforehand(rates, tuple(first)[:FIRST])


def _compared(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """Those that have ended; of different lengths, the long ones, and whatever failed."""
    ended = [t for t in trials if t.state in (TrialState.COMPLETE, TrialState.FAIL) or "reason" in t.user_attrs]
    longest = max((t.user_attrs.get("steps", 0) for t in ended), default=0)
    return [t for t in ended if t.state != TrialState.COMPLETE or t.user_attrs.get("steps", 0) >= LONG * longest]


def _known(trial: FrozenTrial, sign: float) -> Known:
    name = next((name for name in RATES if name in trial.params), None)
    if name is None or not trial.params[name] > 0:
        has = ", ".join(trial.params) or "none"
        raise InvalidSpace(f"prior: a trial has no learning rate among its parameters ({has}); call it 'lr'")
    params = {_lower(key): value for key, value in trial.params.items() if key != name}
    optimizer = str(params.get("optimizer", "")).lower()
    if optimizer in OPTIMIZERS:
        params["optimizer"] = optimizer
    value = trial.value if trial.state == TrialState.COMPLETE else None
    loss = sign * value if value is not None and math.isfinite(value) else math.inf
    return Known(math.log10(trial.params[name]), loss, optimizer if optimizer in OPTIMIZERS else ANY, params)


def _lower(name: str) -> str:
    return "optimizer" if name.lower() in ("optimizer", "optim", "opt") else name


def _rate(ended: Sequence[Known], all_trials: Sequence[Known]) -> Rate:
    """Where the best rate lies, by the best trials, and below which rate by those that failed."""
    best = ended[: min(max(FEWEST, round(BEST_SHARE * len(ended))), MOST)]
    rates, losses = np.array([t.rate for t in best]), np.array([t.loss for t in best])
    excess = (losses - losses[0]) / max(losses[-1] - losses[0], 1e-300)
    weights = 1 / (excess + EQUAL)
    mean = float(np.average(rates, weights=weights))
    spread = math.hypot(math.sqrt(np.average((rates - mean) ** 2, weights=weights)), ALONE / math.sqrt(rates.size))
    failed = [t.rate for t in all_trials if math.isinf(t.loss) and t.optimizer == ended[0].optimizer]
    edge = min((rate for rate in failed if rate > rates[0]), default=math.inf)
    return min(mean, edge - BELOW_FAILED), max(spread, LEAST)
