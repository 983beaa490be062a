"""The legs of a warmup or a cooldown, by the names that articles give them."""

from __future__ import annotations

from typing import Any

from stepsize._codec import summary
from stepsize.errors import InvalidSchedule
from stepsize.schedule.shapes import Ramp

# name -> (row of SHAPES, its parameters). Shapes are named by what is left after a share u of the leg.
LEGS: dict[str, tuple[str, tuple[float, ...]]] = {
    "linear": ("linear", ()),
    "cosine": ("cosine", ()),
    "mirror-cosine": ("mirror_cosine", ()),
    "exponential": ("exponential", ()),
    "1-sqrt": ("one_minus_sqrt", ()),
    "sqrt": ("polynomial", (0.5,)),
    "1-square": ("one_minus_power", (2.0,)),
    "square": ("polynomial", (2.0,)),
    "rex": ("rex", ()),
}


def leg(name: Any, start: Any, end: Any, steps: int) -> Ramp:
    """The leg called `name`.

    Raises:
        InvalidSchedule: there is none of that name; the message lists those there are.
    """
    if not isinstance(name, str) or name not in LEGS:
        raise InvalidSchedule(f"shape must be one of {', '.join(LEGS)}; got {summary(name)}")
    shape, params = LEGS[name]
    return Ramp(shape, start, end, steps, params)
