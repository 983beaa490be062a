"""`build`: the optimizer and the scheduler that a policy describes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn, optim

from stepsize._codec import summary
from stepsize.errors import InvalidPolicy
from stepsize.policy import Policy
from stepsize.torch.scheduler import Scheduler
from stepsize.torch.slots import Group

# A policy's optimizer -> the class, and what it takes for granted.
CLASSES: dict[str, tuple[type[optim.Optimizer], dict[str, Any]]] = {
    "sgd": (optim.SGD, {}),
    "momentum": (optim.SGD, {"momentum": 0.9}),
    "nesterov": (optim.SGD, {"momentum": 0.9, "nesterov": True}),
    "adagrad": (optim.Adagrad, {}),
    "rmsprop": (optim.RMSprop, {}),
    "adadelta": (optim.Adadelta, {}),
    "adam": (optim.Adam, {}),
    "adamw": (optim.AdamW, {}),
}


def build(policy: Policy, model: nn.Module | Iterable[Tensor] | Iterable[Group]) -> tuple[optim.Optimizer, Scheduler]:
    """The optimizer that `policy` names for the parameters of `model`, and its scheduler.

    Args:
        policy: its settings are those of the class in torch.optim; scheduled ones start at update 0.
        model: a module, the parameters themselves, or groups of them as torch.optim takes them; a group's
            `lr_scale` multiplies its learning rate.
    Raises:
        InvalidPolicy: the policy names no optimizer, or torch.optim refuses its settings.

    >>> import torch, stepsize as ss
    >>> policy = ss.Policy(optimizer="nesterov", lr=ss.linear(0.1, 0.0, 100), weight_decay=1e-4)
    >>> optimizer, scheduler = build(policy, torch.nn.Linear(2, 1))
    >>> optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["nesterov"]
    (0.1, True)
    """
    if policy.optimizer is None:
        raise InvalidPolicy(f"the policy names no optimizer; write Policy(optimizer={next(iter(CLASSES))!r}, ...)")
    parameters: list[Any] = list(model.parameters() if isinstance(model, nn.Module) else model)
    if not any(all(isinstance(parameter, kind) for parameter in parameters) for kind in (torch.Tensor, dict)):
        raise InvalidPolicy(f"model must be a module or its parameters, got {summary(model)}")
    kind, defaults = CLASSES[policy.optimizer]
    first = {name: schedule(0) for name, schedule in policy.schedules.items()}
    try:
        optimizer = kind(parameters, **{**defaults, **policy.constants, **first})
    except (TypeError, ValueError) as error:
        raise InvalidPolicy(f"torch.optim.{kind.__name__} refuses {policy!r}: {error}") from error
    followed: dict[str, Any] = policy.schedules
    return optimizer, Scheduler(optimizer, **followed)
