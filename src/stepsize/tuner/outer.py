"""Who proposes the settings to try next: the response surface, chance, or a sampler of Optuna."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, final

import numpy as np

from stepsize._codec import summary
from stepsize.errors import InvalidSpace
from stepsize.tuner.beforehand import is_optuna
from stepsize.tuner.space import Pairs, Space
from stepsize.tuner.surface import Told, propose

# The samplers of Optuna that go by a name.
FROM_OPTUNA = ("tpe", "gp", "cma", "qmc")
# Draws until all settings of a small space are taken for tried.
MOST_DRAWS = 200


class Outer(Protocol):
    """Proposes settings; the rate is tuned inside, so what it is told of each is the least loss over rates."""

    def propose(self, told: Sequence[Told], losses: Sequence[float]) -> Pairs | None:
        """The settings to try next; None if there are none left.

        Args:
            told: everything tried, in order, as it is known now.
            losses: the same in the unit of the metric, as known when each was tried.
        """


@final
class Surface:
    """Our response surface; knows nothing but what it is told."""

    def __init__(self, space: Space, seed: int) -> None:
        self._space = space

    def propose(self, told: Sequence[Told], losses: Sequence[float]) -> Pairs | None:
        return propose(told, self._space)


@final
class Chance:
    """Anything, evenly."""

    def __init__(self, space: Space, seed: int) -> None:
        self._space, self._random = space, np.random.default_rng(seed)

    def propose(self, told: Sequence[Told], losses: Sequence[float]) -> Pairs | None:
        tried = {known.settings for known in told}
        for _ in range(MOST_DRAWS):
            settings = self._space.settings(self._random.random(len(self._space)).tolist())
            if settings not in tried:
                return settings
        return None


OWN: dict[str, Callable[[Space, int], Outer]] = {"surface": Surface, "random": Chance}


def as_sampler(sampler: Any) -> Any:
    """A sampler's name, or a sampler of Optuna, as it is.

    Raises:
        InvalidSpace: it is neither.
        MissingExtra: it needs Optuna, which is not installed.
    """
    if isinstance(sampler, str) and sampler in OWN:
        return sampler
    if not is_optuna(sampler) and sampler not in FROM_OPTUNA:
        raise InvalidSpace(
            f"sampler must be one of {', '.join((*OWN, *FROM_OPTUNA))}, or a sampler of Optuna; got {summary(sampler)}"
        )
    from stepsize.tuner.optuna.sampler import checked

    return checked(sampler)


def outer(space: Space, seed: int) -> Outer:
    """The sampler that a space names, at its beginning."""
    if isinstance(space.sampler, str) and space.sampler in OWN:
        return OWN[space.sampler](space, seed)
    from stepsize.tuner.optuna.sampler import FromOptuna

    return FromOptuna(space, seed)
