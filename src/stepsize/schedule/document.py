"""Reading a schedule's tree back from its JSON document."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stepsize._codec import BadDocument, integer, items, number, take_fields, take_kind
from stepsize.schedule.joints import Clip, Product, Repeat, Scale, Sequence, Shift, Sum
from stepsize.schedule.node import Node
from stepsize.schedule.shapes import SHAPES, TAILS, Constant, Endless, Ramp

Reader = Callable[[Any, str], Any]


def read_node(document: Any, where: str = "schedule") -> Node:
    """The node that `document` describes; raises `BadDocument` naming the place."""
    kind = take_kind(document, READERS, where)
    build, fields = READERS[kind]
    return build(**take_fields(document, fields, where))


def _nodes(value: Any, where: str) -> tuple[Node, ...]:
    return tuple(read_node(item, f"{where}[{i}]") for i, item in enumerate(items(value, where)))


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


# kind -> how to build it, and how to read each of its fields
READERS: dict[str, tuple[Callable[..., Node], dict[str, Reader]]] = {
    "constant": (_constant, {"value": number, "steps": _optional(integer)}),
    "sequence": (Sequence, {"parts": _nodes}),
    "product": (Product, {"parts": _nodes}),
    "sum": (Sum, {"parts": _nodes}),
    "scale": (Scale, {"factor": number, "of": read_node}),
    "shift": (Shift, {"offset": number, "of": read_node}),
    "clip": (Clip, {"low": number, "high": number, "of": read_node}),
    "repeat": (
        Repeat,
        {"of": read_node, "times": _optional(integer), "shrink": number, "stretch": number},
    ),
    **{
        name: (
            _ramp(name),
            {"start": number, "end": number, "steps": integer, **dict.fromkeys(row.params, number)},
        )
        for name, row in SHAPES.items()
    },
    **{name: (_endless(name), {"start": number, **dict.fromkeys(row.params, number)}) for name, row in TAILS.items()},
}

__all__ = ["BadDocument", "read_node"]
