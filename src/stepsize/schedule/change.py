"""A change of plan in the middle of a run: what was followed so far, and what is wanted now."""

from __future__ import annotations

import math
from collections.abc import Callable

from stepsize._codec import summary
from stepsize.errors import InvalidSchedule
from stepsize.schedule.joints import chain
from stepsize.schedule.node import Node, finite_at, whole_steps
from stepsize.schedule.shapes import Constant, Ramp
from stepsize.schedule.travel import cut


def replanned(old: Node, new: Node, at: int, how: str) -> Node:
    """The node to go on with at step `at`."""
    at = whole_steps(at, "at", least=0)
    if how not in HOW:
        raise InvalidSchedule(f"how must be one of {', '.join(HOW)}; got {summary(how)}")
    return old if old == new else HOW[how](old, new, at)


def _refuse(old: Node, new: Node, at: int) -> Node:
    choices = ", ".join(repr(name) for name in HOW if name != "refuse")
    raise InvalidSchedule(
        f"the schedule has changed at update {at}:\n- {_line(old)}\n+ {_line(new)}\nchoose how to go on: {choices}"
    )


def _line(node: Node) -> str:
    length = "no end" if math.isinf(node.length) else f"{node.length} updates"
    return f"{node.code()}  ({length})"


def _stretched(old: Node, new: Node, at: int) -> Node:
    left, wanted = _left(old, at, "the schedule so far"), _left(new, at, "the new schedule")
    return chain((_so_far(old, at), cut(old, at, math.inf, left / wanted)))


def _annealed(old: Node, new: Node, at: int) -> Node:
    wanted = _left(new, at, "the new schedule")
    now = finite_at(old, min(at, old.length))
    return chain((_so_far(old, at), Ramp("cosine", now, finite_at(new, new.length), wanted)))


def _so_far(old: Node, at: int) -> Node:
    """The updates before `at`; beyond the end of a schedule they used its end value."""
    if at <= old.length:
        return cut(old, 0, at)
    return chain((old, Constant(finite_at(old, old.length), at - int(old.length))))


def _left(node: Node, at: int, what: str) -> int:
    if math.isinf(node.length) or node.length <= at:
        end = "never ends" if math.isinf(node.length) else f"ended at update {node.length}"
        raise InvalidSchedule(f"{what}, {node.code()}, {end}, so at update {at} nothing of it is left to follow")
    return int(node.length) - at


HOW: dict[str, Callable[[Node, Node, int], Node]] = {
    "refuse": _refuse,
    "keep": lambda old, new, at: old,
    "adopt": lambda old, new, at: new,
    "stretch": _stretched,
    "anneal": _annealed,
}
