"""`Duration`: how long a phase lasts, in steps, shares of the run, epochs, samples or tokens."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from fractions import Fraction
from numbers import Real
from typing import Any, cast, final

from stepsize._codec import is_finite, summary
from stepsize.errors import InvalidSchedule

# unit as written -> field of Duration
UNITS = {
    "": "steps",
    "step": "steps",
    "steps": "steps",
    "update": "steps",
    "updates": "steps",
    "%": "percent",
    "epoch": "epochs",
    "epochs": "epochs",
    "sample": "samples",
    "samples": "samples",
    "token": "tokens",
    "tokens": "tokens",
}
TERM = re.compile(r"\s*([+-]?)\s*(\d[\d_]*(?:\.\d*)?(?:[eE][+-]?\d{1,3})?|\.\d+)\s*([a-zA-Z%]*)")
HOW = "a number of steps, or '5%', '3 epochs', '5e5 samples', '1e9 tokens', or a sum of these"


@final
@dataclass(frozen=True)
class Duration:
    """How long something lasts: a sum of steps, percent of the run, epochs, samples and tokens.

    Exact: amounts are fractions, and nothing is rounded before a schedule is put `over` a run.

    >>> Duration.parse("10%") - 100
    Duration.parse('10% - 100 steps')
    >>> Duration.parse("3 epochs").on(Clock(total=1000, steps_per_epoch=78.125))
    Fraction(1875, 8)
    """

    steps: Fraction = Fraction(0)
    percent: Fraction = Fraction(0)
    epochs: Fraction = Fraction(0)
    samples: Fraction = Fraction(0)
    tokens: Fraction = Fraction(0)

    @staticmethod
    def parse(value: Any, name: str = "duration") -> Duration:
        """The duration that a number of steps, a text or a Duration stands for.

        Raises:
            InvalidSchedule: it is none of these; the message names the argument.
        """
        if isinstance(value, Duration):
            return value
        if _is_number(value):
            return Duration(steps=Fraction(str(value)))
        if isinstance(value, str) and (amounts := _terms(value)):
            return Duration(**amounts)
        raise InvalidSchedule(f"{name} must be {HOW}; got {summary(value)}")

    def on(self, clock: Clock) -> Fraction:
        """The duration in steps of the run that `clock` describes, not rounded."""
        return sum((amount * clock.steps_per(unit) for unit, amount in self._parts()), Fraction(0))

    @property
    def in_steps(self) -> bool:
        """Whether it is in steps alone."""
        return all(unit == "steps" for unit, _ in self._parts())

    @property
    def never_positive(self) -> bool:
        """Whether it is below 0 on every run."""
        return bool(self._parts()) and all(amount < 0 for _, amount in self._parts())

    def _parts(self) -> list[tuple[str, Fraction]]:
        named = [(field.name, getattr(self, field.name)) for field in fields(self)]
        return [(name, amount) for name, amount in named if amount]

    def __add__(self, other: Any) -> Duration:
        theirs = Duration.parse(other)
        return Duration(*(getattr(self, f.name) + getattr(theirs, f.name) for f in fields(self)))

    __radd__ = __add__

    def __sub__(self, other: Any) -> Duration:
        return self + Duration.parse(other) * -1

    def __mul__(self, factor: float) -> Duration:
        exact = Fraction(str(factor))
        return Duration(*(getattr(self, f.name) * exact for f in fields(self)))

    __rmul__ = __mul__

    def __str__(self) -> str:
        parts = sorted(self._parts(), key=lambda part: part[1] < 0)
        terms = [f"{_decimal(amount)}{'%' if unit == 'percent' else ' ' + unit}" for unit, amount in parts]
        return " + ".join(terms).replace("+ -", "- ") or "0 steps"

    def __repr__(self) -> str:
        return f"Duration.parse({str(self)!r})"


def _terms(text: str) -> dict[str, Fraction] | None:
    """The amounts in a text, by unit; None if it is no duration."""
    amounts: dict[str, Fraction] = {}
    place = 0
    while place < len(text.rstrip()):
        found = TERM.match(text, place)
        if not found or found[3].lower() not in UNITS or (place and not found[1]):
            return None
        unit = UNITS[found[3].lower()]
        amount = Fraction(found[2].replace("_", ""))
        amounts[unit] = amounts.get(unit, Fraction(0)) + (-amount if found[1] == "-" else amount)
        place = found.end()
    return amounts or None


def _decimal(amount: Fraction) -> str:
    if amount.denominator == 1:
        return str(amount.numerator)
    return repr(float(amount))


@final
@dataclass(frozen=True)
class Clock:
    """A run, as durations see it: its length, and how many steps the other units are.

    Args:
        total: updates of the run.
        steps_per_epoch: updates an epoch takes; may be a fraction.
        samples_per_step: samples an update uses: batch size times accumulation times processes.
        tokens_per_step: tokens an update uses.
    """

    total: int
    steps_per_epoch: float | None = None
    samples_per_step: float | None = None
    tokens_per_step: float | None = None

    def __post_init__(self) -> None:
        for name in ("steps_per_epoch", "samples_per_step", "tokens_per_step"):
            value = getattr(self, name)
            if value is not None and not (_is_number(value) and value > 0):
                raise InvalidSchedule(f"{name} must be a number above 0, got {summary(value)}")

    def steps_per(self, unit: str) -> Fraction:
        """How many steps one of `unit` is."""
        if unit == "steps":
            return Fraction(1)
        if unit == "percent":
            return Fraction(self.total, 100)
        if unit == "epochs":
            return Fraction(str(self._given("steps_per_epoch", "epochs")))
        name = {"samples": "samples_per_step", "tokens": "tokens_per_step"}[unit]
        return 1 / Fraction(str(self._given(name, unit)))

    def _given(self, name: str, unit: str) -> float:
        value: float | None = getattr(self, name)
        if value is None:
            raise InvalidSchedule(f"a duration in {unit} needs {name}; pass it to over(...)")
        return value


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and is_finite(cast(float, value))


def nearest(steps: Fraction) -> int:
    """The nearest whole step, halves up."""
    return int((steps + Fraction(1, 2)).__floor__())
