"""Schedules whose durations wait for the run: what was asked is kept, and asked again in steps."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial, wraps
from typing import Any, NoReturn, ParamSpec, TypeVar, final

import numpy as np

from stepsize._codec import Document
from stepsize.errors import InvalidSchedule
from stepsize.schedule.adjust import Clip, Scale, Shift
from stepsize.schedule.durations import Clock, Duration, nearest
from stepsize.schedule.joints import Product, Sequence, Sum, chain
from stepsize.schedule.node import Bounds, Length, Misfit, Node, operand, whole_steps

P = ParamSpec("P")
R = TypeVar("R")
# Far longer than any run, so that only what is wrong on every run is found wrong.
ANY_RUN = Clock(total=10**12, steps_per_epoch=10**6, samples_per_step=1, tokens_per_step=10**4)
# A call's name -> the function, and which of its arguments are durations.
CALLS: dict[str, tuple[Callable[..., Any], tuple[str, ...]]] = {}


@final
@dataclass(frozen=True)
class Deferred(Node):
    """A call that waits for its durations: a function's, or (with `of`) a method's."""

    call: str
    arguments: tuple[tuple[str, Any], ...]
    of: Node | None = None

    resolved = False

    @property
    def length(self) -> Length:
        self._refuse()

    def value(self, t: Any, xp: Any) -> Any:
        self._refuse()

    def stretched(self, factor: float) -> Node:
        self._refuse()

    def bounds(self, begin: float, end: float) -> Bounds:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise InvalidSchedule(f"{self.code()} has durations that depend on the run; call .over(updates) first")

    def code(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.arguments)
        return f"{'' if self.of is None else operand(self.of) + '.'}{self.call}({arguments})"

    def document(self) -> Document:
        of = None if self.of is None else self.of.document()
        return {"kind": "deferred", "call": self.call, "arguments": dict(self.arguments), "of": of}

    def children(self) -> tuple[Node, ...]:
        return () if self.of is None else (self.of,)

    def on(self, clock: Clock, begin: Fraction) -> tuple[Node, Fraction]:
        """The node on a run, if it starts at `begin`; and where it ends, not rounded."""
        return self._function_on(clock, begin) if self.of is None else self._method_on(self.of, clock, begin)

    def _function_on(self, clock: Clock, begin: Fraction) -> tuple[Node, Fraction]:
        make, names = CALLS[self.call]
        given = dict(self.arguments)
        exact = {name: _exact(given[name], name, clock) for name in PHASES if name in names and given.get(name)}
        made = {name: _placed(given[name], name, clock, begin) for name in names if name in given and name not in exact}
        place = begin
        for name in ("warmup", "explore"):
            if name in exact:
                made[name], place = nearest(place + exact[name]) - nearest(place), place + exact[name]
        start = begin + exact.get("warmup", 0) if given.get("outside") else begin
        end = start + exact.get("steps", 0)
        if "steps" in exact:
            made["steps"] = nearest(end) - nearest(start)
        if "cooldown" in exact:
            made["cooldown"] = nearest(end) - nearest(end - exact["cooldown"])
        node = make(**{**given, **made})
        return node, end if node.length == nearest(end) - nearest(begin) else _after(node, begin)

    def _method_on(self, of: Node, clock: Clock, begin: Fraction) -> tuple[Node, Fraction]:
        make, names = CALLS[self.call]
        given = dict(self.arguments)
        exact = _exact(given["steps"], "steps", clock) if "steps" in names else Fraction(0)
        # A warmup stands before its schedule, so that one starts later.
        before = self.call == "warmup"
        known, end = resolve(of, clock, begin + exact if before else begin)
        first = begin if before else end
        made = {"steps": nearest(first + exact) - nearest(first)} if "steps" in names else {}
        node = make(known, **{**given, **made})
        if "steps" in names:
            return node, end if before else end + exact
        return node, end if node.length == known.length else _after(node, begin)


# Arguments that lay the phases of one schedule on the run; all others are places, periods and timescales.
PHASES = ("steps", "warmup", "explore", "cooldown")
PLACES = ("at", "points")


def _exact(value: Any, name: str, clock: Clock) -> Fraction:
    """A phase in steps, not rounded."""
    if isinstance(value, str | Duration):
        steps = Duration.parse(value, name).on(clock)
        if steps < 0:
            raise Misfit(f"{name}={str(value)!r} is {float(steps):g} updates on a run of {clock.total}")
        return steps
    return Fraction(whole_steps(value, name, least=0))


def _placed(value: Any, name: str, clock: Clock, begin: Fraction) -> Any:
    """Places rounded as the boundaries they are, seen from `begin`; periods and timescales by themselves."""
    first = begin if name in PLACES else Fraction(0)
    return _map(value, name, lambda duration: nearest(first + duration.on(clock)) - nearest(first))


def _after(node: Node, begin: Fraction) -> Fraction:
    return begin + (0 if node.length == float("inf") else int(node.length))


# The class that wraps nodes, on a floor above.
_faces: list[Callable[[Node], Any]] = []


def face_of_nodes(face: type[R]) -> type[R]:
    """Say which class wraps nodes, as its decorator."""
    _faces[:] = [face]
    return face


def timed(*names: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let the arguments `names` of a function or method be durations.

    Durations in steps are passed on as numbers. With others, or on an unresolved schedule, the call is
    kept as a `Deferred` node, after a trial on a long run that finds any other fault in it now.
    """

    def decorate(make: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(make)
        method = next(iter(signature.parameters)) == "self"

        @wraps(make)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            given = dict(signature.bind(*args, **kwargs).arguments)
            receiver: Any = given.pop("self") if method else None
            for name in names:
                if name in given:
                    given[name] = _map(given[name], name, partial(_plain, name=name))
            waits = any(_waits(given.get(name)) for name in names) or (method and not receiver.node.resolved)
            if not waits:
                return make(*([receiver] if method else []), **given)
            node = kept(make.__name__, receiver.node if method else None, given)
            return _faces[0](node)  # type: ignore[no-any-return]

        def on_nodes(*receiver: Node, **arguments: Any) -> Node:
            face = [_faces[0](node) for node in receiver]
            return call(*face, **arguments).node  # type: ignore[attr-defined, no-any-return]

        CALLS[make.__name__] = (on_nodes, names)
        return call

    return decorate


def kept(call: str, of: Node | None, arguments: dict[str, Any]) -> Deferred:
    """A call kept for later, tried on a run where every part fits.

    Raises:
        InvalidSchedule: no run makes this call a schedule.
    """
    node = Deferred(call, tuple((name, _value(value)) for name, value in arguments.items()), of)
    try:
        resolve(node, ANY_RUN, Fraction(0))
    except Misfit:
        pass  # how parts fit is known once the run is
    except (TypeError, AttributeError, LookupError, ArithmeticError) as error:
        raise InvalidSchedule(f"{node.code()}: {error}") from error
    return node


def _map(value: Any, name: str, change: Callable[[Duration], Any]) -> Any:
    """A duration, or each one in a list, through `change`; other values as they are."""
    if isinstance(value, str | Duration):
        return change(Duration.parse(value, name))
    if isinstance(value, list | tuple):
        return tuple(_map(item, name, change) for item in value)
    return value


def _plain(duration: Duration, name: str) -> Any:
    """A duration as it is kept: in steps a number, else a text."""
    if duration.never_positive:
        raise InvalidSchedule(f"{name} must not be negative, got {str(duration)!r}")
    if not duration.in_steps:
        return str(duration)
    return int(duration.steps) if duration.steps.denominator == 1 else float(duration.steps)


def _waits(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, list | tuple) and any(map(_waits, value)))


def _value(value: Any) -> Any:
    """An argument as a plain, immutable value."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    return tuple(map(_value, value)) if isinstance(value, list | tuple) else value


def resolve(node: Node, clock: Clock, begin: Fraction) -> tuple[Node, Fraction]:
    """The node with all durations in steps, if it starts at `begin`; and where it ends, not rounded.

    Boundaries are rounded, not lengths: phases that make 100 % fill a run to the step.
    """
    if node.resolved:
        return node, _after(node, begin)
    if isinstance(node, Deferred):
        return node.on(clock, begin)
    if isinstance(node, Sequence):
        parts = []
        for part in node.parts:
            known, begin = resolve(part, clock, begin)
            parts.append(known)
        return chain(parts), begin
    if isinstance(node, Product | Sum):
        found = [resolve(part, clock, begin) for part in node.parts]
        return type(node)(tuple(known for known, _ in found)), max(end for _, end in found)
    assert isinstance(node, Scale | Shift | Clip)  # all other nodes know their length when they are made
    known, end = resolve(node.of, clock, begin)
    return replace(node, of=known), end
