"""The one loop: a training driven by a policy, one update at a time, into a Run."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from stepsize._codec import is_finite, summary
from stepsize._randomness import preserved_randomness
from stepsize.errors import InvalidSchedule, InvalidSpace, StepsizeError
from stepsize.job import Job, Watch
from stepsize.policy import Policy, as_policy
from stepsize.run.record import Gatherer, Outcome, Run
from stepsize.schedule import Schedule
from stepsize.schedule.node import whole_steps
from stepsize.training import Session, Settings, WholeTraining, as_training, observation


def drive(
    training: Any,
    plan: Policy | Schedule | float,
    steps: int,
    seed: int = 0,
    settings: Settings | None = None,
    watch: Watch | None = None,
) -> Run:
    """Train once under a policy or a schedule, and return what happened.

    Whatever the training does wrong becomes the run's outcome: "diverged" when the loss is no longer
    finite, "failed" with the error when it raises, "stopped" when it or `watch` ends it early. The
    process's global random states are left as they were.

    Args:
        training: a generator function or a Task.
        plan: a Policy, or a Schedule or number for the learning rate; durations such as "5%" are
            those of this run.
        steps: optimizer updates (at least 1).
        seed: given to the training; everything random in it should follow from it.
        settings: further settings given to the training by name.
        watch: called after each update with its number and what was observed; False stops the run.
    Raises:
        InvalidSpace: `steps` is not a whole number of at least 1.
        InvalidTraining, InvalidPolicy: the training cannot be started like this.

    >>> import stepsize as ss
    >>> def training(seed):
    ...     x, lr = 1.0, (yield)
    ...     while True:
    ...         x -= lr * 2 * x
    ...         lr = yield x * x
    >>> ss.drive(training, 0.25, steps=3).loss.tolist()
    [0.25, 0.0625, 0.015625]
    """
    count = whole_updates(steps)
    policy = as_policy(plan).over(count)
    door = as_training(training)
    if isinstance(door, WholeTraining):
        return door.run(Job(policy, count, seed, dict(settings or {})), watch)
    recorder = Gatherer(policy=policy, steps=count, seed=seed, settings=dict(settings or {}))
    begun = time.perf_counter()
    with preserved_randomness():
        try:
            session = door.start(policy, count, seed, dict(settings or {}))
        except StepsizeError:
            raise
        except Exception as error:  # the user's code may raise anything; it is this run's outcome
            outcome, reason = _failed(error)
        else:
            outcome, reason = _train_and_close(session, policy, recorder, watch)
    return recorder.finish(outcome, reason, seconds=time.perf_counter() - begun)


def whole_updates(value: Any, name: str = "steps") -> int:
    """`value` as a number of updates, or an error naming the argument."""
    try:
        return whole_steps(value, name)
    except InvalidSchedule as error:
        raise InvalidSpace(str(error)) from None


def rate_bound(value: Any, name: str) -> float:
    """`value` as a bound of learning rates, or an error naming the argument."""
    if not isinstance(value, int | float) or not is_finite(value) or value <= 0:
        raise InvalidSpace(f"{name} must be a learning rate above 0, got {summary(value)}")
    return value


def _train_and_close(session: Session, policy: Policy, recorder: Gatherer, watch: Watch | None) -> tuple[Outcome, str]:
    try:
        result = _train(session, policy, recorder, watch)
    except BaseException:
        session.close()
        raise
    try:
        session.close()
    except Exception as error:  # what was measured is kept, but who cleans up badly should hear of it
        return _failed(error)
    return result


def _train(session: Session, policy: Policy, recorder: Gatherer, watch: Watch | None) -> tuple[Outcome, str]:
    for step, values in enumerate(_values(policy, recorder.steps)):
        try:
            seen = observation(session.update(values))
        except StopIteration:
            return "stopped", f"the training ended by itself before update {step}"
        except Exception as error:
            return _failed(error)
        recorder.add(step, values["lr"], seen)
        if reason := recorder.diverged(step, seen):
            return "diverged", reason
        if watch is not None and not watch(step, seen):
            return "stopped", f"stopped on request after update {step}"
    return "finished", ""


def _failed(error: Exception) -> tuple[Outcome, str]:
    return "failed", f"{type(error).__name__}: {error}"


def _values(policy: Policy, steps: int) -> Iterator[dict[str, float]]:
    schedules = policy.schedules
    columns = [schedule.blocks(0, steps) for schedule in schedules.values()]
    for row in zip(*columns, strict=True):
        yield dict(zip(schedules, row, strict=True))
