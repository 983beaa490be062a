"""A call by the names of another library: found, checked against its signature, and made."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable
from importlib import import_module
from types import ModuleType
from typing import Any

from stepsize._codec import summary
from stepsize.errors import InvalidSchedule
from stepsize.schedule.algebra import Schedule

# library -> the module with its table SCHEDULES. None of them imports the library.
LIBRARIES = {
    "torch": "of_torch",
    "transformers": "of_transformers",
    "keras": "of_keras",
    "optax": "of_optax",
    "timm": "of_timm",
    "paddle": "of_paddle",
    "fastai": "of_fastai",
    "composer": "of_composer",
    "lrbench": "of_lrbench",
    "fvcore": "of_fvcore",
    "ignite": "of_ignite",
    "pytorch_optimizer": "of_pytorch_optimizer",
    "pytorch_warmup": "of_pytorch_warmup",
}
# Accepted with these values alone: where to resume is no property of a schedule, and printing is none either.
WITHOUT_EFFECT: dict[str, Any] = {"last_epoch": -1, "verbose": False}


def compat(name: str, /, **arguments: Any) -> Schedule:
    """Another library's schedule, with its exact curve: off-by-ones, climbs after the end and all.

    The result is an ordinary schedule: it composes, is written as JSON and runs in every framework. Update k
    has the value that it has when the library is used as its documents say. Known differences are in the
    conformance page of the documentation: where a library misses a value by rounding, the formula counts.

    Args:
        name: "library:name", for example "torch:CosineAnnealingLR" or "keras:ExponentialDecay".
        arguments: the library's own, without the optimizer. Where the rate is the optimizer's (in torch,
            transformers, timm, composer and others) `base_lr` gives it. Where the library takes another
            schedule, or a function, so does this.
    Raises:
        InvalidSchedule: there is no such schedule or argument, or the library's own call would fail.

    >>> import stepsize as ss
    >>> ss.compat("torch:LinearLR", base_lr=0.1, total_iters=4)
    linear(0.03333333333333333, 0.1, 4)
    >>> ss.compat("transformers:linear", base_lr=1e-3, num_warmup_steps=10, num_training_steps=100)
    linear(0.0, 0.001, 10) >> linear(0.001, 0.0, 90)
    """
    build = _found(name)
    given = _accepted(name, build, arguments)
    try:
        return build(**given)
    except InvalidSchedule as error:
        raise type(error)(f"{name}: {error}") from error
    except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
        shown = ", ".join(f"{key}={summary(value)}" for key, value in arguments.items())
        raise InvalidSchedule(f"{name} cannot be made of {shown}: {error}") from error


def names(library: str) -> list[str]:
    """The schedules of a library, by the names that `compat` knows."""
    return sorted(_module(library).SCHEDULES)


def _found(name: Any) -> Callable[..., Schedule]:
    if not isinstance(name, str) or ":" not in name:
        raise InvalidSchedule(f"expected 'library:name', such as 'torch:StepLR'; got {summary(name)}")
    library, _, call = name.partition(":")
    table: dict[str, Callable[..., Schedule]] = _module(library).SCHEDULES
    if call in table:
        return table[call]
    if call in getattr(_module(library), "REFUSED", {}):
        raise InvalidSchedule(f"{name}: {_module(library).REFUSED[call]}")
    raise InvalidSchedule(f"{library} has no schedule {call!r}{_nearest(call, table)}; known are {_listed(table)}")


def _module(library: str) -> ModuleType:
    if library not in LIBRARIES:
        raise InvalidSchedule(f"no library {library!r}{_nearest(library, LIBRARIES)}; known are {', '.join(LIBRARIES)}")
    return import_module(f"stepsize.schedule.compat.{LIBRARIES[library]}")


def _accepted(name: str, build: Callable[..., Schedule], arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments that the builder takes; a wrong or a missing one is told with the whole signature."""
    library, _, call = name.partition(":")
    for key, only in WITHOUT_EFFECT.items():
        if key in arguments and arguments[key] not in (only, None):
            raise InvalidSchedule(
                f"{name}: {key}={summary(arguments[key])} is no part of a schedule; to go on from step n, use lr[n:]"
            )
    idle = {*WITHOUT_EFFECT, *getattr(_module(library), "WITHOUT_EFFECT", ())}
    given = {key: value for key, value in arguments.items() if key not in idle}
    parameters = inspect.signature(build).parameters
    takes = f"{call} takes {', '.join(map(_written, parameters.values()))}"
    for key in given:
        if key not in parameters:
            raise InvalidSchedule(f"{name}: unknown argument {key}{_nearest(key, parameters)}; {takes}")
    missing = [key for key, one in parameters.items() if one.default is one.empty and key not in given]
    if missing:
        raise InvalidSchedule(f"{name}: missing {', '.join(missing)}; {takes}")
    return given


def _written(parameter: inspect.Parameter) -> str:
    return parameter.name if parameter.default is parameter.empty else f"{parameter.name}={parameter.default!r}"


def _nearest(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _listed(known: Iterable[str]) -> str:
    return ", ".join(sorted(known))
