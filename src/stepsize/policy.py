"""`Policy`: all that decides the step of an optimizer, as one value and one JSON document."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import Any, cast, final

import numpy as np
from numpy.typing import NDArray

from stepsize._codec import BadDocument, Document, is_finite, items, parse, summary, write_atomically
from stepsize.errors import InvalidPolicy, InvalidSchedule
from stepsize.schedule import Duration, Schedule, as_schedule
from stepsize.schedule.document import read_node
from stepsize.schedule.node import Length

SCHEMA = "stepsize.policy/1"

Setting = float | bool | Schedule | tuple[float, ...]

# The optimizers a policy can name and the settings each one takes, beside lr. Every framework's
# adapter realises these names; the meaning is that of torch.optim.
OPTIMIZERS: dict[str, tuple[str, ...]] = {
    "sgd": ("weight_decay",),
    "momentum": ("momentum", "dampening", "weight_decay"),
    "nesterov": ("momentum", "weight_decay"),
    "adagrad": ("lr_decay", "eps", "weight_decay", "initial_accumulator_value"),
    "rmsprop": ("alpha", "eps", "momentum", "centered", "weight_decay"),
    "adadelta": ("rho", "eps", "weight_decay"),
    "adam": ("betas", "eps", "weight_decay", "amsgrad"),
    "adamw": ("betas", "eps", "weight_decay", "amsgrad"),
}
# Settings that are shares of a running average: at least 0 and below 1.
SHARES = ("momentum", "dampening", "alpha", "rho", "betas")
# Names of a policy's own.
TAKEN = ("schema", "settings")
# Beyond any training.
FAR = 1e12
# Settings that are two numbers.
PAIRS = ("betas",)


@final
@dataclass(frozen=True, init=False, repr=False)
class Policy:
    """An optimizer's name and settings, with a schedule for the learning rate.

    Args:
        lr: the learning rate: a Schedule in optimizer updates, or a number that holds for ever.
        optimizer: a name in `OPTIMIZERS`; None when the training brings its own optimizer.
        settings: what that optimizer takes besides, as in torch.optim: `weight_decay`, `momentum`,
            `betas`, ...; each a number or a Schedule; `betas` is a pair.
    Raises:
        InvalidPolicy: an unknown name, a setting the optimizer does not take, or a value out of range.

    >>> import stepsize as ss
    >>> policy = ss.Policy(optimizer="adamw", lr=ss.warmup_cosine(1e-3, 1000, 50), weight_decay=0.1)
    >>> policy.lr(50), policy.weight_decay
    (0.001, 0.1)
    >>> ss.Policy.from_json(policy.to_json()) == policy
    True
    """

    optimizer: str | None
    lr: Schedule
    settings: tuple[tuple[str, Setting], ...]

    def __init__(self, /, lr: Schedule | float, optimizer: str | None = None, **settings: Any) -> None:
        if optimizer is not None and (not isinstance(optimizer, str) or optimizer not in OPTIMIZERS):
            raise InvalidPolicy(f"optimizer must be one of {', '.join(OPTIMIZERS)}; got {summary(optimizer)}")
        checked = {name: _setting(name, settings[name]) for name in sorted(settings)}
        _check_names(optimizer, checked)
        object.__setattr__(self, "optimizer", optimizer)
        object.__setattr__(self, "lr", learning_rate(lr))
        object.__setattr__(self, "settings", tuple(checked.items()))

    def __getattr__(self, name: str) -> Setting:
        if not name.startswith("_"):
            for key, value in self.settings:
                if key == name:
                    return value
        raise AttributeError(f"this policy sets no {name!r}")

    @property
    def schedules(self) -> dict[str, Schedule]:
        """The settings that change over training, `lr` first."""
        scheduled = {name: value for name, value in self.settings if isinstance(value, Schedule)}
        return {"lr": self.lr, **scheduled}

    @property
    def constants(self) -> dict[str, float | bool | tuple[float, ...]]:
        """The settings that stay as they are."""
        return {name: value for name, value in self.settings if not isinstance(value, Schedule)}

    def over(self, steps: int | str | Duration, **sizes: float | None) -> Policy:
        """The policy with every duration in steps, for a run of `steps` updates.

        Args:
            steps: updates of the run, or a duration.
            sizes: as in `Schedule.over`: steps_per_epoch, samples_per_step, tokens_per_step.
        Raises:
            InvalidSchedule: a unit's size is missing, or a schedule does not fit.

        >>> import stepsize as ss
        >>> ss.Policy(ss.warmup_linear(1.0, "100%", "10%")).over(100).lr
        linear(0.09090909090909091, 1.0, 10) >> linear(1.0, 0.0, 90)
        """
        if all(schedule.node.resolved for schedule in self.schedules.values()):
            return self
        resolved = {name: schedule.over(steps, **sizes) for name, schedule in self.schedules.items()}
        lr = resolved.pop("lr")
        return Policy(lr, self.optimizer, **{**dict(self.settings), **resolved})

    def to_json(self) -> str:
        """The policy as one JSON document."""
        return json.dumps(self.document(), indent=2)

    def document(self) -> Document:
        """The policy as a JSON value."""
        named = {name: _to_json(value) for name, value in self.settings}
        return {"schema": SCHEMA, "optimizer": self.optimizer, "lr": self.lr.node.document(), **named}

    @staticmethod
    def from_json(text: str) -> Policy:
        """The policy in a JSON document.

        Raises:
            InvalidPolicy: the text is no such document; the message names the place.
        """
        try:
            document = parse(text, SCHEMA)
            if "lr" not in document:
                raise BadDocument("policy: field lr is missing")
            values = {
                name: _from_json(document[name], name) for name in document if name not in ("schema", "optimizer")
            }
        except (BadDocument, InvalidSchedule) as error:
            raise InvalidPolicy(str(error)) from error
        return Policy(optimizer=document.get("optimizer"), **values)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the policy to `path`, whole or not at all, and return the path."""
        return write_atomically(path, self.to_json() + "\n")

    @staticmethod
    def load(path: str | os.PathLike[str]) -> Policy:
        """Read a policy that `save` wrote.

        Raises:
            InvalidPolicy: the file holds no policy; the message names file and place.
            OSError: the file cannot be read.
        """
        try:
            return Policy.from_json(Path(path).read_text(encoding="utf-8"))
        except (InvalidPolicy, UnicodeDecodeError) as error:
            raise InvalidPolicy(f"{path}: {error}") from error

    def __repr__(self) -> str:
        named = [f"{name}={value!r}" for name, value in self.settings]
        optimizer = [] if self.optimizer is None else [f"optimizer={self.optimizer!r}"]
        return f"Policy({', '.join([*optimizer, f'lr={self.lr!r}', *named])})"


