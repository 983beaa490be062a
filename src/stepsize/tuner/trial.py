"""`Trial`: one run that a search asks for; `Recipe` makes its policy and settings."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

from stepsize._codec import summary
from stepsize.errors import InvalidSchedule, InvalidSpace
from stepsize.policy import OPTIMIZERS, Policy
from stepsize.schedule import Schedule, constant, warmup_cosine, warmup_linear, wsd

# The share of a run spent in warmup, where the space does not vary it.
WARMUP = 0.05
# The share of a run spent in the cooldown of `wsd`.
COOLDOWN = 0.2

# name -> the schedule with this peak over `steps` updates, `warmup` of them warming up
TEMPLATES: dict[str, Callable[[float, int, int], Schedule]] = {
    "warmup_cosine": warmup_cosine,
    "warmup_linear": warmup_linear,
    "wsd": lambda peak, steps, warmup: wsd(peak, steps, warmup, min(steps - warmup, max(1, round(COOLDOWN * steps)))),
    "constant": lambda peak, steps, warmup: constant(peak, steps - warmup).warmup(warmup),
}


@final
@dataclass(frozen=True)
class Trial:
    """One run to be made.

    Attributes:
        rate: log10 of the peak learning rate.
        steps: updates, over which the schedule is complete.
        seed: of the run.
        settings: what the space sets, by name.
    """

    rate: float
    steps: int
    seed: int
    settings: tuple[tuple[str, Any], ...] = ()


@final
@dataclass(frozen=True)
class Recipe:
    """How a trial becomes a policy and settings.

    Attributes:
        schedule: a name in `TEMPLATES`, or a Schedule that is scaled to the peak and stretched, or
            whose durations are put over the run.
        optimizer: a name a policy knows, or None where the training brings its own.
    """

    schedule: str | Schedule = "warmup_cosine"
    optimizer: str | None = None

    def __post_init__(self) -> None:
        if isinstance(self.schedule, str):
            if self.schedule not in TEMPLATES:
                raise InvalidSpace(
                    f"schedule must be one of {', '.join(TEMPLATES)} or a Schedule; got {summary(self.schedule)}"
                )
        elif self.schedule.node.resolved and math.isinf(self.schedule.length):
            raise InvalidSpace(f"schedule must have a length to be stretched over a run, got {self.schedule!r}")

    def curve(self, rate: float, steps: int, warmup: float | None = None) -> Schedule:
        """The learning rate over a whole run whose peak is `10**rate`."""
        peak = peak_of(rate)
        if isinstance(self.schedule, Schedule):
            if warmup is not None:
                raise InvalidSpace(
                    "warmup cannot vary within a schedule of your own; name one of " + ", ".join(TEMPLATES)
                )
            shape = _complete(self.schedule, steps)
            return (peak / _peak(shape, steps)) * shape
        share = WARMUP if warmup is None else warmup
        return TEMPLATES[self.schedule](peak, steps, min(round(share * steps), steps - 1))

    def policy(self, trial: Trial) -> Policy:
        """The policy of a trial."""
        given = dict(trial.settings)
        lr = self.curve(trial.rate, trial.steps, given.pop("warmup", None))
        return Policy(lr, self.optimizer, **self._own(given))

    def settings(self, trial: Trial) -> dict[str, Any]:
        """What the training is given besides the policy."""
        own = {"warmup", *self._names(), *(("beta1", "beta2") if self.optimizer else ())}
        return {name: value for name, value in trial.settings if name not in own}

    def key(self, trial: Trial) -> str:
        """What identifies the run: equal keys are the same run."""
        asked = {"steps": trial.steps, "seed": trial.seed, "settings": self.settings(trial)}
        return json.dumps({**asked, "policy": self.policy(trial).document()}, sort_keys=True)

    def _names(self) -> tuple[str, ...]:
        return OPTIMIZERS[self.optimizer] if self.optimizer else ()

    def _own(self, given: dict[str, Any]) -> dict[str, Any]:
        """Those of the settings that belong to the optimizer."""
        own = {name: value for name, value in given.items() if name in self._names()}
        if self.optimizer and ("beta1" in given or "beta2" in given):
            own["betas"] = (given.get("beta1", 0.9), given.get("beta2", 0.999))
        return own


def peak_of(rate: float) -> float:
    """The peak that log10 `rate` stands for, to three digits: nobody reads more, and no training feels more."""
    return float(f"{10**rate:.3g}")


def _complete(schedule: Schedule, steps: int) -> Schedule:
    """The schedule over a whole run of `steps` updates."""
    if not schedule.node.resolved:
        return schedule.over(steps)
    return schedule.stretch(steps / schedule.length)


def _peak(schedule: Schedule, steps: int) -> float:
    peak = float(schedule(range(steps + 1)).max())
    if not peak > 0:
        raise InvalidSchedule(f"a schedule of learning rates must be above 0 somewhere, got {schedule!r}")
    return peak
