"""Reading a schedule's tree back from its JSON document."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

from stepsize._codec import BadDocument, integer, items, number, summary, take_fields, take_kind
from stepsize.errors import InvalidSchedule
from stepsize.schedule.adjust import Clip, Scale, Shift
from stepsize.schedule.chance import Function, Random
from stepsize.schedule.deferred import CALLS, kept
from stepsize.schedule.joints import Product, Sequence, Sum, chain
from stepsize.schedule.node import Node
from stepsize.schedule.repeat import Repeat
from stepsize.schedule.shapes import SHAPES, TAILS, Constant, Endless, Ramp
from stepsize.schedule.travel import Hold, Reverse, Window

Reader = Callable[[Any, str], Any]
Functions = Mapping[str, Callable[[Any], Any]]
# The functions a reading may use, known at its leaves.
_functions: ContextVar[Functions] = ContextVar("functions")


def read_document(document: Any, functions: Functions | None = None) -> Node:
    """The node of a whole document; `functions` are those it may be made of."""
    token = _functions.set(functions or {})
    try:
        return read_node(document)
    finally:
        _functions.reset(token)


def read_node(document: Any, where: str = "schedule") -> Node:
    """The node that `document` describes; raises `BadDocument` naming the place."""
    kind = take_kind(document, READERS, where)
    build, fields = READERS[kind]
    return build(**take_fields(document, fields, where))


def _nodes(value: Any, where: str) -> tuple[Node, ...]:
    return tuple(read_node(item, f"{where}[{i}]") for i, item in enumerate(items(value, where)))


def _sequence(parts: tuple[Node, ...]) -> Node:
    return chain(Sequence(parts).parts)  # a phase of no steps is absent, as it is when one is built


def _optional(read: Reader) -> Reader:
    return lambda value, where: None if value is None else read(value, where)


def _ramp(shape: str) -> Callable[..., Node]:
    def build(start: float, end: float, steps: int, **params: float) -> Node:
        return Ramp(shape, start, end, steps, tuple(params[name] for name in SHAPES[shape].params))

    return build


def _endless(tail: str) -> Callable[..., Node]:
    def build(start: float, **params: float) -> Node:
        return Endless(tail, start, tuple(params[name] for name in TAILS[tail].params))

    return build


def _constant(value: float, steps: int | None) -> Node:
    return Constant(value, steps)


def _function(name: Any, steps: int | None) -> Node:
    known = _functions.get({})
    if name not in known:
        raise InvalidSchedule(
            f"the schedule uses the function {summary(name)}; pass it: from_json(text, functions={{{name!r}: ...}})"
        )
    return Function(known[name], steps)


def _deferred(call: str, arguments: dict[str, Any], of: Node | None) -> Node:
    return kept(call, of, arguments)


def _call(value: Any, where: str) -> str:
    if not isinstance(value, str) or value not in CALLS:
        raise BadDocument(f"{where}: found {summary(value)}; known are {', '.join(sorted(CALLS))}")
    return value


def _object(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadDocument(f"{where}: expected an object, found {summary(value)}")
    return value


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise BadDocument(f"{where}: expected a text, found {summary(value)}")
    return value


def _truth(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise BadDocument(f"{where}: expected true or false, found {summary(value)}")
    return value


def _numbers(value: Any, where: str) -> Any:
    """A finite number, or a list of such, nested as an array is."""
    if isinstance(value, list):
        return tuple(_numbers(item, f"{where}[{i}]") for i, item in enumerate(value))
    return number(value, where)


# kind -> how to build it, and how to read each of its fields
READERS: dict[str, tuple[Callable[..., Node], dict[str, Reader]]] = {
    "constant": (_constant, {"value": _numbers, "steps": _optional(integer)}),
    "sequence": (_sequence, {"parts": _nodes}),
    "product": (Product, {"parts": _nodes}),
    "sum": (Sum, {"parts": _nodes}),
    "scale": (Scale, {"factor": _numbers, "of": read_node}),
    "shift": (Shift, {"offset": _numbers, "of": read_node}),
    "clip": (Clip, {"low": _numbers, "high": _numbers, "of": read_node}),
    "repeat": (
        Repeat,
        {"of": read_node, "times": _optional(integer), "shrink": number, "stretch": number},
    ),
    "hold": (Hold, {"of": read_node, "every": integer}),
    "reverse": (Reverse, {"of": read_node}),
    "window": (
        Window,
        {"of": read_node, "begin": number, "stride": number, "steps": _optional(integer)},
    ),
    "random": (Random, {"low": _numbers, "high": _numbers, "every": integer, "seed": integer, "log": _truth}),
    "function": (_function, {"name": _text, "steps": _optional(integer)}),
    "deferred": (_deferred, {"call": _call, "arguments": _object, "of": _optional(read_node)}),
    **{
        name: (
            _ramp(name),
            {"start": _numbers, "end": _numbers, "steps": integer, **dict.fromkeys(row.params, _numbers)},
        )
        for name, row in SHAPES.items()
    },
    **{
        name: (_endless(name), {"start": _numbers, **dict.fromkeys(row.params, _numbers)})
        for name, row in TAILS.items()
    },
}
