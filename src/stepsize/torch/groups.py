"""The groups of an optimizer, tied to schedules: what is written where."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, final

import numpy as np
from torch import Tensor

from stepsize._codec import is_finite, summary
from stepsize.errors import InvalidPolicy
from stepsize.schedule import Schedule
from stepsize.schedule.algebra import BLOCK
from stepsize.torch.slots import Group, Slot

Values = dict[Slot, list[float]]
# key, values, and the groups that hold them as they are
Row = tuple[str, list[float], list[Group]]
Write = Callable[[int], None]


@final
@dataclass
class Targets:
    """Where the values of one slot go. Floats are assigned, tensors filled in place, parts of a pair put together."""

    plain: list[Group] = field(default_factory=list)
    scaled: list[tuple[Group, float]] = field(default_factory=list)
    tensors: list[tuple[Group, float]] = field(default_factory=list)
    pairs: list[Group] = field(default_factory=list)


@final
class Binding:
    """Schedules bound to the groups an optimizer has now.

    Args:
        groups: the optimizer's own list. A tensor that several groups share becomes one for each.
        schedules: what is to be followed; a group that no slot covers keeps its own values.
    """

    def __init__(self, groups: Sequence[Group], schedules: Mapping[Slot, Schedule]) -> None:
        self._groups, self._schedules = groups, schedules
        self._targets = {slot: Targets() for slot in schedules}
        # (key, part, index of the group) -> its slot, and its multiple of the value
        self._slots: dict[tuple[str, int | None, int], tuple[Slot, float]] = {}
        seen: set[int] = set()
        for index, group in enumerate(groups):
            covering = [slot for slot in schedules if slot.covers(index, group)]
            for key in dict.fromkeys(slot.key for slot in covering):
                _own_tensors(group, key, seen)
            for slot in covering:
                if (slot.key, slot.part, index) not in self._slots:
                    scale = _scale_of(group, slot.key)
                    self._slots[slot.key, slot.part, index] = slot, scale
                    self._aim(group, slot, scale)

    def _aim(self, group: Group, slot: Slot, scale: float) -> None:
        targets = self._targets[slot]
        if slot.part is not None:
            targets.pairs.append(group)
        elif isinstance(group.get(slot.key), Tensor):
            targets.tensors.append((group, scale))
        elif scale == 1:
            targets.plain.append(group)
        else:
            targets.scaled.append((group, scale))

    def values(self, begin: int) -> Values:
        """The values of the updates `begin`, ..., as many as are computed at a time."""
        steps = np.arange(begin, begin + BLOCK)
        return {slot: schedule(steps).tolist() for slot, schedule in self._schedules.items()}

    def writes(self, values: Values) -> tuple[list[Row], list[Write]]:
        """How to write them: rows of floats, for one quick loop, and all that is not a float."""
        rows: list[Row] = []
        others: list[Write] = []
        for slot, to in self._targets.items():
            if to.plain:
                rows.append((slot.key, values[slot], to.plain))
            if to.scaled:
                others.append(partial(_scale, to.scaled, slot.key, values[slot]))
            others += [partial(_fill, group, slot.key, scale, values[slot]) for group, scale in to.tensors]
            others += [partial(_put, group, slot, values[slot]) for group in to.pairs]
        return rows, others

    def held(self, key: str, values: Values, offset: int) -> list[Any]:
        """What each group holds under `key` when those values are written; its own where nothing is."""
        return [self._held(key, index, group, values, offset) for index, group in enumerate(self._groups)]

    def _held(self, key: str, index: int, group: Group, values: Values, offset: int) -> Any:
        if (key, None, index) in self._slots:
            slot, scale = self._slots[key, None, index]
            return values[slot][offset] * scale
        own = group.get(key)
        if (key, 0, index) not in self._slots or not isinstance(own, list | tuple):
            return own
        return tuple(values[self._slots[key, part, index][0]][offset] for part in range(len(own)))


def _scale_of(group: Group, key: str) -> float:
    """The group's own multiple of the learning rate, under the name that timm gave it."""
    scale = group.get("lr_scale", 1.0) if key == "lr" else 1.0
    if isinstance(scale, bool) or not isinstance(scale, int | float) or not is_finite(scale) or scale < 0:
        raise InvalidPolicy(f"lr_scale of a parameter group must be a number of at least 0, got {summary(scale)}")
    return float(scale)


def _own_tensors(group: Group, key: str, seen: set[int]) -> None:
    """A tensor that another group holds too is filled with that group's value; so each gets its own."""
    held = group.get(key)
    if isinstance(held, Tensor):
        group[key] = _own(held, seen)
    elif isinstance(held, list | tuple):
        group[key] = type(held)([_own(item, seen) for item in held])


def _own(held: Any, seen: set[int]) -> Any:
    if not isinstance(held, Tensor):
        return held
    own = copied(held) if id(held) in seen else held
    seen.add(id(own))
    return own


def _scale(targets: list[tuple[Group, float]], key: str, values: list[float], offset: int) -> None:
    value = values[offset]
    for group, scale in targets:
        group[key] = value * scale


def copied(held: Any) -> Any:
    """A tensor as one of its own; anything else as it is."""
    return held.detach().clone() if isinstance(held, Tensor) else held


def _fill(group: Group, key: str, scale: float, values: list[float], offset: int) -> None:
    group[key].fill_(values[offset] * scale)


def _put(group: Group, slot: Slot, values: list[float], offset: int) -> None:
    numbers = list(group[slot.key])
    part = slot.part or 0
    if isinstance(numbers[part], Tensor):
        numbers[part].fill_(values[offset])
    else:
        numbers[part] = values[offset]
        group[slot.key] = tuple(numbers)
