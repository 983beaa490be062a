"""The space of a search: what may vary besides the learning rate."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final, overload

import numpy as np

from stepsize._codec import Document, summary
from stepsize.errors import InvalidSpace
from stepsize.loop import rate_bound
from stepsize.policy import OPTIMIZERS
from stepsize.tuner.condition import When, check_conditions, implied
from stepsize.tuner.dimension import Dimension as Dimension
from stepsize.tuner.dimension import dimension, frozen

Pairs = tuple[tuple[str, Any], ...]


@final
@dataclass(frozen=True)
class Space(Sequence[Dimension]):
    """The dimensions of a search beside the rate, and how points in them are chosen.

    Attributes:
        dimensions: in the order in which they were given.
        sampler: who proposes the next point: "surface", a name that `stepsize.tuner.outer` knows, or an
            Optuna sampler.
        first: settings to be tried before any that are proposed, such as the best of an earlier study.
        rates: what is known of the best rate by optimizer: mean and standard deviation of its log10.
    """

    dimensions: tuple[Dimension, ...] = ()
    sampler: Any = "surface"
    first: tuple[Pairs, ...] = ()
    rates: tuple[tuple[str, tuple[float, float]], ...] = ()

    @overload
    def __getitem__(self, index: int) -> Dimension: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Dimension]: ...
    def __getitem__(self, index: int | slice) -> Dimension | Sequence[Dimension]:
        return self.dimensions[index]

    def __len__(self) -> int:
        return len(self.dimensions)

    @property
    def start(self) -> Pairs:
        """The settings a search starts from: the middle of ranges, the first of choices without an order."""
        return self.settings([0.5] * len(self))

    def settings(self, shares: Sequence[float]) -> Pairs:
        """The settings at a point of the unit cube, as a trial holds them."""
        return tuple(fields(self.dimensions, shares).items())

    def shares(self, settings: Pairs) -> tuple[float, ...]:
        """The point of the unit cube that gives these settings; the middle where one is absent or unknown."""
        given = dict(settings)
        return tuple(
            d.share_of(given[d.name]) if d.name in given and given[d.name] in (d.choices or (given[d.name],)) else 0.5
            for d in self.dimensions
        )

    def document(self) -> Document:
        """The space as a JSON value; a sampler that is an object by its name."""
        return {
            "dimensions": [d.document() for d in self.dimensions],
            "sampler": self.sampler if isinstance(self.sampler, str) else type(self.sampler).__name__,
            "first": [[[name, value] for name, value in settings] for settings in self.first],
            "rates": [[name, list(pair)] for name, pair in self.rates],
        }

    @staticmethod
    def from_document(document: Document) -> Space:
        """The space that `document` describes."""
        return Space(
            tuple(map(Dimension.from_document, document["dimensions"])),
            document["sampler"],
            tuple(tuple((name, frozen(value)) for name, value in settings) for settings in document["first"]),
            tuple((name, (pair[0], pair[1])) for name, pair in document["rates"]),
        )


def parse_space(space: Mapping[str, Any] | None, sampler: Any = "surface") -> Space:
    """The dimensions of `space`: `{"weight_decay": (1e-4, 0.3), "batch_size": [32, 64]}`.

    A pair in a tuple is a range; anything in a list are choices; `when` makes either conditional. A setting
    that only some of the optimizers or schedules to choose from know exists under those alone.

    Raises:
        InvalidSpace: an entry is neither, is empty, or runs the wrong way, or a condition can never be
            answered; the message names it.
    """
    given = {str(name): value for name, value in (space or {}).items()}
    plain = {name: value.values if isinstance(value, When) else value for name, value in given.items()}
    optimizers, schedules = _listed(plain, "optimizer"), _listed(plain, "schedule")
    if unknown := [choice for choice in optimizers if choice not in OPTIMIZERS]:
        raise InvalidSpace(f"optimizer must be among {', '.join(OPTIMIZERS)}; got {summary(unknown[0])}")
    dimensions = []
    for name, value in given.items():
        conditions = value.conditions if isinstance(value, When) else ()
        conditions += tuple(c for c in implied(name, optimizers, schedules) if c[0] not in dict(conditions))
        dimensions.append(dimension(name, plain[name], conditions))
    check_conditions({d.name: d.choices for d in dimensions}, {d.name: d.when for d in dimensions})
    return Space(tuple(dimensions), sampler)


def _listed(space: Mapping[str, Any], name: str) -> tuple[Any, ...]:
    if name in space and not isinstance(space[name], list):
        raise InvalidSpace(f"{name} is a list of choices, got {summary(space[name])}")
    return tuple(space.get(name, ()))


def fields(dimensions: Sequence[Dimension], shares: Sequence[float]) -> dict[str, Any]:
    """The settings at a point of the unit cube: those whose conditions hold there."""
    values = {d.name: d.at(share) for d, share in zip(dimensions, shares, strict=True)}
    exists = existing(dimensions, values)
    return {name: value for name, value in values.items() if name in exists}


def existing(dimensions: Sequence[Dimension], values: Mapping[str, Any]) -> set[str]:
    """The names of the settings that exist where all of them would have these values."""
    by_name = {d.name: d for d in dimensions}

    def exists(name: str) -> bool:
        return all(values[parent] in allowed and exists(parent) for parent, allowed in by_name[name].when)

    return {name for name in by_name if exists(name)}


def features(dimensions: Sequence[Dimension], shares: Sequence[float]) -> list[list[float]]:
    """Each dimension's coordinates in [-1, 1] at a point of the unit cube: 0 where the setting does not exist."""
    exists = fields(dimensions, shares)
    return [
        [value if d.name in exists else 0.0 for value in d.features(share)]
        for d, share in zip(dimensions, shares, strict=True)
    ]


def spread_points(count: int, dimensions: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """`count` points that fill the unit cube evenly: Roberts' R sequence, the first in the middle."""
    # The generalised golden ratio: the root of x^(d+1) = x + 1.
    ratio = 2.0
    for _ in range(30):
        ratio = (1 + ratio) ** (1 / (dimensions + 1))
    steps = ratio ** -np.arange(1, dimensions + 1)
    return np.asarray((0.5 + np.outer(np.arange(count), steps)) % 1.0)


def valid_range(low: float, high: float) -> tuple[float, float]:
    """The bounds of the learning rate, checked."""
    bounds = math.log10(rate_bound(low, "low")), math.log10(rate_bound(high, "high"))
    if not low < high:
        raise InvalidSpace(f"low must be below high, got low={low!r}, high={high!r}")
    return bounds
