"""Leaves beyond shapes: values drawn at random, and any function of the step."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import numpy as np

from stepsize._codec import Document, fields_document, summary
from stepsize.errors import InvalidSchedule
from stepsize.schedule.lookup import as_floats, reachable
from stepsize.schedule.node import (
    Bounds,
    Length,
    Node,
    Scalars,
    Value,
    finite,
    number,
    span,
    stretch_steps,
    whole_steps,
)

HALF = 1 << 16
# Primes, so that a product of two halves fits into 32 bits with a sign.
MODULI = (65_521, 65_519)
ROUNDS = 6


@final
@dataclass(frozen=True)
class Random(Node):
    """A value drawn for each period of `every` steps: a pure function of seed and period.

    The number of the period goes through a small Feistel network with keys from the seed, in sums and
    products below 2**31 alone: the same bits for Python's integers as for 32-bit ones on a device.
    """

    low: Value
    high: Value
    every: int
    seed: int
    log: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "low", finite(self.low, "low"))
        object.__setattr__(self, "high", finite(self.high, "high"))
        object.__setattr__(self, "every", whole_steps(self.every, "every"))
        object.__setattr__(self, "seed", whole_steps(self.seed, "seed", least=0))
        if not isinstance(self.log, bool):
            raise InvalidSchedule(f"log must be True or False, got {summary(self.log)}")
        if np.any(np.greater(self.low, self.high)):
            raise InvalidSchedule(f"low must be at most high, got low={self.low!r}, high={self.high!r}")
        if self.log and np.min(self.low) <= 0:
            raise InvalidSchedule(f"log=True draws between two positive values, got low={self.low!r}; or set log=False")
        _ = self.shape

    @property
    def length(self) -> Length:
        return math.inf

    def value(self, t: Any, xp: Any) -> Any:
        u = self._uniform(t // reachable(self.every, t, xp), xp)
        low, high = number(self.low, xp), number(self.high, xp)
        return low ** (1 - u) * high**u if self.log else low * (1 - u) + high * u

    @cached_property
    def _keys(self) -> list[tuple[int, int, int]]:
        from random import Random as Generator  # here, since most programs never draw

        draw = Generator(self.seed)
        return [(draw.randrange(HALF), draw.randrange(1 << 14, 1 << 15), draw.randrange(HALF)) for _ in range(ROUNDS)]

    def _uniform(self, period: Any, xp: Any) -> Any:
        """A number in (0, 1) for each period."""
        # Halved before they become integers, which on a device may be short ones.
        left, right = as_integers(period // HALF % HALF, xp), as_integers(period % HALF, xp)
        for i, (before, factor, after) in enumerate(self._keys):
            spread = (right + before) % HALF * factor % MODULI[i % 2]
            mixed = spread * ((spread // 2 + after) % (HALF // 2)) % MODULI[1 - i % 2]  # a square, so not linear
            left, right = right, (left + mixed + mixed // 255) % HALF
        return ((as_floats(left, period, xp) + 0.5) / HALF + as_floats(right, period, xp)) / HALF

    def stretched(self, factor: float) -> Node:
        return Random(self.low, self.high, stretch_steps(self.every, factor), self.seed, self.log)

    def bounds(self, begin: float, end: float) -> Bounds:
        return span(self.low, self.high)

    def code(self) -> str:
        log = "" if self.log else ", log=False"
        return f"random({self.low!r}, {self.high!r}, {self.every}, {self.seed}{log})"

    def document(self) -> Document:
        return {"kind": "random", **fields_document(self)}

    def numbers(self) -> tuple[Value, ...]:
        return (self.low, self.high)


def as_integers(values: Any, xp: Any) -> Any:
    """Whole numbers as integers."""
    if xp is Scalars:
        return int(values)
    if xp is np:
        return values.astype(np.int64)
    return xp.astype(values, xp.int32) if hasattr(xp, "astype") else xp.cast(values, "int32")


@final
@dataclass(frozen=True)
class Function(Node):
    """Any function of the step, written as `module:name` where the schedule is written down."""

    function: Callable[[Any], Any]
    steps: int | None = None

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise InvalidSchedule(f"function must be callable, got {summary(self.function)}")
        if self.steps is not None:
            object.__setattr__(self, "steps", whole_steps(self.steps, "steps", least=0))

    @property
    def length(self) -> Length:
        return math.inf if self.steps is None else self.steps

    def value(self, t: Any, xp: Any) -> Any:
        if xp is Scalars:
            return self._one(t)
        if xp is np:
            # One by one: a user's function may branch, or look its values up in a list.
            return np.array([self._one(step) for step in t.reshape(-1).tolist()]).reshape(t.shape)
        return self.function(t)

    def _one(self, t: float) -> float:
        step = int(t) if t < math.inf and t == int(t) else t
        result = self.function(step)
        try:
            return float(result)
        except (TypeError, ValueError):
            raise InvalidSchedule(f"{self.name} must give a number at step {step}, got {summary(result)}") from None

    @property
    def name(self) -> str:
        """The place of the function, by which it is found again."""
        return f"{getattr(self.function, '__module__', '?')}:{getattr(self.function, '__qualname__', '?')}"

    def stretched(self, factor: float) -> Node:
        raise InvalidSchedule(
            f"{self.code()} cannot be stretched by rule; slice it with a stride, lr[::{1 / factor:g}]"
        )

    def bounds(self, begin: float, end: float) -> Bounds:
        return -math.inf, math.inf

    def code(self) -> str:
        return f"function({self.name!r}{'' if self.steps is None else f', {self.steps}'})"

    def document(self) -> Document:
        if "<" in self.name or "?" in self.name:
            raise InvalidSchedule(
                f"{self.name} has no name to be written down by; define the function at the top of a module"
            )
        return {"kind": "function", "name": self.name, "steps": self.steps}


def importable(name: Any) -> Callable[[Any], Any]:
    """The function called `module:name`.

    Raises:
        InvalidSchedule: there is none.
    """
    module, _, path = str(name).partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in path.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError, ValueError) as error:
        raise InvalidSchedule(f"there is no function {summary(name)} as 'module:name': {error}") from error
    if not callable(found):
        raise InvalidSchedule(f"{summary(name)} is {type(found).__name__}, not a function")
    return found  # type: ignore[no-any-return]
