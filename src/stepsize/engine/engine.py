"""What an engine is, and which there are."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from typing import Any, Protocol, runtime_checkable

from stepsize._codec import summary
from stepsize.errors import InvalidSpace
from stepsize.job import Job
from stepsize.run import Run

# Told the index of the job and the update made; for showing only, so an engine may leave some out.
Watch = Callable[[int, int], None]

# name -> module and class; imported when asked for
ENGINES = {
    "local": ("stepsize.engine.local", "Local"),
    "process": ("stepsize.engine.process", "Process"),
    "lanes": ("stepsize.engine.lanes", "Lanes"),
    "ray": ("stepsize.engine.ray", "Ray"),
}


@runtime_checkable
class Engine(Protocol):
    """Somewhere runs are made: in this process, in others, side by side, on a cluster."""

    def runs(self, training: Any, jobs: Sequence[Job], watch: Watch) -> Iterator[tuple[int, Run]]:
        """Make every job of a training; give each run with the index of its job when it has ended, in any order.

        What a training does wrong is its run's outcome. What the engine itself cannot mend is raised.

        Raises:
            InvalidTraining: the training cannot be started like this.
            EngineError: the engine lost a run for good; those that ended were given already.
        """

    def close(self) -> None:
        """Let go of everything: processes, memory, connections."""


def as_engine(engine: str | Engine, **options: Any) -> Engine:
    """The engine of that name with these options, or the engine itself.

    Raises:
        InvalidSpace: there is none of that name, or it takes no such option.
        MissingExtra: it needs a package that is not installed.

    >>> as_engine("process", workers=4, timeout=600).close()
    """
    if isinstance(engine, str) and engine in ENGINES:
        module, name = ENGINES[engine]
        kind = getattr(import_module(module), name)
        takes = inspect.signature(kind).parameters
        if unknown := [option for option in options if option not in takes]:
            answer = f"it takes {', '.join(takes)}" if takes else "it has no options"
            raise InvalidSpace(f"the engine {engine!r} takes no {', '.join(unknown)}; {answer}")
        made: Engine = kind(**options)
        return made
    if isinstance(engine, str) or not isinstance(engine, Engine):
        raise InvalidSpace(f"engine must be one of {', '.join(ENGINES)}, or an Engine; got {summary(engine)}")
    if options:
        raise InvalidSpace(f"{', '.join(options)} can be set for an engine that is named; this one is built already")
    return engine
