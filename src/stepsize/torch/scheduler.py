"""`Scheduler`: writes the values of schedules into an optimizer's parameter groups."""

from __future__ import annotations

from typing import Any, final

import numpy as np
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from stepsize._codec import summary
from stepsize.errors import InvalidPolicy
from stepsize.policy import learning_rate
from stepsize.schedule import Schedule, as_schedule
from stepsize.schedule.algebra import BLOCK


@final
class Scheduler(LRScheduler):
    """An `LRScheduler` whose values are `schedule(step)`, for any hyperparameter of the groups.

    Call `step()` once after each `optimizer.step()`: update k, counted from 0, uses `schedule(k)`.
    The state is the position alone, and loading it writes the values of that position, so a resumed
    training goes on with the right ones whatever the groups held. Groups added later follow too.

    Args:
        optimizer: its groups get the values, at once and at every step.
        schedules: by the key of the groups, `lr`, `weight_decay`, `momentum`, ...; each a Schedule in
            optimizer updates, or a number that holds for ever.
    Raises:
        InvalidPolicy: no schedule at all, a key that a group lacks, or a negative learning rate.

    >>> import torch, stepsize as ss
    >>> optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = Scheduler(optimizer, lr=ss.linear(0.1, 0.3, 2))
    >>> for _ in range(2):
    ...     optimizer.step(); scheduler.step()
    >>> scheduler.get_last_lr()
    [0.3]
    """

    def __init__(self, optimizer: Optimizer, **schedules: Schedule | float) -> None:
        # The parent's constructor is not called: it patches the user's optimizer and replays a step.
        if not isinstance(optimizer, Optimizer):
            raise InvalidPolicy(f"optimizer must be a torch.optim.Optimizer, got {summary(optimizer)}")
        if not schedules:
            raise InvalidPolicy("Scheduler needs at least one schedule, for example lr=...")
        self.optimizer = optimizer
        self.schedules = {name: _checked(optimizer, name, value) for name, value in schedules.items()}
        self.base_lrs = [group["lr"] for group in optimizer.param_groups]
        self._move(0)

    def step(self, epoch: int | None = None) -> None:
        """Advance by one update and write its values; with `epoch`, go to that update instead."""
        position = self.last_epoch + 1 if epoch is None else epoch
        offset = position - self._begin
        if not 0 <= offset < BLOCK:
            self._move(position)
            return
        self.last_epoch = position
        groups = self.optimizer.param_groups
        for name, values in self._rows:
            value = values[offset]
            for group in groups:
                group[name] = value

    def get_last_lr(self) -> list[float | Tensor]:
        """The learning rates the groups hold now: those of the next update."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def get_lr(self) -> list[float | Tensor]:
        """The learning rates of the current position."""
        return self.get_last_lr()

    def state_dict(self) -> dict[str, Any]:
        """The position: the number of the update whose values the groups hold."""
        return {"last_epoch": self.last_epoch}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go to a saved position and write its values.

        Raises:
            InvalidPolicy: `state_dict` holds no position.
        """
        position = state_dict.get("last_epoch")
        if not isinstance(position, int) or position < 0:
            raise InvalidPolicy(f"the state of a Scheduler is its position, got {summary(state_dict)}")
        self._move(position)

    def _move(self, position: int) -> None:
        """Go to `position`, with the next block of values computed, so that a step costs a list lookup."""
        self._begin = self.last_epoch = position
        steps = np.arange(position, position + BLOCK)
        self._rows = [(name, schedule(steps).tolist()) for name, schedule in self.schedules.items()]
        self.step(position)


def _checked(optimizer: Optimizer, name: str, value: Schedule | float) -> Schedule:
    for index, group in enumerate(optimizer.param_groups):
        if name not in group:
            has = ", ".join(key for key in group if key != "params")
            raise InvalidPolicy(f"parameter group {index} has no {name!r} to schedule; it has {has}")
        if not isinstance(group[name], int | float):
            raise InvalidPolicy(
                f"{name!r} of parameter group {index} is {summary(group[name])}, not a number to schedule"
            )
    return learning_rate(value) if name == "lr" else as_schedule(value, name)
