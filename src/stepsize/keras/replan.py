"""`replan`: a change of plan for a model that is being trained."""

from __future__ import annotations

from typing import Any

from stepsize._codec import summary
from stepsize.errors import InvalidPolicy
from stepsize.keras.following import position, updater
from stepsize.keras.learning_rate import LearningRate
from stepsize.keras.optimizer import Optimizer
from stepsize.policy import Policy, as_policy
from stepsize.schedule import Schedule, as_schedule


def replan(model: Any, planned: Policy | Schedule | float, how: str = "refuse") -> None:
    """Give the optimizer of `model` a new plan at the update it has reached, or refuse and tell the difference.

    A loaded model holds the plan it was saved with. This is the place to say what the new one shall do.
    A compiled train step has its plan built in: it is dropped, and the next `fit` compiles anew.

    Args:
        model: compiled with `build(policy)` or with a `LearningRate`, and trained or loaded since.
        planned: a Schedule changes the learning rate alone; a Policy of the same optimizer all schedules.
        how: "refuse" unless both are the same, "keep" the old plan, "adopt" the new one, "stretch" the old
            one to end with it, or "anneal" from the current values: see `Schedule.replan`.
    Raises:
        InvalidSchedule: the plan has changed and `how` is "refuse"; the message has both. Or it does not fit.
        InvalidPolicy: the optimizer has no plan, or the new policy differs in more than its schedules.

    >>> import keras, stepsize as ss
    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    >>> model.compile(keras.optimizers.SGD(LearningRate(ss.linear(0.5, 0.0, 100))))
    >>> replan(model, ss.linear(0.5, 0.0, 200), how="adopt")
    >>> model.optimizer._learning_rate
    LearningRate(linear(0.5, 0.0, 200))
    """
    optimizer = updater(model.optimizer)
    if isinstance(optimizer, Optimizer):
        optimizer.policy = _policy(optimizer.policy, as_policy(planned), position(optimizer), how)
    else:
        optimizer.learning_rate = _rate(optimizer, planned, how)
    model.train_function = None


def _rate(optimizer: Any, planned: Policy | Schedule | float, how: str) -> LearningRate:
    rate = optimizer._learning_rate  # the public name gives its value now
    if not isinstance(rate, LearningRate):
        raise InvalidPolicy(f"{type(optimizer).__name__} has no plan to change: its learning rate is no LearningRate")
    if isinstance(planned, Policy):
        raise InvalidPolicy(f"{type(optimizer).__name__} follows a schedule and no policy; give it a Schedule")
    schedule = rate.schedule.replan(as_schedule(planned, "planned"), position(optimizer), how)
    return LearningRate(schedule, rate.accumulation)


def _policy(old: Policy, new: Policy, at: int, how: str) -> Policy:
    if new.optimizer is None:
        new = Policy(new.lr, old.optimizer, **{**dict(old.settings), **dict(new.settings)})
    if _fixed(old) != _fixed(new):
        raise InvalidPolicy(f"only schedules can change on the way, got {summary(new)} after {summary(old)}")
    changed = {name: old.schedules[name].replan(schedule, at, how) for name, schedule in new.schedules.items()}
    return Policy(changed.pop("lr"), old.optimizer, **old.constants, **changed)


def _fixed(policy: Policy) -> tuple[Any, ...]:
    return policy.optimizer, policy.constants, policy.schedules.keys()
