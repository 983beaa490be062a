"""`Lane`: one job made ready: its model's beginning, its optimizer's settings, its schedules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
import torch
from torch import nn

from stepsize._randomness import preserved_randomness
from stepsize.declared import evaluation_steps, with_optimizer
from stepsize.job import Job
from stepsize.policy import Policy, as_policy
from stepsize.schedule import Schedule
from stepsize.torch.lanes.alike import alike
from stepsize.torch.lanes.chance import Chance
from stepsize.torch.lanes.rules import RULES, Rule
from stepsize.torch.layers import of_groups
from stepsize.torch.optimizers import build
from stepsize.torch.task import seed_everything

if TYPE_CHECKING:
    from stepsize.torch.task import Task

# In these, coefficients would lose digits that torch.optim's scalars keep, or the rules do not hold.
DTYPES = (torch.float32, torch.float64)


# Hyperparameters by name.
Numbers = dict[str, Schedule | float]


class Unfit(Exception):
    """Why a job cannot be a lane."""


@final
@dataclass(frozen=True, eq=False)
class Origin:
    """A model as a run begins with it; lanes of the same seed and settings share it."""

    seed: int
    settings: dict[str, Any]
    model: nn.Module
    chance: Chance


@final
@dataclass(frozen=True, eq=False)
class Lane:
    """One run among those made side by side.

    Attributes:
        index: of its job.
        steps: updates it makes.
        policy: with its durations in steps.
        members: the group of each parameter that the optimizer has, by name.
        numbers: of each group, hyperparameters by name, each a number or a Schedule.
        flags: the optimizer's options that are yes or no.
        evaluate: the updates after which it is measured.
    """

    index: int
    job: Job
    steps: int
    policy: Policy
    origin: Origin
    batch_size: int
    rule: Rule
    members: dict[str, int]
    numbers: list[Numbers]
    flags: dict[str, bool]
    evaluate: frozenset[int]

    def fits(self, other: Lane) -> bool:
        """Whether both can be in one stack, but for what is random in them."""
        return (
            self.rule is other.rule
            and self.flags == other.flags
            and self.members == other.members
            and self.batch_size == other.batch_size
            and (self.origin is other.origin or alike(self.origin.model, other.origin.model))
        )


def lane(task: Task, index: int, job: Job, origins: list[Origin]) -> Lane:
    """The job as a lane; `origins` are those made before, and get its own.

    Raises:
        Unfit: it cannot be one; or anything that the task's own code raises.
    """
    policy = as_policy(job.policy).over(job.steps)
    batch_size = task.size_of_batch(job.settings)
    rates = of_groups(job.settings)
    origin = _origin(task, job, rates, origins)
    named = with_optimizer(policy, task.optimizer)
    optimizer, _ = build(named, task.parameters(origin.model, rates))
    kind, groups = type(optimizer).__name__, optimizer.param_groups
    if kind not in RULES:
        raise Unfit(f"there is no rule for many lanes of {kind}")
    numbers = [_numbers(group, named) for group in groups]
    flags = [_flags(RULES[kind], group, of, job.steps) for group, of in zip(groups, numbers, strict=True)]
    if any(each != flags[0] for each in flags):
        raise Unfit(f"its groups of parameters differ in the options of {kind}")
    evaluate = frozenset(evaluation_steps(job.steps, task.evaluations))
    members = _members(origin.model, groups)
    return Lane(index, job, job.steps, policy, origin, batch_size, RULES[kind], members, numbers, flags[0], evaluate)


def _members(model: nn.Module, groups: Sequence[dict[str, Any]]) -> dict[str, int]:
    place = {id(p): index for index, group in enumerate(groups) for p in group["params"]}
    for parameter in model.parameters():
        if parameter.dtype not in DTYPES:
            raise Unfit(f"a parameter is of {parameter.dtype}; lanes are of torch.float32 or torch.float64")
    return {name: place[id(p)] for name, p in model.named_parameters() if id(p) in place}


def _origin(task: Task, job: Job, rates: Mapping[str, Any], origins: list[Origin]) -> Origin:
    settings = {name: value for name, value in job.settings.items() if name != "batch_size" and name not in rates}
    for known in origins:
        if known.seed == job.seed and _equal(known.settings, settings):
            return known
    with preserved_randomness():
        seed_everything(job.seed)
        model = task.fresh_model(settings).to(task.device)
        origins.append(Origin(job.seed, settings, model, Chance.now()))
    return origins[-1]


def _equal(one: dict[str, Any], other: dict[str, Any]) -> bool:
    try:
        return bool(one == other)
    except Exception:  # arrays compare entry by entry
        return False


def _numbers(group: dict[str, Any], policy: Policy) -> Numbers:
    numbers: Numbers = {}
    for name, value in group.items():
        if name == "betas":
            numbers |= {"beta1": float(value[0]), "beta2": float(value[1])}
        elif isinstance(value, int | float) and not isinstance(value, bool):
            numbers[name] = float(value)
    scale = float(group.get("lr_scale", 1.0))
    lr = policy.lr if scale == 1 else scale * policy.lr
    return numbers | policy.schedules | {"lr": lr}


def _flags(rule: Rule, group: dict[str, Any], numbers: Numbers, steps: int) -> dict[str, bool]:
    flags = {name: bool(group[name]) for name in rule.flags if name in group}
    if "with_momentum" in rule.flags:
        momentum = numbers["momentum"]
        values: Sequence[float] | Any = momentum(np.arange(steps)) if isinstance(momentum, Schedule) else [momentum]
        if np.any(np.asarray(values) == 0) and np.any(np.asarray(values) != 0):
            raise Unfit("its momentum is 0 for a while, which has no rule for many lanes")
        flags["with_momentum"] = bool(np.all(np.asarray(values) != 0))
    return flags
