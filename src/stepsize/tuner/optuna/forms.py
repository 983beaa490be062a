"""Settings in Optuna's words: distributions and parameters."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from stepsize._extras import extra
from stepsize.tuner.dimension import LOG_RATIO, Dimension
from stepsize.tuner.space import Pairs, Space, existing

with extra("tune"):
    import optuna
    from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

# What Optuna takes for a choice as it is; anything else goes by its text.
PLAIN = (type(None), bool, int, float, str)


def distribution_of(dimension: Dimension) -> BaseDistribution:
    """The values a setting may have."""
    if dimension.choices:
        return CategoricalDistribution([_label(choice) for choice in dimension.choices])
    log = dimension.low > 0 and dimension.high / dimension.low >= LOG_RATIO
    if dimension.whole:
        return IntDistribution(round(dimension.low), round(dimension.high), log=log)
    return FloatDistribution(dimension.low, dimension.high, log=log)


def parameters(space: Space, settings: Pairs) -> tuple[dict[str, Any], dict[str, BaseDistribution]]:
    """The parameters of the settings that exist, and their distributions."""
    given = dict(settings)
    found = [d for d in space if d.name in given]
    params = {d.name: _label(given[d.name]) if d.choices else min(max(given[d.name], d.low), d.high) for d in found}
    return params, {d.name: distribution_of(d) for d in found}


def settings_of(space: Space, params: Mapping[str, Any]) -> Pairs:
    """The settings that exist with these parameters; the middle of a dimension stands for what is absent or strange."""
    values = {d.name: _value(d, params[d.name]) if d.name in params else d.at(0.5) for d in space}
    exists = existing(space, values)
    return tuple((name, value) for name, value in values.items() if name in exists)


def suggested(space: Space, trial: optuna.Trial) -> Pairs:
    """What a trial suggests, each setting asked for only where it exists."""
    by_name = {d.name: d for d in space}
    values: dict[str, Any] = {}

    def exists(name: str) -> bool:
        return all(exists(parent) and value(parent) in allowed for parent, allowed in by_name[name].when)

    def value(name: str) -> Any:
        if name not in values:
            values[name] = _value(by_name[name], _suggestion(by_name[name], trial))
        return values[name]

    return tuple((d.name, value(d.name)) for d in space if exists(d.name))


def _suggestion(dimension: Dimension, trial: optuna.Trial) -> Any:
    name, form = dimension.name, distribution_of(dimension)
    if isinstance(form, CategoricalDistribution):
        return trial.suggest_categorical(name, form.choices)
    if isinstance(form, IntDistribution):
        return trial.suggest_int(name, form.low, form.high, log=form.log)
    assert isinstance(form, FloatDistribution)
    return trial.suggest_float(name, form.low, form.high, log=form.log)


def _value(dimension: Dimension, param: Any) -> Any:
    if dimension.choices:
        labels = [_label(choice) for choice in dimension.choices]
        return dimension.choices[labels.index(param)] if param in labels else dimension.at(0.5)
    inside = min(max(float(param), dimension.low), dimension.high)
    return round(inside) if dimension.whole else float(f"{inside:.6g}")


def _label(choice: Any) -> Any:
    return choice if isinstance(choice, PLAIN) else str(choice)


@contextmanager
def quiet() -> Iterator[None]:
    """Optuna without its log lines, and without its notices of what is experimental or not fast."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(before)
