"""`Trial`: one run that a search asks for; `Recipe` makes its policy and settings."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

from stepsize._codec import summary
from stepsize.errors import InvalidSchedule, InvalidSpace
from stepsize.policy import Policy
from stepsize.schedule import Schedule, constant, warmup_cosine, warmup_linear, wsd
from stepsize.tuner.condition import PARTS, settings_of

# The share of a run spent in warmup, where the space does not vary it.
WARMUP = 0.05
# The share of a run spent in the cooldown of `wsd`.
COOLDOWN = 0.2
# What a betas of torch.optim is made of where a space sets only one of them.
BETAS = (0.9, 0.999)
# Settings that make the schedule or name the optimizer; they are never a training's own.
SHAPE = ("schedule", "warmup", "cooldown", "end")

# name -> the schedule with this peak and end over `steps` updates, some of them warming up and cooling down
TEMPLATES: dict[str, Callable[[float, float, int, int, int], Schedule]] = {
    "warmup_cosine": lambda peak, end, steps, warmup, _: warmup_cosine(peak, steps, warmup, end),
    "warmup_linear": lambda peak, end, steps, warmup, _: warmup_linear(peak, steps, warmup, end),
    "wsd": lambda peak, end, steps, warmup, cooldown: wsd(peak, steps, warmup, min(steps - warmup, cooldown), end),
    "constant": lambda peak, end, steps, warmup, _: constant(peak, steps - warmup).warmup(warmup),
}


@final
@dataclass(frozen=True)
class Trial:
    """One run to be made.

    Attributes:
        rate: log10 of the peak learning rate.
        steps: updates, over which the schedule is complete; of the training's own batches.
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
        batch_size: of the training, where it knows its own: a run with another one sees as many examples,
            so it makes more or fewer updates. None where the updates of a run are always as many as asked.
    """

    schedule: str | Schedule = "warmup_cosine"
    optimizer: str | None = None
    batch_size: int | None = None

    def __post_init__(self) -> None:
        if isinstance(self.schedule, str):
            check_template(self.schedule)
        elif self.schedule.node.resolved and math.isinf(self.schedule.length):
            raise InvalidSpace(f"schedule must have a length to be stretched over a run, got {self.schedule!r}")

    def steps(self, trial: Trial) -> int:
        """The updates that the run makes: as many as give it the examples of `trial.steps` of the training's own."""
        return max(1, round(trial.steps / self._examples(trial)))

    def spent(self, trial: Trial, updates: int) -> float:
        """What `updates` of this run's are worth in updates of the training's own batches."""
        return updates * self._examples(trial)

    def _examples(self, trial: Trial) -> float:
        """The examples of one update, as a multiple of the training's own batch."""
        if self.batch_size is None:
            return 1.0
        return float(dict(trial.settings).get("batch_size", self.batch_size)) / self.batch_size

    def curve(
        self,
        rate: float,
        steps: int,
        warmup: float | None = None,
        cooldown: float | None = None,
        end: float | None = None,
        schedule: str | None = None,
    ) -> Schedule:
        """The learning rate over a whole run whose peak is `10**rate`.

        Args:
            rate: log10 of the peak.
            steps: updates of the run.
            warmup, cooldown: shares of the run.
            end: the last value, as a share of the peak.
            schedule: a template, in place of the recipe's own.
        """
        peak, rule = peak_of(rate), schedule or self.schedule
        if isinstance(rule, Schedule):
            if given := [n for n, v in (("warmup", warmup), ("cooldown", cooldown), ("end", end)) if v is not None]:
                raise InvalidSpace(
                    f"{given[0]} cannot vary within a schedule of your own; name one of " + ", ".join(TEMPLATES)
                )
            shape = _complete(rule, steps)
            return (peak / _peak(shape, steps)) * shape
        warm = min(round((WARMUP if warmup is None else warmup) * steps), steps - 1)
        cool = max(1, round((COOLDOWN if cooldown is None else cooldown) * steps))
        return TEMPLATES[rule](peak, (end or 0.0) * peak, steps, warm, cool)

    def policy(self, trial: Trial) -> Policy:
        """The policy of a trial, over the updates that its run makes."""
        given = dict(trial.settings)
        shape = {name: given.pop(name) for name in SHAPE if name in given}
        optimizer = given.pop("optimizer", self.optimizer)
        lr = self.curve(trial.rate, self.steps(trial), **shape)
        return Policy(lr, optimizer, **_own(optimizer, given))

    def settings(self, trial: Trial) -> dict[str, Any]:
        """What the training is given besides the policy."""
        given = dict(trial.settings)
        optimizer = given.pop("optimizer", self.optimizer)
        own = {*SHAPE, *settings_of(optimizer)}
        return {name: value for name, value in given.items() if name not in own}

    def key(self, trial: Trial) -> str:
        """What identifies the run: equal keys are the same run."""
        asked = {"steps": self.steps(trial), "seed": trial.seed, "settings": self.settings(trial)}
        return json.dumps({**asked, "policy": self.policy(trial).document()}, sort_keys=True)


def _own(optimizer: str | None, given: dict[str, Any]) -> dict[str, Any]:
    """Those of the settings that belong to the optimizer, as a policy names them."""
    known = settings_of(optimizer)
    own = {name: value for name, value in given.items() if name in known}
    betas = [own.pop(name, usual) for name, usual in zip(PARTS["betas"], BETAS, strict=True)]
    return {**own, "betas": tuple(betas)} if set(PARTS["betas"]) & set(given) & set(known) else own


def check_template(name: Any) -> None:
    """Whether there is a schedule of that name."""
    if name not in TEMPLATES:
        raise InvalidSpace(f"schedule must be one of {', '.join(TEMPLATES)} or a Schedule; got {summary(name)}")


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
