"""One update of all lanes: their losses and gradients, and the rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor
from torch.func import functional_call, vmap

from stepsize.torch.lanes.chance import Chance
from stepsize.torch.lanes.rules import Rule
from stepsize.torch.lanes.stack import Stack, Tensors
from stepsize.torch.task import scalar

Loss = Callable[[Any, Any], Tensor]
# Losses [lanes], and gradients by parameter; a parameter that had no part in the loss has none.
Groups = Sequence[Mapping[str, Tensor]]  # coefficients of each group of parameters
Slopes = tuple[Tensor, dict[str, Tensor | None]]

# Numbers changed at a time on a processor: with their state they stay in its cache.
CHUNK = 65_536


def together(stack: Stack, loss: Loss, x: Any, y: Any, own_batches: bool = False) -> Slopes:
    """All lanes at once. Lanes are independent, so the gradient of the sum of losses is each lane's own.

    Args:
        stack: the lanes; their buffers are written to.
        loss: of the task.
        x, y: a batch that all lanes share, or one batch a lane, stacked.
        own_batches: whether it is one batch a lane.
    """

    def one(params: Tensors, buffers: Tensors, frozen: Tensors, x: Any, y: Any) -> Tensor:
        output = functional_call(stack.model, {**params, **buffers, **frozen}, (x,))
        return cast(Tensor, scalar(loss(output, y), "loss").reshape(()))

    axes = (0, 0, None if stack.shares_frozen else 0, *(0 if own_batches else None for _ in range(2)))
    leaves = {name: p.detach().requires_grad_() for name, p in stack.params.items()}
    losses = vmap(one, in_dims=axes, randomness="same")(leaves, stack.buffers, stack.frozen, x, y)
    gradients = torch.autograd.grad(losses.sum(), list(leaves.values()), allow_unused=True)
    return losses.detach(), dict(zip(leaves, gradients, strict=True))


def apart(stack: Stack, loss: Loss, x: Any, y: Any, own_batches: bool = False) -> Slopes:
    """As `together`, one lane after another: for few lanes that is quicker."""
    start = Chance.now() if stack.size > 1 else None
    made = []
    for row in range(stack.size):
        if row and start is not None:
            start.restore()
        stack.lend(row)
        inputs, targets = (x[row], y[row]) if own_batches else (x, y)
        value = scalar(loss(stack.model(inputs), targets), "loss").reshape(())
        trained = [p for p in stack.model.parameters() if p.requires_grad]
        made.append((value.detach(), torch.autograd.grad(value, trained, allow_unused=True)))
    slopes = [None if g[0] is None else torch.stack(g) for g in zip(*(g for _, g in made), strict=True)]
    return torch.stack([value for value, _ in made]), dict(zip(stack.params, slopes, strict=True))


def named(names: Sequence[str], row: Tensor) -> list[dict[str, Tensor]]:
    """The coefficients of each group, by name."""
    return [dict(zip(names, group.unbind(), strict=True)) for group in row.unbind()]


def apply(rule: Rule, stack: Stack, gradients: Mapping[str, Tensor | None], groups: Groups) -> None:
    """Step every lane's parameters, a piece that fits the cache at a time."""
    with torch.no_grad():
        for name, group in stack.members.items():
            gradient = gradients.get(name)
            if gradient is not None:
                whole = {"": stack.params[name], "g": gradient, **stack.state[name]}
                flat = {key: tensor.reshape(tensor.shape[0], -1) for key, tensor in whole.items()}
                rows = flat[""].shape[0] if flat[""].is_cuda else max(1, CHUNK // max(1, flat[""].shape[1]))
                for begin in range(0, flat[""].shape[0], rows):
                    _piece(rule, stack, slice(begin, begin + rows), flat, groups[group])


def _piece(rule: Rule, stack: Stack, rows: slice, flat: Tensors, coefficients: Mapping[str, Tensor]) -> None:
    part = {key: tensor[rows] for key, tensor in flat.items()}
    p, g = part.pop(""), part.pop("g")
    rule.apply(p, g, part, {name: c[rows] for name, c in coefficients.items()}, stack.flags)
