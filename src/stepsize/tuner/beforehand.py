"""What is known before any run: where good rates lie for each optimizer, and settings worth trying first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

from stepsize._codec import is_finite, summary
from stepsize.errors import InvalidSpace
from stepsize.tuner.prior import PRIORS, REACH
from stepsize.tuner.space import Pairs, Space

# Mean and standard deviation of log10 of the best rate.
Rate = tuple[float, float]
# Stands for whatever optimizer the search starts with.
ANY = ""


@final
@dataclass(frozen=True)
class Beforehand:
    """What is known before any run.

    Attributes:
        rates: where the best rate is to be expected, by optimizer; `ANY` is the one the search starts with.
        first: settings worth trying first, the best first.
    """

    rates: tuple[tuple[str, Rate], ...] = ()
    first: tuple[Pairs, ...] = ()


def beforehand(prior: Any, space: Space) -> Beforehand:
    """What `prior` says of this space: nothing, a pair (rate, decades), or what an Optuna study holds.

    Raises:
        InvalidSpace: it is none of these, or a study without a learning rate.
    """
    if prior is None:
        return Beforehand()
    if isinstance(prior, tuple) and len(prior) == 2:
        return Beforehand(((ANY, _rate(prior)),))
    if is_optuna(prior) and hasattr(prior, "get_trials"):
        from stepsize.tuner.optuna.read import read_trials

        return read_trials(prior, space)
    raise InvalidSpace(f"prior must be (rate, decades) such as (3e-4, 0.5), or an Optuna study; got {summary(prior)}")


def is_optuna(value: Any) -> bool:
    """Whether a value comes from Optuna, which whoever holds it has imported."""
    return any(kind.__module__.partition(".")[0] == "optuna" for kind in type(value).__mro__)


def _rate(pair: tuple[Any, Any]) -> Rate:
    if not all(isinstance(v, int | float) and is_finite(v) and v > 0 for v in pair):
        raise InvalidSpace(
            f"prior must be a rate above 0 and its uncertainty in decades, such as (3e-4, 0.5); got {summary(pair)}"
        )
    return math.log10(pair[0]), float(pair[1])


def rate_prior(space: Space, settings: Pairs, default: Rate) -> Rate:
    """Where the best rate is to be expected with these settings; `default` is where the search starts."""
    chosen = dict(settings).get("optimizer")
    if chosen is None or chosen == dict(space.start).get("optimizer"):
        return default
    return dict(space.rates).get(chosen, PRIORS[chosen])


def starting_prior(space: Space, optimizer: str | None, known: Beforehand) -> Rate:
    """The prior of the optimizer that the search starts with."""
    chosen = dict(space.start).get("optimizer", optimizer)
    rates = dict(known.rates)
    return rates.get(chosen or ANY, rates.get(ANY, PRIORS[chosen]))


def reach(space: Space, optimizer: str | None, start: Rate) -> tuple[float, float]:
    """The rates that a search may consider, whichever of its optimizers it comes to."""
    choices: Sequence[Any] = next((d.choices for d in space if d.name == "optimizer"), (optimizer,))
    means = [start[0], *(PRIORS[choice][0] for choice in choices)]
    return min(means) - REACH, max(means) + REACH
