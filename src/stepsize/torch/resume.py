"""The state of a `Scheduler`: its position and its schedules, and what to do when the plan has changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from stepsize._codec import summary
from stepsize.errors import InvalidPolicy, InvalidSchedule
from stepsize.schedule import Schedule
from stepsize.schedule.chance import Function
from stepsize.schedule.change import HOW
from stepsize.schedule.node import Node
from stepsize.torch.slots import Slot, key_of

Schedules = Mapping[Slot, Schedule]
OnChange = str | Mapping[str, str]
ABSENT = "absent"


def documents(schedules: Schedules) -> dict[str, Any]:
    """The schedules as JSON values; None for one made of a function without a name."""
    return {str(slot): _document(schedule) for slot, schedule in schedules.items()}


def _document(schedule: Schedule) -> Any:
    try:
        return json.loads(schedule.to_json())
    except InvalidSchedule:
        return None


def writable(schedule: Schedule) -> bool:
    """Whether a state can hold the schedule."""
    return _document(schedule) is not None


def position_of(state: Any) -> int:
    """The number of the next update in a state.

    Raises:
        InvalidPolicy: it holds none.
    """
    position = state.get("last_epoch") if isinstance(state, Mapping) else None
    if isinstance(position, bool) or not isinstance(position, int) or position < 0:
        raise InvalidPolicy(f"the state of a Scheduler has its position as last_epoch, got {summary(state)}")
    return position


def check_choice(on_change: Any) -> None:
    """An error unless it is a choice of `Schedule.replan`, or one for each key."""
    choices = on_change.values() if isinstance(on_change, Mapping) else [on_change]
    if bad := [choice for choice in choices if not isinstance(choice, str) or choice not in HOW]:
        raise InvalidPolicy(f"on_change must be one of {', '.join(HOW)}, or a dict of these; got {summary(bad[0])}")


def resumed(state: Mapping[str, Any], planned: Schedules, on_change: OnChange) -> dict[Slot, Schedule]:
    """The schedules to go on with from a saved state.

    Args:
        state: one without schedules is of an earlier version and only has a position.
        planned: the schedules that are wanted now.
    Raises:
        InvalidSchedule: they differ from those planned before, and `on_change` says to refuse.
    """
    before, running = state.get("planned"), state.get("schedules")
    if not isinstance(before, Mapping) or not isinstance(running, Mapping):
        return dict(planned)
    found, refusals = {}, [*_gone(before, planned, on_change)]
    for slot, schedule in planned.items():
        try:
            found[slot] = _resumed(slot, schedule, before, running, position_of(state), on_change)
        except InvalidSchedule as error:
            refusals.append(f"{slot}: {error}")
    if refusals:
        raise InvalidSchedule("\n".join([*refusals, "by Scheduler(..., on_change=...), one for all or one for a key"]))
    return found


def _resumed(
    slot: Slot, schedule: Schedule, before: Mapping[str, Any], running: Mapping[str, Any], at: int, on_change: OnChange
) -> Schedule:
    how, name = _choice(on_change, slot.key), _name_in(before, slot)
    old, new = before.get(name, ABSENT), _document(schedule)
    if old == ABSENT and how == "refuse":
        raise InvalidSchedule(f"the schedule is new at update {at}:\n- none\n+ {schedule!r}\nchoose how to go on:")
    if old in (ABSENT, None) or new is None or running.get(name) is None:
        return schedule
    if old == new:
        return _read(running[name], schedule)
    if how == "adopt":
        return schedule
    try:
        followed = _read(running[name], schedule)
    except InvalidSchedule as error:
        raise InvalidSchedule(
            f"the schedule has changed at update {at}, and the saved one cannot be read here: {error}\n"
            "on_change='adopt' goes on with the new one;"
        ) from error
    return followed.replan(schedule, at, how)


def _gone(before: Mapping[str, Any], planned: Schedules, on_change: OnChange) -> Iterator[str]:
    kept = {_name_in(before, slot) for slot in planned}
    for name in before.keys() - kept:
        if _choice(on_change, key_of(name)) == "refuse":
            yield f"{name}: followed a schedule, and now follows none; choose how to go on: any but 'refuse',"


def _choice(on_change: OnChange, key: str) -> str:
    return on_change if isinstance(on_change, str) else on_change.get(key, "refuse")


def _name_in(saved: Mapping[str, Any], slot: Slot) -> str:
    """The slot's name in a state; what was one schedule for all groups was that of each of them."""
    return str(slot) if str(slot) in saved else str(replace(slot, group=None))


def _read(document: Any, known: Schedule) -> Schedule:
    """A saved schedule; the functions in it are those of the schedule that is known."""
    return Schedule.from_json(json.dumps(document), dict(_functions(known.node)))


def _functions(node: Node) -> Iterator[tuple[str, Callable[[Any], Any]]]:
    if isinstance(node, Function):
        yield node.name, node.function
    for child in node.children():
        yield from _functions(child)
