"""Whether a space and a recipe fit together: asked before a search, not in the middle of it."""

from __future__ import annotations

from typing import Any

from stepsize._codec import summary
from stepsize.errors import InvalidPolicy, InvalidSchedule, InvalidSpace
from stepsize.schedule import Schedule
from stepsize.tuner.condition import SHAPED
from stepsize.tuner.space import Space, spread_points
from stepsize.tuner.trial import SHAPE, TEMPLATES, Recipe, Trial, check_template

# Points of the space that are looked at, beside two of its corners.
PROBES = 30
# Updates of the runs imagined: what is wrong with a share or a setting is wrong at any length.
STEPS = 100


def check_space(space: Space, recipe: Recipe) -> None:
    """Whether a policy can be made at every point of a space: of its corners, and of many others.

    Raises:
        InvalidSpace: one cannot; the message says why.
    """
    _check_schedules(space, recipe.schedule)
    _check_numbers(space)
    for shares in _points(len(space)):
        try:
            recipe.policy(Trial(-3.0, STEPS, 0, space.settings(shares)))
        except (InvalidPolicy, InvalidSchedule) as error:
            raise InvalidSpace(f"the space holds what no policy can: {error}") from error


def _check_schedules(space: Space, own: str | Schedule) -> None:
    named = {d.name: d for d in space}
    rules: tuple[Any, ...] = named["schedule"].choices if "schedule" in named else (own,)
    if isinstance(rules[0], Schedule):
        if given := [name for name in SHAPE if name in named]:
            raise InvalidSpace(
                f"{given[0]} cannot vary within a schedule of your own; name one of " + ", ".join(TEMPLATES)
            )
        return
    for rule in rules:
        check_template(rule)
    for name, templates in SHAPED.items():
        if name in named and not set(rules) & set(templates):
            raise InvalidSpace(f"{name} is a setting of {', '.join(templates)}; the schedule is {', '.join(rules)}")


def _check_numbers(space: Space) -> None:
    for d in space:
        values = d.choices or (round(d.low) if d.whole else d.low, round(d.high) if d.whole else d.high)
        numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
        if d.name == "batch_size" and not all(isinstance(value, int) and numbers and value >= 1 for value in values):
            raise InvalidSpace(f"batch_size must be whole numbers, at least 1; got {summary(list(values))}")
        if d.name == "layer_decay" and not (numbers and min(values) > 0 and max(values) <= 1):
            raise InvalidSpace(f"layer_decay must be above 0 and at most 1; got {summary(list(values))}")
        if d.name.startswith("lr_scale.") and not (numbers and min(values) >= 0):
            raise InvalidSpace(f"{d.name} must be at least 0; got {summary(list(values))}")


def _points(count: int) -> list[list[float]]:
    if not count:
        return []
    return [[0.0] * count, [1.0] * count, *spread_points(PROBES, count).tolist()]
