"""Which number of which parameter group follows which schedule."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

from torch import Tensor

from stepsize._codec import summary
from stepsize.errors import InvalidPolicy
from stepsize.policy import learning_rate
from stepsize.schedule import Schedule, as_schedule

Group = dict[str, Any]
Name = str | int


@final
@dataclass(frozen=True)
class Slot:
    """A number that the groups hold: `lr`, `lr['head']` of the groups called so, `betas[0].1` of the first group."""

    key: str
    group: Name | None = None  # every group
    part: int | None = None  # of a pair

    def __str__(self) -> str:
        group = "" if self.group is None else f"[{self.group!r}]"
        return f"{self.key}{group}{'' if self.part is None else f'.{self.part}'}"

    def covers(self, index: int, group: Group) -> bool:
        """Whether this is a number of that group."""
        return self.group is None or self.group == (index if isinstance(self.group, int) else group.get("name"))


def key_of(slot: str) -> str:
    """The key in the text of a slot."""
    return re.split(r"[.\[]", slot, maxsplit=1)[0]


def slots_of(groups: Sequence[Group], values: Mapping[str, Any], later: Collection[Name]) -> dict[Slot, Schedule]:
    """The schedules in what a user wrote for each key, checked against the groups there are.

    Raises:
        InvalidPolicy: it fits no group, or cannot be scheduled; the message names key and group.
    """
    found: dict[Slot, Schedule] = {}
    for key, value in values.items():
        named = dict(_by_group(groups, key, value, later))
        _check_held(groups, key, named)
        size = _size(groups[0].get(key) if groups else None)
        for name, given in named.items():
            found |= {slot: _schedule(slot, one) for slot, one in _parts(Slot(key, name), given, size)}
    return found


def _by_group(groups: Sequence[Group], key: str, value: Any, later: Collection[Name]) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, Mapping):
        _check_names(groups, key, value, later)
        yield from value.items()
    elif isinstance(value, list | tuple) and not _is_one(groups, key, value):
        if len(value) != len(groups):
            raise InvalidPolicy(f"{key} lists {len(value)} schedules for {_count(groups)}: give one for each, or one")
        yield from enumerate(value)
    else:
        yield None, value


def _is_one(groups: Sequence[Group], key: str, value: Sequence[Any]) -> bool:
    """Whether a list or tuple is the one value of a key that holds pairs."""
    return _size(groups[0].get(key)) > 0 and not any(isinstance(item, list | tuple) for item in value)


def _check_names(groups: Sequence[Group], key: str, names: Mapping[Any, Any], later: Collection[Name]) -> None:
    known = [*(group["name"] for group in groups if "name" in group), *range(len(groups))]
    unknown = [name for name in names if isinstance(name, bool) or name not in (*known, *later)]
    if unknown or not names:
        what = f"names the group {summary(unknown[0])}" if unknown else "names no group"
        raise InvalidPolicy(
            f"{key} {what}; there are {', '.join(map(repr, known))}. "
            f"Announce a group that will be added: later=({summary(unknown[0]) if unknown else 'name'},)"
        )
    hits = Counter(i for name in names for i, group in enumerate(groups) if Slot(key, name).covers(i, group))
    if twice := [index for index, times in hits.items() if times > 1]:
        raise InvalidPolicy(f"{key} gives parameter group {twice[0]} two schedules, by its name and by its index")


def _check_held(groups: Sequence[Group], key: str, named: Mapping[Any, Any]) -> None:
    for index, group in enumerate(groups):
        if not any(Slot(key, name).covers(index, group) for name in named):
            continue
        if key not in group or key == "params":
            has = ", ".join(key for key in group if key != "params")
            raise InvalidPolicy(f"parameter group {index} has no {key!r} to schedule; it has {has}")
        held = group[key] if _size(group[key]) else [group[key]]
        if not held or not all(map(_is_number, held)):
            raise InvalidPolicy(
                f"{key!r} of parameter group {index} is {summary(group[key])}, not a number to schedule"
            )


def _is_number(held: Any) -> bool:
    if isinstance(held, Tensor):
        return held.numel() == 1 and held.is_floating_point()
    return isinstance(held, int | float) and not isinstance(held, bool)


def _size(held: Any) -> int:
    """Numbers in a tuple such as betas; 0 for a key that holds one number."""
    return len(held) if isinstance(held, list | tuple) else 0


def _parts(slot: Slot, value: Any, size: int) -> Iterator[tuple[Slot, Any]]:
    if not size:
        yield slot, value
        return
    if not isinstance(value, list | tuple) or len(value) != size:
        raise InvalidPolicy(f"{slot} holds {size} numbers: give {size} schedules or numbers, got {summary(value)}")
    yield from ((Slot(slot.key, slot.group, part), one) for part, one in enumerate(value))


def _schedule(slot: Slot, value: Any) -> Schedule:
    if isinstance(value, Schedule) and not value.node.resolved:
        raise InvalidPolicy(f"{slot} is in durations, {value!r}; put it on a run: .over(steps, ...)")
    if isinstance(value, Schedule) and value.node.shape:
        raise InvalidPolicy(f"{slot} has values of shape {value.node.shape}; give a list, one schedule for each group")
    if slot.key != "lr":
        return as_schedule(value, str(slot))
    try:
        return learning_rate(value)
    except InvalidPolicy as error:
        raise InvalidPolicy(str(error) if slot.group is None else f"{slot}: {error}") from error


def _count(groups: Sequence[Group]) -> str:
    return f"{len(groups)} parameter group{'' if len(groups) == 1 else 's'}"
