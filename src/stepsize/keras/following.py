"""`following`: any hyperparameter of any Keras optimizer, on a schedule for a while."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, final

import keras
import numpy as np

from stepsize.errors import InvalidPolicy
from stepsize.keras.clips import CLIPS
from stepsize.keras.optimizer import Optimizer
from stepsize.keras.values import precision, read, value_at
from stepsize.policy import learning_rate
from stepsize.schedule import Schedule, as_schedule

# Hyperparameters that are None when they are off; a schedule turns them on.
OPTIONAL = ("weight_decay", *CLIPS)
# Numbers that shape what is built or are used outside of the update as well.
FIXED = ("gradient_accumulation_steps", "ema_overwrite_frequency", "loss_scale_factor")


@contextmanager
def following(optimizer: Any, /, **schedules: Schedule | float) -> Iterator[None]:
    """Within the block, hyperparameters of a Keras optimizer have the values of schedules, update by update.

    The values are computed inside the train step from the optimizer's own counter. So a step that is
    traced in the block changes with every update, however it is compiled, and is right after a restore.
    Between the updates the attributes keep the numbers they had, and those are what is saved.

    For `model.fit` there is the callback `Schedules`; for a loop of your own, trace the step in the block.

    Args:
        optimizer: one that only scales the loss for another is followed inside.
        schedules: by the name of the attribute, `learning_rate`, `weight_decay`, `momentum`, `beta_1`,
            `clipnorm`, ...; each a Schedule in optimizer updates, or a number that holds for ever.
    Raises:
        InvalidPolicy: no schedule at all, a name that is no hyperparameter of this optimizer, or values
            that it cannot use.

    >>> import keras, stepsize as ss
    >>> weight, optimizer = keras.Variable(8.0), keras.optimizers.SGD(1.0)
    >>> with following(optimizer, weight_decay=ss.linear(0.5, 0.0, 2)):
    ...     for _ in range(3):
    ...         optimizer.apply([keras.ops.zeros(())], [weight])
    ...         print(float(weight.numpy()))
    4.0
    3.0
    3.0
    """
    release = follow(optimizer, schedules)
    try:
        yield
    finally:
        release()


def follow(optimizer: Any, schedules: Mapping[str, Schedule | float]) -> Callable[[], None]:
    """Put `optimizer` on schedules; what is returned takes it off them again."""
    optimizer = updater(optimizer)
    checked = {name: _checked(optimizer, name, value) for name, value in schedules.items()}
    if not checked:
        raise InvalidPolicy("following needs at least one schedule, for example weight_decay=...")
    clips = {name: checked.pop(name) for name in CLIPS if name in checked}
    if len(clips) > 1:
        raise InvalidPolicy(f"an optimizer clips in one way, got schedules for {', '.join(clips)}")
    live = {"momentum": Live(checked.pop("momentum"), optimizer)} if "momentum" in checked else {}
    update = optimizer.apply

    def apply(grads: Sequence[Any], trainable_variables: Any = None) -> None:
        step = optimizer.iterations
        for name, schedule in clips.items():
            grads = CLIPS[name](grads, value_at(schedule, step))
        now = {name: value_at(schedule, step) for name, schedule in checked.items()}
        with _holding(optimizer, {**now, **live, **dict.fromkeys(clips)}):
            update(grads, trainable_variables)

    # Not by the optimizer's own __setattr__: it would track what it is given, to save it.
    object.__setattr__(optimizer, "apply", apply)
    return lambda: object.__delattr__(optimizer, "apply")


def updater(optimizer: Any) -> Any:
    """The optimizer that makes the updates, where another one only scales the loss for it."""
    return getattr(optimizer, "inner_optimizer", optimizer)


def position(optimizer: Any) -> int:
    """The number of updates made so far, which is the number of the next one."""
    return int(read(updater(optimizer).iterations))


@contextmanager
def _holding(optimizer: Any, values: dict[str, Any]) -> Iterator[None]:
    rate = values.pop("learning_rate", None)
    held = values if rate is None else {**values, "_learning_rate": lambda: rate}
    kept = {name: getattr(optimizer, name) for name in held}
    try:
        for name, value in held.items():
            object.__setattr__(optimizer, name, value)
        yield
    finally:
        for name, value in kept.items():
            object.__setattr__(optimizer, name, value)


@final
class Live(keras.Variable):  # type: ignore[misc]
    """A variable whose value is that of a schedule now.

    For `momentum`, which Keras compares with 0 while the train step is traced: there a tensor has no
    answer. This has one: a scheduled momentum is on, though its value may be 0 at times.
    """

    def __init__(self, schedule: Schedule, optimizer: Any) -> None:
        self._schedule = schedule
        self._optimizer = optimizer
        super().__init__(schedule(0), dtype=precision(), trainable=False, autocast=False)

    @property
    def value(self) -> Any:
        """The value of the update under way."""
        return value_at(self._schedule, self._optimizer.iterations)

    def __ne__(self, other: object) -> bool:
        return True

    def __gt__(self, other: object) -> bool:
        return True


def _checked(optimizer: Any, name: str, value: Schedule | float) -> Schedule:
    if isinstance(optimizer, Optimizer) and name not in CLIPS:
        raise InvalidPolicy(f"this optimizer follows a policy, and {name} is a matter of it: schedule it there")
    if name not in (has := _hyperparameters(optimizer)):
        raise InvalidPolicy(f"{type(optimizer).__name__} has no {name!r} to schedule; it has {', '.join(has)}")
    schedule = learning_rate(value) if name == "learning_rate" else as_schedule(value, name)
    if np.shape(schedule(0)):
        raise InvalidPolicy(f"{name} must be one value a step, got {schedule!r}, of shape {np.shape(schedule(0))}")
    if name == "momentum" and optimizer.momentum == 0:
        raise InvalidPolicy(
            f"this {type(optimizer).__name__} was made with momentum=0 and keeps no momentum; "
            "make it with any momentum above 0, and the schedule sets the value"
        )
    if name in CLIPS:
        _check_clip(optimizer, name, schedule)
    return schedule


def _check_clip(optimizer: Any, name: str, schedule: Schedule) -> None:
    if schedule.first_below(math.ulp(0.0)) < math.inf:
        raise InvalidPolicy(f"{name} must be above 0 at every update, got {schedule!r}")
    if others := [other for other in CLIPS if other != name and getattr(optimizer, other) is not None]:
        raise InvalidPolicy(f"{name} cannot be scheduled: this optimizer clips by {others[0]} already")
    for setting in ("gradient_accumulation_steps", "loss_scale_factor"):
        if getattr(optimizer, setting, None):
            raise InvalidPolicy(f"{name} cannot be scheduled together with {setting}: the gradients come in parts")


def _hyperparameters(optimizer: Any) -> list[str]:
    """The arguments of the optimizer that are numbers, or would be if they were on."""
    others = ("learning_rate", *OPTIONAL, *FIXED)
    arguments = [name for name in inspect.signature(type(optimizer).__init__).parameters if name not in others]
    numbers = [name for name in arguments if type(getattr(optimizer, name, None)) in (int, float)]
    return ["learning_rate", *OPTIONAL, *sorted(numbers)]
