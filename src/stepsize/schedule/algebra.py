"""`Schedule`: the face of the tree, with the operators that compose one schedule from others."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any, cast, final, overload

import numpy as np

from stepsize._codec import BadDocument, is_finite, parse, summary
from stepsize.errors import InvalidSchedule
from stepsize.schedule import picture
from stepsize.schedule.document import read_node
from stepsize.schedule.joints import Clip, Product, Repeat, Scale, Sequence, Shift, Sum
from stepsize.schedule.node import Length, Node, Scalars, finite, whole_steps
from stepsize.schedule.shapes import Constant, Ramp

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SCHEMA = "stepsize.schedule/1"
# Large enough that NumPy's cost per call vanishes, small enough to stay in the processor's cache.
BLOCK = 1024


@final
@dataclass(frozen=True, repr=False)
class Schedule:
    """The value of one hyperparameter over training: a pure function of the step, with a length.

    `schedule(k)` is the value that update k uses, counting optimizer updates from 0. After its
    length the end value holds; before 0, the start value. A schedule is immutable, equal to any
    schedule built the same way, and knows no framework. Build one with the functions of `stepsize`
    (`linear`, `cosine`, `warmup_cosine`, ...) and compose it:

    >>> import stepsize as ss
    >>> lr = ss.linear(0, 1e-3, 500) >> ss.cosine(1e-3, 1e-5, 9_500)
    >>> lr.length
    10000
    >>> lr(250), lr(500), lr(10_000)
    (0.0005, 0.001, 1e-05)
    """

    node: Node

    @overload
    def __call__(self, step: float) -> float: ...
    @overload
    def __call__(self, step: Any) -> Any: ...
    def __call__(self, step: Any) -> Any:
        """The value at `step`: a float for a number, the same kind of array for an array.

        Args:
            step: optimizer updates since the start; fractions are allowed.
        Raises:
            TypeError: `step` is neither a number nor an array.
        """
        length = self.node.length
        if isinstance(step, Real):
            t = min(max(cast(float, step), 0), length)
            return float(self.node.value(t, Scalars))
        xp = _namespace(step)
        if xp is np:
            return self.node.value(np.clip(np.asarray(step, dtype=np.float64), 0, length), np)
        clamped = xp.maximum(step, 0)
        if not math.isinf(length):
            clamped = xp.minimum(clamped, length)
        return self.node.value(clamped, xp)

    @property
    def length(self) -> Length:
        """Steps (optimizer updates) until the end value holds; `math.inf` if that never happens."""
        return self.node.length

    def blocks(self, start: int, stop: int | None = None) -> Iterator[float]:
        """The values of updates `start`, `start + 1`, ... (before `stop`), computed many at a time."""
        while stop is None or start < stop:
            end = start + BLOCK if stop is None else min(start + BLOCK, stop)
            yield from self(np.arange(start, end)).tolist()
            start = end

    def __rshift__(self, then: Schedule) -> Schedule:
        """This schedule, then the other. Associative: (a >> b) >> c == a >> (b >> c).

        Raises:
            InvalidSchedule: this schedule never ends.
        """
        if not isinstance(then, Schedule):
            return NotImplemented
        return Schedule(Sequence((self.node, then.node)))

    def __mul__(self, other: Schedule | float) -> Schedule:
        """The product, step by step, with a number or with another schedule."""
        if isinstance(other, Schedule):
            return Schedule(Product((self.node, other.node)))
        if isinstance(other, Real):
            return Schedule(Scale(cast(float, other), self.node))
        return NotImplemented

    def __add__(self, other: Schedule | float) -> Schedule:
        """The sum, step by step, with a number or with another schedule."""
        if isinstance(other, Schedule):
            return Schedule(Sum((self.node, other.node)))
        if isinstance(other, Real):
            return Schedule(Shift(cast(float, other), self.node))
        return NotImplemented

    __rmul__ = __mul__
    __radd__ = __add__

    def clip(self, low: float, high: float) -> Schedule:
        """The same schedule, never below `low` nor above `high`."""
        return Schedule(Clip(low, high, self.node))

    def repeat(self, times: int | None = None, shrink: float = 1.0, stretch: float = 1.0) -> Schedule:
        """The schedule again and again.

        Args:
            times: cycles; None repeats for ever.
            shrink: cycle i (from 0) is `shrink**i` times as high.
            stretch: cycle i lasts `stretch**i` times as long, rounded to whole steps.
        Raises:
            InvalidSchedule: the schedule never ends, or its cycles shrink below one step.
        """
        return Schedule(Repeat(self.node, times, shrink, stretch))

    def stretch(self, factor: float) -> Schedule:
        """The same curve over `factor` times as many steps.

        Each part's length is rounded to the nearest whole step (halves up), and is at least 1.
        """
        if not finite(factor, "factor") > 0:
            raise InvalidSchedule(f"stretch needs a factor above 0, got {factor!r}")
        return Schedule(self.node.stretched(float(factor)))

    def warmup(self, steps: int, start: float | None = None) -> Schedule:
        """Put a linear warmup of `steps` updates in front; the total grows by as much.

        Args:
            steps: length of the warmup; 0 returns the schedule unchanged.
            start: value of update 0. By default `1 / (steps + 1)` of the schedule's first value, so
                that no update is wasted at rate 0 and the first value is reached right after it.
        """
        steps = whole_steps(steps, "warmup steps", least=0)
        if steps == 0:
            return self
        first = self(0)
        return Schedule(
            Sequence((Ramp("linear", first / (steps + 1) if start is None else start, first, steps), self.node))
        )

    def cooldown(self, steps: int, end: float = 0.0, shape: str = "linear") -> Schedule:
        """Put a decay from the schedule's end value to `end` behind it.

        Args:
            steps: length of the cooldown; 0 returns the schedule unchanged.
            end: the value after the cooldown.
            shape: "linear", "cosine", "exponential", "1-sqrt" or "rex".
        Raises:
            InvalidSchedule: the schedule never ends, or the shape is unknown.
        """
        steps = whole_steps(steps, "cooldown steps", least=0)
        if steps == 0:
            return self
        if math.isinf(self.length):
            raise InvalidSchedule(f"{self!r} never ends, so there is no end to cool down from; give it a length")
        return self >> Schedule(Ramp(cooldown_shape(shape), self(self.length), end, steps))

    def to_json(self) -> str:
        """The schedule as one JSON document; `Schedule.from_json` reads it back, equal."""
        return json.dumps({"schema": SCHEMA, **self.node.document()})

    @staticmethod
    def from_json(text: str) -> Schedule:
        """The schedule in a JSON document.

        Raises:
            InvalidSchedule: the text is no such document; the message names the place.
        """
        try:
            return Schedule(read_node(parse(text, SCHEMA)))
        except BadDocument as error:
            raise InvalidSchedule(str(error)) from error

    def show(self, ax: Axes | None = None) -> Axes:
        """Draw the schedule with Matplotlib and return the Axes; no window opens.

        Args:
            ax: where to draw; by default a new figure.
        Raises:
            MissingExtra: Matplotlib is not installed.
        """
        steps = picture.steps_to_draw(self.length, 1_000)
        return picture.axes(steps, self(steps), repr(self), ax)

    def sparkline(self, width: int = 40) -> str:
        """The schedule in one line of text."""
        return picture.sparkline(self(picture.steps_to_draw(self.length, width)))

    def __repr__(self) -> str:
        return self.node.code()

    def _repr_svg_(self) -> str:
        steps = picture.steps_to_draw(self.length, 300)
        return picture.svg(steps, self(steps))


COOLDOWNS = {
    "linear": "linear",
    "cosine": "cosine",
    "exponential": "exponential",
    "1-sqrt": "one_minus_sqrt",
    "rex": "rex",
}


def cooldown_shape(name: str) -> str:
    """The row of `SHAPES` that a cooldown's name stands for."""
    if not isinstance(name, str) or name not in COOLDOWNS:
        raise InvalidSchedule(f"shape must be one of {', '.join(COOLDOWNS)}; got {summary(name)}")
    return COOLDOWNS[name]


def as_schedule(value: Schedule | float, name: str = "value") -> Schedule:
    """A schedule as it is; a number as a schedule that holds it for ever."""
    if isinstance(value, Schedule):
        return value
    if isinstance(value, Real) and not isinstance(value, bool) and is_finite(cast(float, value)):
        return Schedule(Constant(float(value)))
    raise InvalidSchedule(f"{name} must be a Schedule or a finite number, got {summary(value)}")


def _namespace(step: Any) -> Any:
    """The array namespace that `step` brings with it; NumPy for lists."""
    if isinstance(step, np.ndarray | np.generic | list | tuple | range):
        return np
    if hasattr(step, "__array_namespace__"):
        return step.__array_namespace__()
    raise TypeError(f"a schedule is asked at a step number or an array of them, got {summary(step)}")
