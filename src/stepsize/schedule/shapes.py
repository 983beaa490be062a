"""The leaves: curves from a start to an end value over a number of steps, and curves without an end.

A shape is one row of `SHAPES`: a function that rises from exactly 0 at u = 0 to exactly 1 at u = 1,
where u is the progress t / steps. `Ramp` places it between two values. An endless curve is one row of
`TAILS`: a factor that is 1 at t = 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

from stepsize._codec import Document
from stepsize.errors import InvalidSchedule
from stepsize.schedule.node import Length, Node, finite, positive, power, stretch_steps, whole_steps


@dataclass(frozen=True)
class Shape:
    """A row of `SHAPES`: `rise(u, xp, *params)` and how it travels between the two values."""

    rise: Callable[..., Any]
    params: tuple[str, ...] = ()
    geometric: bool = False  # interpolate the logarithm, so equal steps are equal ratios


SHAPES = {
    "linear": Shape(lambda u, xp: u),
    "cosine": Shape(lambda u, xp: (1 - xp.cos(math.pi * u)) / 2),
    "polynomial": Shape(lambda u, xp, power: 1 - (1 - u) ** power, params=("power",)),
    "exponential": Shape(lambda u, xp: u, geometric=True),
    "one_minus_sqrt": Shape(lambda u, xp: xp.sqrt(u)),
    "rex": Shape(lambda u, xp: u / (2 - u)),
}


@dataclass(frozen=True)
class Tail:
    """A row of `TAILS`: `factor(t, xp, *params)`; the last parameter is a time scale in steps."""

    factor: Callable[..., Any]
    params: tuple[str, ...]


TAILS = {
    "exponential_decay": Tail(lambda t, xp, rate, every: power(rate, t / every, xp), ("rate", "every")),
    "inverse_time": Tail(lambda t, xp, rate, every: 1 / (1 + rate * t / every), ("rate", "every")),
    "inverse_sqrt": Tail(lambda t, xp, timescale: xp.sqrt(timescale / (timescale + t)), ("timescale",)),
}


@final
@dataclass(frozen=True)
class Constant(Node):
    """One value, for `steps` steps or (None) for ever."""

    held: float
    steps: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "held", finite(self.held, "value"))
        if self.steps is not None:
            object.__setattr__(self, "steps", whole_steps(self.steps, "steps"))

    @property
    def length(self) -> Length:
        return math.inf if self.steps is None else self.steps

    def value(self, t: Any, xp: Any) -> Any:
        return self.held + 0.0 * t  # keeps the kind and shape of t

    def stretched(self, factor: float) -> Node:
        return Constant(self.held, None if self.steps is None else stretch_steps(self.steps, factor))

    def code(self) -> str:
        return f"constant({self.held!r})" if self.steps is None else f"constant({self.held!r}, {self.steps})"

    def document(self) -> Document:
        return {"kind": "constant", "value": self.held, "steps": self.steps}


@final
@dataclass(frozen=True)
class Ramp(Node):
    """A row of `SHAPES` placed between two values."""

    shape: str
    start: float
    end: float
    steps: int
    params: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        row = SHAPES[self.shape]
        object.__setattr__(self, "start", finite(self.start, "start"))
        object.__setattr__(self, "end", finite(self.end, "end"))
        object.__setattr__(self, "steps", whole_steps(self.steps, "steps"))
        object.__setattr__(self, "params", _positive(row.params, self.params))
        if row.geometric and not (self.start > 0 and self.end > 0):
            raise InvalidSchedule(
                f"{self.shape} runs between two positive values, got start={self.start!r}, end={self.end!r}; "
                "end at a small positive value, or use polynomial to reach 0"
            )

    @property
    def length(self) -> Length:
        return self.steps

    def value(self, t: Any, xp: Any) -> Any:
        row = SHAPES[self.shape]
        s = row.rise(t / self.steps, xp, *self.params)
        # Both forms give the two ends exactly, which start + s * (end - start) would not.
        if row.geometric:
            return self.start ** (1 - s) * self.end**s
        return self.start * (1 - s) + self.end * s

    def stretched(self, factor: float) -> Node:
        return Ramp(self.shape, self.start, self.end, stretch_steps(self.steps, factor), self.params)

    def code(self) -> str:
        extra = "".join(f", {value!r}" for value in self.params)
        return f"{self.shape}({self.start!r}, {self.end!r}, {self.steps}{extra})"

    def document(self) -> Document:
        named = dict(zip(SHAPES[self.shape].params, self.params, strict=True))
        return {"kind": self.shape, "start": self.start, "end": self.end, "steps": self.steps, **named}


@final
@dataclass(frozen=True)
class Endless(Node):
    """A row of `TAILS` times a start value; it has no end."""

    tail: str
    start: float
    params: tuple[float, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", finite(self.start, "start"))
        object.__setattr__(self, "params", _positive(TAILS[self.tail].params, self.params))

    @property
    def length(self) -> Length:
        return math.inf

    def value(self, t: Any, xp: Any) -> Any:
        return self.start * TAILS[self.tail].factor(t, xp, *self.params)

    def stretched(self, factor: float) -> Node:
        *others, timescale = self.params
        return Endless(self.tail, self.start, (*others, timescale * factor))

    def code(self) -> str:
        return f"{self.tail}({self.start!r}, {', '.join(map(repr, self.params))})"

    def document(self) -> Document:
        named = dict(zip(TAILS[self.tail].params, self.params, strict=True))
        return {"kind": self.tail, "start": self.start, **named}


def _positive(names: tuple[str, ...], values: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(positive(value, name) for name, value in zip(names, values, strict=True))
