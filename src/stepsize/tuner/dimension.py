"""`Dimension`: one setting that may vary, over a range or among choices."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, final

from stepsize._codec import Document, is_finite, summary
from stepsize.errors import InvalidSpace
from stepsize.tuner.condition import Condition, When

# A range that spans at least this ratio is searched by ratios, a narrower one by differences.
LOG_RATIO = 10.0
# Settings that are shares of something: at least 0 and below 1.
SHARES = ("warmup", "cooldown", "end", "beta1", "beta2", "momentum", "alpha", "rho", "dampening")
# Averages: what matters is how far they are from holding for ever.
AVERAGES = ("beta1", "beta2", "momentum")


@final
@dataclass(frozen=True)
class Dimension:
    """One setting that may vary: over a range, or among choices.

    Attributes:
        name: of the setting.
        choices: the values it may have; empty for a range.
        low, high: the ends of a range.
        whole: only whole numbers.
        when: the choices of other settings under which it exists; all must hold.
    """

    name: str
    choices: tuple[Any, ...] = ()
    low: float = 0.0
    high: float = 1.0
    whole: bool = False
    when: tuple[Condition, ...] = ()

    def at(self, share: float) -> Any:
        """The value at `share` (from 0 to 1) of the way through; 0.5 is where a search starts.

        That is the middle of a range and of choices in order, and otherwise the first choice.
        """
        if self.choices:
            return self.choices[self._chosen(share)]
        value = self._from_line(share)
        return round(value) if self.whole else float(f"{value:.6g}")

    def share_of(self, value: Any) -> float:
        """Where a value lies, as `at` reads it; one beyond the range counts as the end it is nearest to."""
        if self.choices:
            place = (self.choices.index(value) + 0.5) / len(self.choices)
            return place if self.ordered else (place + 0.5 - 0.5 / len(self.choices)) % 1.0
        inside = min(max(float(value), self.low), self.high)
        if self.name in AVERAGES:
            return math.log((1 - inside) / (1 - self.low)) / math.log((1 - self.high) / (1 - self.low))
        if self._by_ratios:
            return math.log(inside / self.low) / math.log(self.high / self.low)
        return (inside - self.low) / (self.high - self.low)

    @property
    def ordered(self) -> bool:
        """Whether its choices are numbers in order, so that the ones between others behave in between."""
        numbers = all(isinstance(c, int | float) and not isinstance(c, bool) for c in self.choices)
        return numbers and list(self.choices) == sorted(set(self.choices))

    def features(self, share: float) -> list[float]:
        """The position as coordinates in [-1, 1]: one where there is an order, one a choice otherwise."""
        if not self.choices:
            return [2 * share - 1]
        chosen, count = self._chosen(share), len(self.choices)
        if self.ordered:
            return [2 * chosen / (count - 1) - 1 if count > 1 else 0.0]
        return [1.0 if i == chosen else 0.0 for i in range(count)]

    @property
    def entry(self) -> Any:
        """What stands for it in a space."""
        bounds = (round(self.low), round(self.high)) if self.whole else (self.low, self.high)
        values = list(self.choices) if self.choices else bounds
        return When(values, self.when) if self.when else values

    @property
    def option(self) -> str:
        """What stands for it on the command line."""
        values = ",".join(map(str, self.choices)) if self.choices else f"{self.low:g}:{self.high:g}"
        return "@".join([f"{self.name}={values}", *(f"{n}={','.join(map(str, allowed))}" for n, allowed in self.when)])

    def document(self) -> Document:
        """The dimension as a JSON value."""
        when = [[name, list(values)] for name, values in self.when]
        bounds = {"low": self.low, "high": self.high, "whole": self.whole}
        return {"name": self.name, "choices": list(self.choices), **bounds, "when": when}

    @staticmethod
    def from_document(document: Document) -> Dimension:
        """The dimension that `document` describes."""
        when = tuple((name, tuple(map(frozen, values))) for name, values in document.get("when", ()))
        return Dimension(**{**document, "choices": tuple(map(frozen, document["choices"])), "when": when})

    @property
    def _by_ratios(self) -> bool:
        return self.low > 0 and self.high / self.low >= LOG_RATIO

    def _chosen(self, share: float) -> int:
        count = len(self.choices)
        if not self.ordered:
            share = (share - 0.5 + 0.5 / count) % 1.0  # the first choice around the middle
        return min(int(share * count), count - 1)

    def _from_line(self, share: float) -> float:
        if self.name in AVERAGES:
            return 1 - float((1 - self.low) ** (1 - share) * (1 - self.high) ** share)
        if self._by_ratios:
            return float(self.low ** (1 - share) * self.high**share)
        return self.low * (1 - share) + self.high * share


def dimension(name: str, value: Any, when: tuple[Condition, ...] = ()) -> Dimension:
    """A pair in a tuple as a range, a list as choices.

    Raises:
        InvalidSpace: it is neither, is empty, or runs the wrong way; the message names it.
    """
    if name == "lr":
        raise InvalidSpace("the rate is searched anyway: bound it with low and high, not in the space")
    if isinstance(value, list):
        if not value:
            raise InvalidSpace(f"{name} has no choices; give at least one")
        return Dimension(name, choices=tuple(map(frozen, value)), when=when)
    if isinstance(value, tuple) and len(value) == 2:
        return _range(name, value, when)
    raise InvalidSpace(f"{name} must be a range (low, high) or a list of choices; got {summary(value)}")


def _range(name: str, value: tuple[Any, Any], when: tuple[Condition, ...]) -> Dimension:
    low, high = value
    if not all(isinstance(v, int | float) and is_finite(v) for v in value) or not low < high:
        raise InvalidSpace(f"{name} must run from a lower to a higher finite number, got {summary(value)}")
    if name in SHARES and not 0 <= low < high < 1:
        raise InvalidSpace(f"{name} is a share, so its range must lie in 0 <= low < high < 1; got {summary(value)}")
    whole = isinstance(low, int) and isinstance(high, int) and name not in SHARES
    return Dimension(name, low=float(low), high=float(high), whole=whole, when=when)


def frozen(value: Any) -> Any:
    """A choice as a value that can be compared: JSON knows no tuples."""
    return tuple(value) if isinstance(value, list) else value
