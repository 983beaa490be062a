"""What every declared training checks and counts, whichever its framework."""

from __future__ import annotations

from numbers import Integral
from typing import Any, Protocol

from stepsize._codec import summary
from stepsize.errors import InvalidTraining
from stepsize.policy import OPTIMIZERS, Policy


class Declared(Protocol):
    """The part of a `Task` that is the same in every framework."""

    @property
    def batch_size(self) -> int: ...
    @property
    def steps(self) -> int: ...
    @property
    def evaluations(self) -> int: ...
    @property
    def optimizer(self) -> str: ...


def check_declared(task: Declared) -> None:
    """Whether the numbers and the optimizer of a task make sense.

    Raises:
        InvalidTraining: one does not; the message names it.
    """
    for name in ("batch_size", "steps", "evaluations"):
        if not isinstance(getattr(task, name), int) or getattr(task, name) < 1:
            raise InvalidTraining(f"{name} must be a whole number, at least 1; got {summary(getattr(task, name))}")
    if task.optimizer not in OPTIMIZERS:
        raise InvalidTraining(f"optimizer must be one of {', '.join(OPTIMIZERS)}; got {summary(task.optimizer)}")


def checked_batch_size(count: Any, examples: int) -> int:
    """Examples an update, of so many for training.

    Raises:
        InvalidTraining: it is no number of them.
    """
    if isinstance(count, bool) or not isinstance(count, Integral) or not 1 <= int(count) <= examples:
        raise InvalidTraining(
            f"batch_size must be a whole number from 1 to the {examples} training examples, got {summary(count)}"
        )
    return int(count)


def with_optimizer(policy: Policy, optimizer: str) -> Policy:
    """The policy, with this optimizer if it names none."""
    return policy if policy.optimizer else Policy(policy.lr, optimizer, **dict(policy.settings))


def evaluation_steps(steps: int, times: int) -> set[int]:
    """The updates of a run after which it is measured: the first, the last, and evenly between."""
    return {0, *(round((i + 1) * steps / times) - 1 for i in range(times)), steps - 1} - {-1}
