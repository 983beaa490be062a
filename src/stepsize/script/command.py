"""A command line with `{placeholders}`: what it asks for, what is missing, and the words for one run."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Iterable, Mapping
from typing import Any

from stepsize.errors import InvalidTraining

# `{{name}}` is `{name}`, untouched; other braces, as of JSON, awk or `${name}`, are left as they are.
PLACEHOLDER = re.compile(r"(?<!\$)(?:\{(\{[A-Za-z_][\w.-]*\})\}|\{([A-Za-z_][\w.-]*)\})")
# Given to every run, whatever is searched.
GIVEN = ("lr", "steps", "seed", "out")
# Words of the schedules that stepsize makes, which a search would not hand on.
TAKEN = ("schedule", "warmup", "cooldown", "end")
# The file to which `stepsize.script.trial` reports.
REPORTS = "STEPSIZE_METRICS"


def environment_name(name: str) -> str:
    """The variable that carries a value: STEPSIZE_BATCH_SIZE for batch-size."""
    return "STEPSIZE_" + re.sub(r"\W", "_", name).upper()


def filled(word: str, values: Mapping[str, Any]) -> str:
    """A word with each placeholder replaced by its value.

    >>> filled("--lr={lr}", {"lr": 1e-3})
    '--lr=0.001'
    """
    return PLACEHOLDER.sub(lambda match: match[1] or text_of(values[match[2]]), word)


def text_of(value: Any) -> str:
    """A value as a word of a command: numbers to their last digit, all else as it was given."""
    if isinstance(value, float):
        return repr(float(value))  # a NumPy scalar writes its type, too
    return str(value)


def asked(words: Iterable[str]) -> set[str]:
    """The names in the placeholders of these words."""
    return {match[2] for word in words for match in PLACEHOLDER.finditer(word) if match[2]}


def reads(words: Iterable[str], name: str) -> bool:
    """Whether the words use a value: by `{name}`, or by its variable as in `sh -c 'train $STEPSIZE_LR'`."""
    variable = re.compile(rf"\b{re.escape(environment_name(name))}\b")
    return any(name in asked([word]) or variable.search(word) for word in words)


def environment(values: Mapping[str, Any]) -> dict[str, str]:
    """The variables that carry the values of one run."""
    return {environment_name(name): text_of(value) for name, value in values.items()}


def shown(words: Iterable[str], variables: Mapping[str, str] | None = None) -> str:
    """A command as a shell would take it."""
    settings = [f"{name}={shlex.quote(value)}" for name, value in (variables or {}).items()]
    return " ".join([*settings, shlex.join(words)])


def check_program(words: tuple[str, ...]) -> None:
    """Refuse a command whose program is not there.

    Raises:
        InvalidTraining: there is no such program.
    """
    if not words:
        raise InvalidTraining("the command is empty; give it after --, as in: -- python train.py --lr {lr}")
    phrase = len(words) == 1 and " " in words[0]
    if shutil.which(words[0]) or (asked(words[:1]) and not phrase):
        return
    if os.path.isfile(words[0]):
        raise InvalidTraining(f"{words[0]!r} may not be executed; name its program: -- python {words[0]} --lr {{lr}}")
    hint = "; leave out the quotes around the command" if phrase else ""
    raise InvalidTraining(f"there is no program {words[0]!r}{hint}")


def check_settings(
    words: tuple[str, ...], settings: Iterable[str], by_environment: bool, optional: Iterable[str] = ()
) -> None:
    """Refuse a command that could not be filled, or would not hear of what is searched.

    Raises:
        InvalidTraining: the message names the placeholder or the setting.
    """
    names = list(settings)
    for name in names:
        if name in GIVEN or environment_name(name) in [*map(environment_name, GIVEN), REPORTS]:
            raise InvalidTraining(f"{name} cannot be set: it is given to every run; choose another name")
        if name in TAKEN:
            raise InvalidTraining(f"{name} means a schedule that stepsize makes; call that of the script my_{name}")
    variables = [environment_name(name) for name in names]
    if twice := sorted({name for name in names if variables.count(environment_name(name)) > 1}):
        raise InvalidTraining(f"{' and '.join(twice)} would both be {environment_name(twice[0])}; rename one")
    known = {*GIVEN, *names, *optional}
    if unknown := sorted(asked(words) - known):
        raise InvalidTraining(
            f"the command asks for {{{unknown[0]}}}, which nothing sets: add --set {unknown[0]}=low:high, "
            f"or write {{{{{unknown[0]}}}}} to keep the braces"
        )
    if by_environment:
        return
    for name in ("lr", *names):
        if not reads(words, name):
            raise InvalidTraining(
                f"the command does not use {name}: put {{{name}}} where it goes, or add --env if the script "
                f"reads {environment_name(name)} by itself"
            )