def as_policy(plan: Policy | Schedule | float) -> Policy:
    """A policy as it is; a schedule or a number as the policy that has it as learning rate."""
    return plan if isinstance(plan, Policy) else Policy(plan)


def learning_rate(value: Schedule | float) -> Schedule:
    """`value` as a schedule of rates: never negative, and somewhere above 0.

    Raises:
        InvalidPolicy: it is neither a schedule nor a number, or no learning rate.
    """
    try:
        schedule = as_schedule(value, "lr")
    except InvalidSchedule as error:
        raise InvalidPolicy(str(error)) from error
    if not schedule.node.resolved:
        return schedule  # checked once its durations are known
    if schedule.node.shape:
        raise InvalidPolicy(f"lr must be one value a step, got {summary(schedule)}, of shape {schedule.node.shape}")
    values = schedule(_probes(schedule.length))
    if not values.min() >= 0:
        raise InvalidPolicy(f"lr must not be negative, got {schedule!r}, which falls to {values.min():g}")
    if not values.max() > 0:
        raise InvalidPolicy(f"lr must be above 0 somewhere, got {schedule!r}")
    return schedule


def _probes(length: Length) -> NDArray[np.float64]:
    """Steps all over a schedule; of an endless one, the near ones closely and the far ones by ratio."""
    if np.isfinite(length):
        return np.linspace(0, length, 1_001).round()
    return np.concatenate([np.arange(1_000.0), np.geomspace(1e3, FAR, 1_000).round()])


def _check_names(optimizer: str | None, settings: Mapping[str, Setting]) -> None:
    for name in settings:
        if not name.isidentifier() or name.startswith("_") or name in TAKEN or hasattr(Policy, name):
            raise InvalidPolicy(f"a setting cannot be called {name!r}; choose another name")
        if optimizer is not None and name not in OPTIMIZERS[optimizer]:
            takes = ", ".join(("lr", *OPTIMIZERS[optimizer]))
            raise InvalidPolicy(f"{optimizer} takes no {name!r}; it takes {takes}")


def _setting(name: str, value: Any) -> Setting:
    if name in PAIRS:
        if not isinstance(value, tuple | list) or len(value) != 2:
            raise InvalidPolicy(f"{name} must be a pair of numbers, got {summary(value)}")
        return tuple(_number(name, item) for item in value)
    if isinstance(value, Schedule):
        values = value(_probes(value.length))
        for extreme in (float(values.min()), float(values.max())):
            _number(name, extreme)
        return value
    return value if isinstance(value, bool) else _number(name, value)


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, Real) or not is_finite(cast(float, value)):
        raise InvalidPolicy(f"{name} must be a finite number or a Schedule, got {summary(value)}")
    result = float(cast(float, value))
    if result < 0 or (name in SHARES and result >= 1):
        bounds = "at least 0 and below 1" if name in SHARES else "at least 0"
        raise InvalidPolicy(f"{name} must be {bounds}, got {value!r}")
    return result


def _to_json(value: Setting) -> Any:
    if isinstance(value, Schedule):
        return value.node.document()
    return list(value) if isinstance(value, tuple) else value


def _from_json(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return Schedule(read_node(value, name))
    return tuple(items(value, name)) if isinstance(value, list) else value
