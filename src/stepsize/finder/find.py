"""`find`: which learning rates a training can use, for at most one full run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from stepsize._codec import is_finite, summary
from stepsize.errors import InvalidSpace
from stepsize.finder.ramps import FEWEST, range_test
from stepsize.finder.range import Range
from stepsize.finder.trials import trial_runs
from stepsize.loop import rate_bound, whole_updates
from stepsize.schedule import Schedule
from stepsize.training import WholeTraining, as_training
from stepsize.tuner.progress import Progress

# Updates of a ramp, where a range test is all that can be made.
RAMP = 200


def find(
    training: Any,
    low: float = 1e-6,
    high: float = 10.0,
    steps: int | None = None,
    seeds: int = 3,
    *,
    budget: float = 1.0,
    metric: str | None = None,
    schedule: str | Schedule | None = None,
    optimizer: str | None = None,
    settings: Mapping[str, Any] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    ramps: Callable[[int, int], None] | None = None,
) -> Range:
    """Find the range of usable learning rates.

    Where the length of a full run is known, short runs, each with its own complete schedule, say which peak rate
    suits that length: together they cost no more than one full run. Where it is not, a range test lets the rate rise
    until the training breaks, with several seeds (Smith, Cyclical Learning Rates, 2017, arXiv:1506.01186); that is
    quick and coarse, as it knows nothing of the schedule and the length of the real run. Every run is on a fresh
    training, so nothing of yours is changed.

    Args:
        training: a generator function, a Task or a Script.
        low, high: the rates considered; of a range test, the two ends of the ramp.
        steps: optimizer updates of a full run; a Task knows its own.
        seeds: ramps of a range test (at least 1).
        budget: what the short runs may cost, in full runs (at least 1).
        metric: what the short runs minimise; by default `val_loss` where it is reported, else `loss`.
        schedule: of the real run, as in `tune`.
        optimizer: for a Task, the optimizer to use; for a generator, the name of the one it has.
        settings: given to the training by name.
        seed: of the runs, or of the first ramp.
        progress: told how the short runs get on.
        ramps: told the ramp and the update after each update of a range test.
    Raises:
        InvalidSpace: an argument makes no sense; the message names it.
        EngineError: the training failed.

    >>> import stepsize as ss
    >>> def training(seed):
    ...     x, lr = 1.0, (yield)
    ...     while True:
    ...         x -= lr * x
    ...         lr = yield x * x
    >>> found = ss.find(training, low=1e-5, high=100.0, steps=200)
    >>> found.informative and found.low < found.suggestion < found.high
    True
    """
    if not rate_bound(low, "low") * 10 <= rate_bound(high, "high"):
        raise InvalidSpace(f"high must be at least 10 times low, got low={low!r}, high={high!r}")
    if isinstance(budget, bool) or not isinstance(budget, int | float) or not is_finite(budget) or budget < 1:
        raise InvalidSpace(f"budget must be at least 1 full run, got {summary(budget)}")
    whole_updates(seeds, "seeds")
    door = as_training(training)
    length = getattr(training, "steps", None) if steps is None else whole_updates(steps)
    if length is None and isinstance(door, WholeTraining):
        raise InvalidSpace("steps is missing: how many optimizer updates has a full run?")
    if length is None:
        given: dict[str, Any] = {"seed": seed, "optimizer": optimizer, "settings": settings}
        return range_test(training, low, high, RAMP, seeds, progress=ramps, **given)
    if length < FEWEST:
        raise InvalidSpace(f"steps must be at least {FEWEST} for shorter runs to say anything, got {length}")
    asked = {"metric": metric, "schedule": schedule, "optimizer": optimizer, "seed": seed, "progress": progress}
    return trial_runs(training, low, high, length, budget, settings, **asked)
