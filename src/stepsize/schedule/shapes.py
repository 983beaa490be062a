"""The leaves: curves from a start to an end value over a number of steps, and curves without an end.

A shape is one row of `SHAPES`: a function that rises, never falling, from 0 at u = 0 to 1 at u = 1,
where u is the progress t / steps. `Ramp` places it between two values. An endless curve is one row of
`TAILS`: a factor, never rising or never falling, that multiplies the start value.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from stepsize._codec import Document
from stepsize.errors import InvalidSchedule
from stepsize.schedule.node import (
    Bounds,
    Length,
    Node,
    Scalars,
    Value,
    finite,
    floating,
    number,
    positive,
    power,
    sample,
    span,
    stretch_steps,
    whole_steps,
    zero,
)


@dataclass(frozen=True)
class Shape:
    """A row of `SHAPES`: `rise(u, xp, *params)` and how it travels between the two values."""

    rise: Callable[..., Any]
    params: tuple[str, ...] = ()
    geometric: bool = False  # interpolate the logarithm, so equal steps are equal ratios
    check: Callable[..., str | None] = lambda *params: None  # what is wrong with the parameters
    call: str | None = None  # the function that makes it, where its name is another


def _tanh(u: Any, xp: Any, lower: Any, upper: Any) -> Any:
    # The same function at both ends as in between, so that they are exactly 0 and 1.
    first, last = (xp.tanh(end if xp is Scalars else xp.asarray(end)) for end in (lower, upper))
    return (xp.tanh(lower * (1 - u) + upper * u) - first) / (last - first)


def _hyperbolic(u: Any, xp: Any, bound: Any) -> Any:
    return 1 - xp.sqrt((1 - u) * (1 - u / (2 * bound - 1)))


def _rising(lower: Any, upper: Any) -> str | None:
    if not np.all(np.less(lower, upper)):
        return f"lower must be below upper, got {lower!r} and {upper!r}"
    if np.all(np.less(np.tanh(lower), np.tanh(upper))):
        return None
    return f"the tangent is flat from lower={lower!r} to upper={upper!r}; let one of them be nearer to 0"


def _bound(bound: Any) -> str | None:
    return None if np.min(bound) >= 1 else f"bound is a multiple of steps, at least 1; got {bound!r}"


SHAPES = {
    "linear": Shape(lambda u, xp: u),
    "cosine": Shape(lambda u, xp: (1 - xp.cos(math.pi * u)) / 2),
    "sine": Shape(lambda u, xp: xp.sin(math.pi / 2 * u)),
    "polynomial": Shape(lambda u, xp, power: 1 - (1 - u) ** power, params=("power",)),
    "one_minus_power": Shape(lambda u, xp, power: u**power, params=("power",)),
    "exponential": Shape(lambda u, xp: u, geometric=True),
    "one_minus_sqrt": Shape(lambda u, xp: xp.sqrt(u)),
    "mirror_cosine": Shape(lambda u, xp: 2 * u - (1 - xp.cos(math.pi * u)) / 2),
    "rex": Shape(lambda u, xp: u / (2 - u)),
    "k_cosine": Shape(lambda u, xp, k: (1 - xp.cos(math.pi * u**k)) / 2, params=("k",), call="k_decay"),
    "k_polynomial": Shape(lambda u, xp, k, power: 1 - (1 - u**k) ** power, params=("k", "power"), call="k_decay"),
    "tanh": Shape(_tanh, params=("lower", "upper"), check=_rising),
    "hyperbolic": Shape(_hyperbolic, params=("bound",), check=_bound),
    "exp_hyperbolic": Shape(_hyperbolic, params=("bound",), check=_bound, geometric=True),
}
# Parameters that may be of any sign; all others are above 0.
SIGNED = ("lower", "upper", "midpoint")


def _decayed(rate: Any, times: Any, xp: Any) -> Any:
    """rate ** times. In single precision a rate near 1 loses digits that its logarithm keeps."""
    if xp is Scalars or xp is np or not isinstance(rate, float):
        return power(rate, times, xp)
    return xp.exp(times * math.log(rate))


def _falling(x: Any, xp: Any) -> Any:
    """1 / (1 + exp(x)), which no x overflows and which is precise far out on both sides."""
    return xp.exp(xp.minimum(-x, 0)) / (1 + xp.exp(-xp.maximum(x, -x)))


@dataclass(frozen=True)
class Tail:
    """A row of `TAILS`: `factor(t, xp, *params)`; the parameters in `timescales` are in steps."""

    factor: Callable[..., Any]
    params: tuple[str, ...]
    timescales: tuple[str, ...] = ("every", "timescale", "midpoint", "width")


TAILS = {
    "exponential_decay": Tail(lambda t, xp, rate, every: _decayed(rate, t / every, xp), ("rate", "every")),
    "inverse_time": Tail(lambda t, xp, rate, every: 1 / (1 + rate * (t / every)), ("rate", "every")),
    "inverse_sqrt": Tail(lambda t, xp, timescale: xp.sqrt(timescale / (timescale + t)), ("timescale",)),
    "power_law": Tail(lambda t, xp, power, timescale: (timescale / (timescale + t)) ** power, ("power", "timescale")),
    "logistic": Tail(lambda t, xp, midpoint, width: _falling((t - midpoint) / width, xp), ("midpoint", "width")),
}


@final
@dataclass(frozen=True)
class Constant(Node):
    """One value, for `steps` steps or (None) for ever."""

    held: Value
    steps: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "held", finite(self.held, "value"))
        if self.steps is not None:
            object.__setattr__(self, "steps", whole_steps(self.steps, "steps", least=0))

    @property
    def length(self) -> Length:
        return math.inf if self.steps is None else self.steps

    def value(self, t: Any, xp: Any) -> Any:
        return number(self.held, xp) + zero(t, xp)

    def stretched(self, factor: float) -> Node:
        return Constant(self.held, None if self.steps is None else stretch_steps(self.steps, factor))

    def bounds(self, begin: float, end: float) -> Bounds:
        return span(self.held)

    def total(self, begin: int, end: int) -> Any:
        return number(self.held, np) * (end - begin)

    def code(self) -> str:
        return f"constant({self.held!r})" if self.steps is None else f"constant({self.held!r}, {self.steps})"

    def document(self) -> Document:
        return {"kind": "constant", "value": self.held, "steps": self.steps}

    def numbers(self) -> tuple[Value, ...]:
        return (self.held,)


@final
@dataclass(frozen=True)
class Ramp(Node):
    """A row of `SHAPES` placed between two values."""

    shape_name: str
    start: Value
    end: Value
    steps: int
    params: tuple[Value, ...] = ()

    def __post_init__(self) -> None:
        row = SHAPES[self.shape_name]
        object.__setattr__(self, "start", finite(self.start, "start"))
        object.__setattr__(self, "end", finite(self.end, "end"))
        object.__setattr__(self, "steps", whole_steps(self.steps, "steps"))
        object.__setattr__(self, "params", _checked(row.params, self.params))
        if problem := row.check(*self.params):
            raise InvalidSchedule(f"{self.shape_name}: {problem}")
        if row.geometric and not (np.min(self.start) > 0 and np.min(self.end) > 0):
            raise InvalidSchedule(
                f"{self.shape_name} runs between two positive values, got start={self.start!r}, end={self.end!r}; "
                "end at a small positive value, or use polynomial to reach 0"
            )
        _ = self.shape  # arrays that do not fit together are refused now

    @property
    def length(self) -> Length:
        return self.steps

    def value(self, t: Any, xp: Any) -> Any:
        row = SHAPES[self.shape_name]
        start, end = number(self.start, xp), number(self.end, xp)
        u = floating(t, xp) / float(self.steps)
        if xp is not Scalars and xp is not np:
            u = xp.minimum(u, 1.0)  # compilers multiply by 1 / steps, which may end above 1
        s = row.rise(u, xp, *[number(value, xp) for value in self.params])
        # Both forms give the two ends exactly, which start + s * (end - start) would not.
        if row.geometric:
            return start ** (1 - s) * end**s
        return start * (1 - s) + end * s

    def stretched(self, factor: float) -> Node:
        return Ramp(self.shape_name, self.start, self.end, stretch_steps(self.steps, factor), self.params)

    def bounds(self, begin: float, end: float) -> Bounds:
        return _ends(self, begin, end)

    def total(self, begin: int, end: int) -> Any:
        if self.shape_name == "linear":
            ends = self.value(np.float64(begin), np) + self.value(np.float64(end - 1), np)
            return (end - begin) * ends / 2
        return super().total(begin, end)

    def code(self) -> str:
        extra = "".join(f", {value!r}" for value in self.params)
        call = SHAPES[self.shape_name].call or self.shape_name
        return f"{call}({self.start!r}, {self.end!r}, {self.steps}{extra})"

    def document(self) -> Document:
        named = dict(zip(SHAPES[self.shape_name].params, self.params, strict=True))
        return {"kind": self.shape_name, "start": self.start, "end": self.end, "steps": self.steps, **named}

    def numbers(self) -> tuple[Value, ...]:
        return (self.start, self.end, *self.params)


@final
@dataclass(frozen=True)
class Endless(Node):
    """A row of `TAILS` times a start value; it has no end."""

    tail: str
    start: Value
    params: tuple[Value, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", finite(self.start, "start"))
        object.__setattr__(self, "params", _checked(TAILS[self.tail].params, self.params))
        _ = self.shape

    @property
    def length(self) -> Length:
        return math.inf

    def value(self, t: Any, xp: Any) -> Any:
        params = [number(value, xp) for value in self.params]
        return number(self.start, xp) * TAILS[self.tail].factor(floating(t, xp), xp, *params)

    def stretched(self, factor: float) -> Node:
        row = TAILS[self.tail]
        scales = [factor if name in row.timescales else 1.0 for name in row.params]
        params = [
            finite(np.multiply(value, scale), "stretch") for value, scale in zip(self.params, scales, strict=True)
        ]
        return Endless(self.tail, self.start, tuple(params))

    def bounds(self, begin: float, end: float) -> Bounds:
        return _ends(self, begin, end)

    def code(self) -> str:
        return f"{self.tail}({self.start!r}, {', '.join(map(repr, self.params))})"

    def document(self) -> Document:
        named = dict(zip(TAILS[self.tail].params, self.params, strict=True))
        return {"kind": self.tail, "start": self.start, **named}

    def numbers(self) -> tuple[Value, ...]:
        return (self.start, *self.params)


def _ends(node: Node, begin: float, end: float) -> Bounds:
    """The bounds of a curve that never turns."""
    return span(sample(node, np.array([begin, end], dtype=np.float64)))


def _checked(names: tuple[str, ...], values: tuple[Value, ...]) -> tuple[Value, ...]:
    pairs = zip(names, values, strict=True)
    return tuple((finite if name in SIGNED else positive)(value, name) for name, value in pairs)
