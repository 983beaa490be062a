"""The user's door: anything that can be asked for one more update at a given learning rate.

A training is started once for each run and gives a `Session`, which makes one optimizer update at a
time. There are two forms. *Any loop* is a generator function:

    def training(seed, **settings):
        lr = yield                      # the rate of update 0
        while True:
            lr = yield loss             # or {"loss": ..., "val_loss": ..., "grad_norm": ...}

*Declared* is a framework adapter's `Task`, which has a `start` method of its own.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import Any, Protocol, final, runtime_checkable

import numpy as np

from stepsize._codec import summary
from stepsize.errors import InvalidTraining
from stepsize.job import Job, Watch
from stepsize.policy import Policy
from stepsize.run import Run

Values = Mapping[str, float]
Settings = Mapping[str, Any]


class Session(Protocol):
    """A training under way."""

    def update(self, values: Values) -> Any:
        """Make one optimizer update with these scheduled values; return what was observed."""

    def close(self) -> None:
        """Stop and let go of everything."""


@runtime_checkable
class Training(Protocol):
    """Something that can be trained from its beginning, as often as asked."""

    def start(self, policy: Policy, steps: int, seed: int, settings: Settings) -> Session:
        """Begin a run of `steps` updates; everything random follows from `seed`.

        Args:
            policy: what decides the step.
            steps: updates the run will have.
            seed: of the model's start, the order of the data and everything else random.
            settings: what is set besides the policy, by name.
        """


@runtime_checkable
class WholeTraining(Protocol):
    """Something that makes a whole run by itself, such as a script: it cannot be asked for one update."""

    def run(self, job: Job, watch: Watch | None) -> Run:
        """Make the run; what goes wrong in it is its outcome."""


@runtime_checkable
class SideBySide(Protocol):
    """A training that can make several runs at once, in one process, faster than one after another."""

    def lanes(self, jobs: Sequence[Job], watch: Callable[[int, int], None]) -> Iterator[tuple[int, Run | str]]:
        """Make the runs of the jobs side by side; give each, with the index of its job, when it has ended.

        A run is the one that `drive` makes of the same job, up to rounding: the same outcome, reason and
        columns. In place of a run may come one sentence, why this job is better made alone: it could not be
        made side by side, or that would be slower. Nothing that goes wrong is raised: such a job is made alone.

        Args:
            jobs: the runs to make; their durations are in steps already or still shares of the job's steps.
            watch: told the index of the job and the update made, for showing only.
        """


def as_training(training: Any) -> Training | WholeTraining:
    """A training as it is; a generator function as the training it describes.

    Raises:
        InvalidTraining: it is neither.
    """
    if is_training(training):
        return training if isinstance(training, Training | WholeTraining) else GeneratorTraining(training)
    raise InvalidTraining(
        "a training is a generator function, `def training(seed): lr = yield; ...; lr = yield loss`, "
        f"or a Task; got {_named(training)}"
    )


def _named(value: Any) -> str:
    name = getattr(value, "__name__", None)
    return summary(value) if name is None else f"{type(value).__name__} {name}, which does not yield"


def is_training(value: Any) -> bool:
    """Whether `value` can be trained: a Task, or a generator function."""
    if isinstance(value, type):
        return False
    return isinstance(value, Training | WholeTraining) or inspect.isgeneratorfunction(_plain_function(value))


def _plain_function(function: Any) -> Any:
    while hasattr(function, "func"):  # functools.partial
        function = function.func
    return function if inspect.isroutine(function) else getattr(function, "__call__", function)  # noqa: B004


@final
class GeneratorTraining:
    """A generator function as a training: the door for any loop, in any framework."""

    def __init__(self, function: Callable[..., Generator[Any, float, None]]) -> None:
        self._function = function
        self._signature = inspect.signature(function)
        self._parameters = self._signature.parameters
        if "seed" not in self._parameters and not self._takes_any():
            raise InvalidTraining(
                f"{self.name} takes no `seed`; write `def {self.name}(seed, **settings)` and seed everything random"
            )

    @property
    def name(self) -> str:
        return getattr(self._function, "__name__", type(self._function).__name__)

    def start(self, policy: Policy, steps: int, seed: int, settings: Settings) -> Session:
        for name in policy.schedules:
            if name != "lr":
                raise InvalidTraining(f"{self.name} receives the rate only, so {name} must be a number, not a Schedule")
        given = {**policy.constants, **settings}
        if "seed" in given:
            raise InvalidTraining("the seed is given to a run itself, so it cannot be a setting too")
        if unknown := [name for name in given if name not in self._parameters and not self._takes_any()]:
            takes = ", ".join(self._parameters)
            raise InvalidTraining(f"{self.name} takes no setting {', '.join(unknown)}; it takes {takes}")
        # Offered only to a function that asks for them by name: it may hand **settings on to others.
        offered = {"steps": steps, "optimizer": policy.optimizer}
        asked = {name: value for name, value in offered.items() if name in self._parameters and name not in given}
        arguments = {"seed": seed, **given, **asked}
        try:
            self._signature.bind(**arguments)
        except TypeError as error:
            raise InvalidTraining(f"{self.name} cannot be started with {', '.join(arguments)}: {error}") from error
        return GeneratorSession(self._function(**arguments))

    def _takes_any(self) -> bool:
        return any(p.kind is inspect.Parameter.VAR_KEYWORD for p in self._parameters.values())


@final
class GeneratorSession:
    """A running generator: it gets a rate, and yields what it saw."""

    def __init__(self, generator: Generator[Any, float, None]) -> None:
        self._generator = generator
        self._started = False

    def update(self, values: Values) -> Any:
        if not self._started:
            # The generator runs from its top to the first `lr = yield`, which has nothing to report.
            next(self._generator)
            self._started = True
        return self._generator.send(values["lr"])

    def close(self) -> None:
        self._generator.close()


def observation(seen: Any) -> dict[str, float]:
    """What a training reported for one update, as named numbers; a bare number is the loss.

    Raises:
        TypeError: a reported value is not a scalar.
    """
    named = seen if isinstance(seen, Mapping) else {"loss": seen}
    return {name: _scalar(name, value) for name, value in named.items() if value is not None}


def _scalar(name: str, value: Any) -> float:
    shape = tuple(getattr(value, "shape", None) or np.shape(value))
    if shape not in ((), (1,)):
        raise TypeError(f"{name} must be a scalar, got shape {shape}; reduce it, for example by its mean")
    try:
        return float(value[0] if shape else value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a number, got {summary(value)}") from None
