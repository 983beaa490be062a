"""`when`: a setting that exists only under certain choices of others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

from stepsize._codec import summary
from stepsize.errors import InvalidSpace
from stepsize.policy import OPTIMIZERS

# A setting, and the choices of it under which another one exists.
Condition = tuple[str, tuple[Any, ...]]
# Settings of a policy that a space names one by one.
PARTS = {"betas": ("beta1", "beta2")}
# Settings of a schedule -> the templates that have them.
SHAPED = {"cooldown": ("wsd",), "end": ("warmup_cosine", "warmup_linear", "wsd")}


@final
@dataclass(frozen=True)
class When:
    """An entry of a space, and the conditions under which it exists; all must hold."""

    values: Any
    conditions: tuple[Condition, ...]

    def __repr__(self) -> str:
        named = {name: allowed[0] if len(allowed) == 1 else list(allowed) for name, allowed in self.conditions}
        if all(name.isidentifier() for name in named):
            return f"ss.when({self.values!r}, {', '.join(f'{name}={value!r}' for name, value in named.items())})"
        return f"ss.when({self.values!r}, **{named!r})"


def when(values: Any, /, **conditions: Any) -> When:
    """An entry of a space that exists only where other settings have certain values.

    Args:
        values: what the entry would be without a condition: a range (low, high) or a list of choices.
        conditions: the name of a setting that has choices, and the choice, or a list of those, under which
            this one exists; where several are given, all must hold.
    Raises:
        InvalidSpace: there is no condition, or a list of choices is empty.

    >>> space = {"optimizer": ["adamw", "momentum"], "beta2": when((0.9, 0.999), optimizer="adamw")}
    >>> space["beta2"].conditions
    (('optimizer', ('adamw',)),)
    """
    if not conditions:
        raise InvalidSpace(f"when({summary(values)}) has no condition; write when(..., optimizer='adamw')")
    if isinstance(values, When):
        raise InvalidSpace("when(when(...)) is not needed: give all conditions to one, they must all hold")
    named = tuple((name, tuple(value) if isinstance(value, list) else (value,)) for name, value in conditions.items())
    if empty := [name for name, allowed in named if not allowed]:
        raise InvalidSpace(f"when(..., {empty[0]}=[]) never holds; give at least one choice")
    return When(values, named)


def implied(name: str, optimizers: Sequence[Any], schedules: Sequence[Any]) -> tuple[Condition, ...]:
    """The conditions that nobody needs to write: what only some of the chosen optimizers or schedules know."""
    if name in SHAPED and set(schedules) - set(SHAPED[name]):
        return (("schedule", tuple(choice for choice in schedules if choice in SHAPED[name])),)
    known = tuple(choice for choice in optimizers if name in settings_of(choice))
    return (("optimizer", known),) if known and len(known) < len(optimizers) else ()


def settings_of(optimizer: Any) -> tuple[str, ...]:
    """The settings an optimizer takes, as a space names them."""
    names = OPTIMIZERS.get(optimizer, ()) if isinstance(optimizer, str) else ()
    return tuple(part for name in names for part in (name, *PARTS.get(name, ())))


def check_conditions(choices: Mapping[str, tuple[Any, ...]], conditions: Mapping[str, Sequence[Condition]]) -> None:
    """Whether every condition can be answered.

    Args:
        choices: of every setting, by name; empty for a range.
        conditions: of every setting, by name.
    Raises:
        InvalidSpace: a condition names no setting with choices, or a value it never has; or they go round.
    """
    for name, found in conditions.items():
        for parent, allowed in found:
            if not choices.get(parent):
                known = ", ".join(sorted(other for other in choices if choices[other])) or "none"
                raise InvalidSpace(f"{name} depends on {parent!r}, which has no choices here; those that do: {known}")
            if strange := [value for value in allowed if value not in choices[parent]]:
                raise InvalidSpace(
                    f"{name} depends on {parent}={summary(strange[0])}, which is none of its choices: "
                    + ", ".join(map(str, choices[parent]))
                )
    for name in conditions:
        _check_ends(name, conditions, ())


def _check_ends(name: str, conditions: Mapping[str, Sequence[Condition]], seen: tuple[str, ...]) -> None:
    if name in seen:
        raise InvalidSpace(f"conditions go round: {' depends on '.join((*seen[seen.index(name) :], name))}")
    for parent, _ in conditions[name]:
        _check_ends(parent, conditions, (*seen, name))
