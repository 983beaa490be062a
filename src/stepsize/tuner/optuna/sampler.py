"""Samplers of Optuna, asked and told: they propose the settings, the rate is tuned inside."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any, final

from stepsize._extras import extra
from stepsize.errors import InvalidSpace, MissingExtra
from stepsize.tuner.optuna.forms import parameters, quiet, suggested
from stepsize.tuner.space import Pairs, Space
from stepsize.tuner.surface import Told

with extra("tune"):
    import optuna
    from optuna.samplers import BaseSampler

# Trials that are drawn at random before a sampler models anything. A search affords a dozen; each optimizer and
# the settings it started from are among them already.
AT_RANDOM = 3
# Proposals in a row that were made before, until a small space is taken for tried.
MOST_REPEATS = 30


def _tpe(seed: int) -> BaseSampler:
    return optuna.samplers.TPESampler(seed=seed, multivariate=True, group=True, n_startup_trials=AT_RANDOM)


def _gp(seed: int) -> BaseSampler:
    return optuna.samplers.GPSampler(seed=seed, n_startup_trials=AT_RANDOM)


def _cma(seed: int) -> BaseSampler:
    return optuna.samplers.CmaEsSampler(seed=seed, n_startup_trials=AT_RANDOM)


def _qmc(seed: int) -> BaseSampler:
    return optuna.samplers.QMCSampler(seed=seed, scramble=True)


# name -> the sampler, and the modules it needs beside Optuna
SAMPLERS: dict[str, tuple[Callable[[int], BaseSampler], tuple[str, ...]]] = {
    "tpe": (_tpe, ()),
    "gp": (_gp, ("scipy", "torch")),
    "cma": (_cma, ("cmaes",)),
    "qmc": (_qmc, ("scipy",)),
}


def checked(sampler: Any) -> Any:
    """A sampler, or the name of one whose modules are there.

    Raises:
        InvalidSpace: it is something else of Optuna.
        MissingExtra: a module is not installed.
    """
    if not isinstance(sampler, str):
        if not isinstance(sampler, BaseSampler):
            raise InvalidSpace(f"sampler must be a sampler of Optuna, got its {type(sampler).__name__}")
        return sampler
    if missing := [module for module in SAMPLERS[sampler][1] if find_spec(module) is None]:
        raise MissingExtra(f"the sampler {sampler!r} of Optuna needs {missing[0]}; run: pip install {missing[0]}")
    return sampler


@final
class FromOptuna:
    """A sampler of Optuna as it is at its beginning; what it proposes follows from what it is told, in order."""

    def __init__(self, space: Space, seed: int) -> None:
        self._space = space
        with quiet():
            # A copy, so that the caller's own sampler begins the next search where it began this one.
            own = copy.deepcopy(space.sampler)
            sampler = SAMPLERS[own][0](seed) if isinstance(own, str) else own
            self._study = optuna.create_study(sampler=sampler)
        self._asked: dict[Pairs, optuna.Trial] = {}
        self._told = 0

    def propose(self, told: Sequence[Told], losses: Sequence[float]) -> Pairs | None:
        with quiet():
            for known, loss in zip(told[self._told :], losses[self._told :], strict=True):
                self._tell(known.settings, loss)
            self._told = len(told)
            for _ in range(MOST_REPEATS):
                trial = self._study.ask()
                settings = suggested(self._space, trial)
                if settings not in {known.settings for known in told}:
                    self._asked[settings] = trial
                    return settings
                # It learns nothing new of what it proposes again, but must be told something to go on.
                self._study.tell(trial, losses[[known.settings for known in told].index(settings)])
        return None

    def _tell(self, settings: Pairs, loss: float) -> None:
        trial = self._asked.pop(settings, None)
        if trial is not None:
            self._study.tell(trial, loss)
            return
        # Not its own idea: what the search started from.
        params, distributions = parameters(self._space, settings)
        self._study.add_trial(optuna.trial.create_trial(value=loss, params=params, distributions=distributions))
