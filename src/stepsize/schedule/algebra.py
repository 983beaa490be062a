"""`Schedule`: the face of the tree, with the operators that compose one schedule from others."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, cast, final, overload

import numpy as np

from stepsize._codec import BadDocument, is_finite, parse, summary
from stepsize.errors import InvalidSchedule
from stepsize.finding import Finding
from stepsize.schedule import picture
from stepsize.schedule.adjust import Clip, Scale, Shift
from stepsize.schedule.arrays import namespace
from stepsize.schedule.chance import Random
from stepsize.schedule.change import replanned
from stepsize.schedule.deferred import face_of_nodes, resolve, timed
from stepsize.schedule.difference import Difference
from stepsize.schedule.document import read_document
from stepsize.schedule.durations import Clock, Duration, nearest
from stepsize.schedule.joints import Product, Sum, chain
from stepsize.schedule.legs import leg
from stepsize.schedule.lint import check
from stepsize.schedule.lookup import reachable
from stepsize.schedule.measure import first_where, total
from stepsize.schedule.node import Length, Misfit, Node, Scalars, finite, finite_at, sample, scalar, whole_steps
from stepsize.schedule.repeat import Repeat
from stepsize.schedule.shapes import Constant
from stepsize.schedule.travel import Hold, Reverse, backwards, cut

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SCHEMA = "stepsize.schedule/1"
# Large enough that NumPy's cost per call vanishes, small enough to stay in the processor's cache.
BLOCK = 4096
# Steps of an array evaluated at a time: what lies between does not leave the processor's cache either.
CACHED = 1 << 15


NUMBERS = (Real, np.ndarray, list, tuple)


@face_of_nodes
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
        Returns:
            For a schedule of arrays (64 peaks, say) the shape of the values follows that of the
            steps: `(64,)` for a number, `(n, 64)` for n steps.
        Raises:
            TypeError: `step` is neither a number nor an array.
            InvalidSchedule: durations wait for `over`.
        """
        node, kind = self.node, type(step)
        if (kind is int or kind is float) and not node.shape:
            return self._value_at(step)
        if not isinstance(step, Real):
            return self.at(*namespace(step))
        return self.at(np.array([float(step)]), np)[0] if node.shape else self._value_at(_plain(step))

    def _value_at(self, step: float) -> float:
        try:
            return float(self.node.value(min(max(step, 0), self.node.length), Scalars))
        except OverflowError:  # a whole number that no float can hold
            return self._value_at(sys.float_info.max)

    def at(self, step: Any, xp: Any) -> Any:
        """The values at an array of steps, by the functions of the array namespace `xp`.

        For frameworks whose arrays do not tell their namespace: `xp` offers `cos`, `sin`, `tanh`, `exp`,
        `sqrt`, `minimum`, `maximum`, `where`, `searchsorted`, `take`, `asarray` and `astype` or `cast`.
        """
        if xp is np:
            line = step.reshape(-1)
            blocks = [self._sampled(line[i : i + CACHED]) for i in range(0, max(line.size, 1), CACHED)]
            values = blocks[0] if len(blocks) == 1 else np.concatenate(blocks)
            return values.reshape(step.shape + self.node.shape)
        t, length = xp.maximum(step, 0), self.node.length
        if not math.isinf(length):
            t = xp.minimum(t, reachable(length, t, xp))
        axes = len(self.node.shape)
        return self.node.value(t[(..., *[None] * axes)] if axes else t, xp)

    def _sampled(self, line: Any) -> Any:
        return sample(self.node, line.clip(0, self.node.length))

    @property
    def length(self) -> Length:
        """Steps (optimizer updates) until the end value holds; `math.inf` if that never happens.

        Raises:
            InvalidSchedule: durations wait for `over`.
        """
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
        return Schedule(chain((self.node, then.node)))

    def __getitem__(self, span: slice) -> Schedule:
        """A part of the schedule: `lr[100:200]`, `lr[500:]`, every second step `lr[::2]`.

        `lr[:k] >> lr[k:]` has the values of `lr`. So `lr[:k].cooldown(1000)` is the schedule that
        leaves `lr` at step k and decays. Start and stride may be fractions; a part holds its last value.

        Raises:
            InvalidSchedule: a bound is negative, or the stride is not above 0.
        """
        if not isinstance(span, slice):
            raise InvalidSchedule(f"a schedule is sliced, lr[a:b]; its value at a step is lr({span!r})")
        begin = 0.0 if span.start is None else scalar(span.start, "start of the slice")
        end = math.inf if span.stop is None else scalar(span.stop, "stop of the slice")
        stride = 1.0 if span.step is None else scalar(span.step, "stride of the slice")
        if begin < 0 or end < 0 or not stride > 0:
            raise InvalidSchedule(f"a slice counts from the start, forwards; got [{begin:g}:{end:g}:{stride:g}]")
        return Schedule(cut(self.node, begin, end, stride))

    def __mul__(self, other: Schedule | float) -> Schedule:
        """The product, step by step, with a number or with another schedule."""
        if isinstance(other, Schedule):
            return Schedule(Product((self.node, other.node)))
        if isinstance(other, NUMBERS):
            return Schedule(Scale(other, self.node))
        return NotImplemented

    def __add__(self, other: Schedule | float) -> Schedule:
        """The sum, step by step, with a number or with another schedule."""
        if isinstance(other, Schedule):
            return Schedule(Sum((self.node, other.node)))
        if isinstance(other, NUMBERS):
            return Schedule(Shift(other, self.node))
        return NotImplemented

    __rmul__ = __mul__
    __radd__ = __add__
    # NumPy leaves `array * schedule` to the schedule.
    __array_ufunc__ = None

    def __truediv__(self, number: float) -> Schedule:
        """The schedule divided by a number."""
        if not isinstance(number, NUMBERS):
            return NotImplemented
        divisor = np.asarray(finite(number, "divisor"))
        if not divisor.all():
            raise InvalidSchedule(f"a schedule cannot be divided by 0, got {summary(number)}")
        return Schedule(Scale(1 / divisor, self.node))

    def __sub__(self, other: Schedule | float) -> Schedule:
        """The difference, step by step, with a number or with another schedule."""
        if isinstance(other, Schedule):
            return self + -1.0 * other
        if isinstance(other, NUMBERS):
            return Schedule(Shift(-np.asarray(finite(other, "offset")), self.node))
        return NotImplemented

    def clip(self, low: float, high: float) -> Schedule:
        """The same schedule, never below `low` nor above `high`."""
        return Schedule(Clip(low, high, self.node))

    @timed()
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

    @timed()
    def reverse(self) -> Schedule:
        """The schedule from its end to its start: its value at `length - k`.

        Raises:
            InvalidSchedule: the schedule never ends.
        """
        return Schedule(backwards(self.node))

    @timed("every")
    def hold(self, every: int | str | Duration) -> Schedule:
        """Each value for `every` steps: a schedule in epochs, say, for a training that counts updates.

        Args:
            every: steps for which each step of the schedule lasts, or a duration such as "1 epoch".

        >>> import stepsize as ss
        >>> ss.linear(1.0, 0.0, 2).hold(3)([0, 2, 3, 5, 6]).tolist()
        [1.0, 1.0, 0.5, 0.5, 0.0]
        """
        return Schedule(Hold(self.node, cast(int, every)))

    @timed()
    def stretch(self, factor: float) -> Schedule:
        """The same curve over `factor` times as many steps.

        Each part's length is rounded to the nearest whole step (halves up), and is at least 1.
        """
        if not scalar(factor, "factor") > 0:
            raise InvalidSchedule(f"stretch needs a factor above 0, got {factor!r}")
        return Schedule(self.node.stretched(float(factor)))

    @timed("steps")
    def warmup(self, steps: int | str | Duration, start: float | None = None, shape: str = "linear") -> Schedule:
        """Put a warmup of `steps` updates in front; the total grows by as much.

        Args:
            steps: length of the warmup, or a duration; 0 returns the schedule unchanged.
            start: value of update 0. By default `1 / (steps + 1)` of the schedule's first value, so
                that no update is wasted at rate 0 and the first value is reached right after it.
            shape: a name as for `cooldown`; the curve of that decay, backwards.
        """
        steps = whole_steps(steps, "warmup steps", least=0)
        if steps == 0:
            return self
        first = finite_at(self.node, 0.0)
        begin = first / (steps + 1) if start is None else start
        if shape == "linear":
            return Schedule(chain((leg(shape, begin, first, steps), self.node)))
        return Schedule(chain((Reverse(leg(shape, first, begin, steps)), self.node)))

    @timed("steps")
    def cooldown(self, steps: int | str | Duration, end: float = 0.0, shape: str = "linear") -> Schedule:
        """Put a decay from the schedule's end value to `end` behind it.

        Args:
            steps: length of the cooldown, or a duration; 0 returns the schedule unchanged.
            end: the value after the cooldown.
            shape: "linear", "cosine", "mirror-cosine", "exponential", "1-sqrt", "sqrt", "1-square",
                "square" or "rex".
        Raises:
            InvalidSchedule: the schedule never ends, or the shape is unknown.
        """
        steps = whole_steps(steps, "cooldown steps", least=0)
        if steps == 0:
            return self
        if math.isinf(self.length):
            raise InvalidSchedule(f"{self!r} never ends; cool down from a step of it: lr[:step].cooldown({steps})")
        return Schedule(chain((self.node, leg(shape, finite_at(self.node, self.length), end, steps))))

    @timed()
    def after(self, what: str) -> Schedule:
        """The schedule, and another value than its last after its end.

        Args:
            what: "hold" (the schedule as it is), "zero", "restart" (from its start, for ever) or
                "mirror" (back to its start and again, as the cosine of some libraries climbs).
        Raises:
            InvalidSchedule: the schedule never ends, or `what` is unknown.
        """
        if what not in AFTER:
            raise InvalidSchedule(f"what must be one of {', '.join(AFTER)}; got {summary(what)}")
        return Schedule(AFTER[what](self.node))

    def over(
        self,
        steps: int | str | Duration,
        *,
        steps_per_epoch: float | None = None,
        samples_per_step: float | None = None,
        tokens_per_step: float | None = None,
    ) -> Schedule:
        """The schedule with every duration in steps, for a run of `steps` updates.

        Boundaries between phases are rounded to the nearest update, halves up, so that phases which
        make 100 % fill the run exactly; a phase of no update is absent.

        Args:
            steps: updates of the run; or a duration such as "90 epochs" or "1e9 tokens".
            steps_per_epoch: updates an epoch takes; may be a fraction.
            samples_per_step: samples an update uses: batch size times accumulation times processes.
            tokens_per_step: tokens an update uses.
        Raises:
            InvalidSchedule: a unit's size is missing, or the parts are longer than the run; the
                message says by how much.

        >>> import stepsize as ss
        >>> ss.wsd(peak=1.0, steps="100%", warmup="2%", cooldown="1 epoch").over(1000, steps_per_epoch=50)
        linear(0.047619047619047616, 1.0, 20) >> constant(1.0, 930) >> one_minus_sqrt(1.0, 0.0, 50)
        """
        sizes = (steps_per_epoch, samples_per_step, tokens_per_step)
        length = Duration.parse(steps, "steps")
        if length.percent:
            raise InvalidSchedule(f"a run cannot be {steps} of itself; give its updates, epochs, samples or tokens")
        total = whole_steps(steps if isinstance(steps, Real) else nearest(length.on(Clock(0, *sizes))), "steps")
        node, _ = resolve(self.node, Clock(total, *sizes), Fraction(0))
        if not math.isinf(node.length) and node.length > total:
            raise Misfit(
                f"{node.code()} takes {node.length} updates, {node.length - total} more than the run's {total}"
            )
        return Schedule(node)

    def noise(self, spread: float, every: int = 1, seed: int = 0) -> Schedule:
        """The schedule times a factor drawn anew every `every` steps, evenly from `1 - spread` to `1 + spread`."""
        if not 0 <= scalar(spread, "spread") <= 1:
            raise InvalidSchedule(f"spread is a share from 0 to 1, got {spread!r}")
        return Schedule(Product((self.node, Random(1 - spread, 1 + spread, every, seed, log=False))))

    def integral(self, start: int = 0, stop: int | None = None) -> Any:
        """The sum of the values that the updates start, ..., stop - 1 use.

        Args:
            start: the first update.
            stop: the update after the last; by default the schedule's length.
        Raises:
            InvalidSchedule: the schedule never ends and `stop` is not given.

        >>> import stepsize as ss
        >>> ss.linear(1.0, 0.0, 4).integral()
        2.5
        """
        return total(self.node, start, stop)

    def first_below(self, value: float, start: int = 0) -> Length:
        """The first update from `start` on whose value is below `value`; `math.inf` if there is none.

        >>> import stepsize as ss
        >>> ss.exponential_decay(1.0, 0.5, every=1).first_below(1e-3)
        10
        """
        return first_where(self.node, finite(value, "value"), start, above=False)

    def first_above(self, value: float, start: int = 0) -> Length:
        """The first update from `start` on whose value is above `value`; `math.inf` if there is none."""
        return first_where(self.node, finite(value, "value"), start, above=True)

    def check(self, steps: int | None = None) -> list[Finding]:
        """What looks wrong about this schedule as a learning rate; an empty list if nothing does.

        Args:
            steps: updates of the training it is for, if known.

        >>> import stepsize as ss
        >>> [finding.kind for finding in ss.linear(0, 1e-3, 100).check()]
        ['zero_first_update', 'never_decays']
        """
        return check(self.node, steps)

    def diff(self, other: Schedule) -> Difference:
        """How `other` differs from this schedule, in its parts and in its values.

        >>> import stepsize as ss
        >>> print(ss.cosine(1.0, 0.0, 100).diff(ss.cosine(1.0, 0.1, 100)))
        - cosine(1.0, 0.0, 100)
        + cosine(1.0, 0.1, 100)
        values differ from update 1 on, at most by 0.1 at update 100 (0 -> 0.1)
        """
        return Difference(self.node, other.node)

    def replan(self, planned: Schedule, at: int, how: str = "refuse") -> Schedule:
        """The schedule to go on with at update `at`, when this one was followed so far and `planned` is wanted now.

        Args:
            planned: the new schedule.
            at: the next update.
            how: "refuse" (an error that tells the difference), "keep" (this schedule), "adopt"
                (`planned`, as if it had been followed all along), "stretch" (the rest of this
                schedule, made to end with `planned`) or "anneal" (a cosine from the current value
                to the end value of `planned`, made to end with it).
        Raises:
            InvalidSchedule: the two differ and `how` is "refuse", or the choice cannot be followed.

        >>> import stepsize as ss
        >>> ss.linear(1.0, 0.0, 100).replan(ss.linear(1.0, 0.0, 200), at=50, how="stretch")
        linear(1.0, 0.0, 100)[:50] >> linear(1.0, 0.0, 100)[50::0.3333333333333333]
        """
        return Schedule(replanned(self.node, planned.node, at, how))

    def to_json(self) -> str:
        """The schedule as one JSON document; `Schedule.from_json` reads it back, equal."""
        return json.dumps({"schema": SCHEMA, **self.node.document()})

    @staticmethod
    def from_json(text: str, functions: Mapping[str, Callable[[Any], Any]] | None = None) -> Schedule:
        """The schedule in a JSON document.

        Args:
            functions: those that the schedule is made of, by the name in the document; a document
                alone never makes code run.
        Raises:
            InvalidSchedule: the text is no such document; the message names the place.
        """
        try:
            return Schedule(read_document(parse(text, SCHEMA), functions))
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


def _plain(step: Any) -> float:
    """A number of any kind as Python's own, which is neither short nor wraps around."""
    return int(step) if isinstance(step, Integral) else float(step)


# What a schedule may do after its end.
AFTER: dict[str, Callable[[Node], Node]] = {
    "hold": lambda node: node,
    "zero": lambda node: chain((node, Constant(0.0))),
    "restart": Repeat,
    "mirror": lambda node: Repeat(chain((node, Reverse(node)))),
}


def as_schedule(value: Schedule | float, name: str = "value") -> Schedule:
    """A schedule as it is; a number as a schedule that holds it for ever."""
    if isinstance(value, Schedule):
        return value
    if isinstance(value, Real) and not isinstance(value, bool) and is_finite(cast(float, value)):
        return Schedule(Constant(float(value)))
    raise InvalidSchedule(f"{name} must be a Schedule or a finite number, got {summary(value)}")
