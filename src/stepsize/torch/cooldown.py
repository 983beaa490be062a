"""The decay started in the middle of a run, for all groups whose learning rate is followed."""

from __future__ import annotations

import warnings

from torch import distributed

from stepsize.errors import InvalidPolicy, InvalidSchedule
from stepsize.request import Cooldown
from stepsize.schedule import Schedule, constant
from stepsize.torch.resume import Schedules, writable
from stepsize.torch.slots import Slot


def cooled(running: Schedules, request: Cooldown, position: int) -> dict[Slot, Schedule]:
    """The schedules with every learning rate among them decaying; `position` is the next update.

    Raises:
        InvalidSchedule: the decay would have started before, or cannot be.
        InvalidPolicy: no learning rate is followed.
    """
    decaying = {slot: _cooled(lr, request, position) for slot, lr in running.items() if slot.key == "lr"}
    if not decaying:
        raise InvalidPolicy(f"lr follows no schedule here, only {', '.join(map(str, running))}; nothing can cool down")
    if not all(map(writable, decaying.values())):
        complain("the schedule is made of a function without a name, so a resumed run will not know the cooldown")
    return {**running, **decaying}


def _cooled(lr: Schedule, request: Cooldown, position: int) -> Schedule:
    at = position if request.at is None else request.at
    if at < position:
        raise InvalidSchedule(f"a cooldown at update {at} is too late: update {position} comes next")
    trunk = lr[:at] if at <= lr.length else lr >> constant(lr(at), at - int(lr.length))
    # From the rate of update `at` itself, which at a jump is not the one that the trunk ends with.
    return trunk >> constant(lr(at), 0).cooldown(request.steps, request.end, request.shape)


def check_together(request: Cooldown) -> None:
    """An error if several processes would follow the request at different updates."""
    many = distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1
    if many and request.at is None:
        raise InvalidSchedule('"at" is missing: the processes of a training must all start at the same update')


def complain(text: str) -> None:
    """What is wrong with a request stops no training."""
    warnings.warn(text, UserWarning, stacklevel=2)
