"""What can be read off an optimizer and the process without measuring: rates, settings, where it stands."""

from __future__ import annotations

import os
from typing import Any

import torch
from torch.optim import Optimizer

from stepsize.torch.later import Scalar, scalar
from stepsize.torch.meter import labels

# Settings of an optimizer that say how it computes, not what.
MACHINERY = {"foreach", "capturable", "differentiable", "fused", "maximize", "decoupled_weight_decay"}


def rates(optimizer: Optimizer) -> dict[str, Scalar]:
    """The rates of its groups; `lr` is that of the first."""
    groups = optimizer.param_groups
    if len(groups) == 1:
        if type(rate := groups[0].get("lr")) is float:  # the usual case, as short as it can be
            return {"lr": rate}
        return {"lr": scalar(groups[0]["lr"], "lr")} if "lr" in groups[0] else {}
    named = zip(labels(groups), groups, strict=True)
    each = {f"lr{label}": scalar(group["lr"], "lr") for label, group in named if "lr" in group}
    return {"lr": next(iter(each.values())), **each} if each else {}


def made_before(optimizer: Optimizer) -> int:
    """Updates before this one, as the optimizer's own state counts them; 0 where it does not."""
    counts = [float(state["step"]) for state in optimizer.state.values() if "step" in state]
    return int(max(counts, default=0))


def captured() -> bool:
    """Whether a CUDA graph is made of this update: its replays will call no hook."""
    return torch.cuda.is_initialized() and torch.cuda.is_current_stream_capturing()


def rank() -> int:
    """The number of this process in a distributed training; 0 where there is none."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank()
    return int(os.environ.get("RANK", "0") or 0)


def settings_of(optimizer: Optimizer) -> dict[str, Any]:
    """Its name and the numbers it was made with."""
    plain = {
        name: value
        for name, value in optimizer.defaults.items()
        if name not in MACHINERY and isinstance(value, int | float | tuple | list)
    }
    return {"optimizer": type(optimizer).__name__.lower(), **plain}
