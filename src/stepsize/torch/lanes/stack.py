"""`Stack`: the parameters, buffers and optimizer state of many lanes; the first axis of each tensor is the lane."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import final

import torch
from torch import Tensor, nn

from stepsize.torch.lanes.lane import Lane

Tensors = dict[str, Tensor]
# Parameters, buffers, state.
Kept = tuple[Tensors, Tensors, dict[str, Tensors]]


@final
class Stack:
    """Many runs' tensors, and one module that lends them its form.

    Attributes:
        model: in training mode; its own tensors are of no meaning.
        params: those that are trained.
        buffers: stacked too, for a lane has its own running statistics.
        frozen: parameters that are not trained: stacked only where lanes begin with different ones.
        members: the group of each parameter that the optimizer has.
        state: what the optimizer keeps, by parameter and name.
    """

    def __init__(self, lanes: Sequence[Lane]) -> None:
        models = [lane.origin.model for lane in lanes]
        self.model = copy.deepcopy(models[0])
        self.model.train()
        self._rule, self.flags = lanes[0].rule, lanes[0].flags
        params = [dict(model.named_parameters()) for model in models]
        self.params = {name: _stacked(params, name) for name, p in params[0].items() if p.requires_grad}
        self.shares_frozen = len({id(model) for model in models}) == 1
        self.frozen = {
            name: p.detach() if self.shares_frozen else _stacked(params, name)
            for name, p in params[0].items()
            if not p.requires_grad
        }
        buffers = [dict(model.named_buffers()) for model in models]
        self.buffers = {name: _stacked(buffers, name) for name in buffers[0]}
        self.members = lanes[0].members
        self.state = {
            name: self._fresh_state(p, group, lanes)
            for name, p in self.params.items()
            if (group := self.members.get(name)) is not None
        }

    @property
    def size(self) -> int:
        """How many lanes there are."""
        return next(iter(self.params.values())).shape[0]

    def keep(self, rows: Sequence[int]) -> None:
        """Leave out all lanes but these."""
        chosen = torch.as_tensor(rows, device=next(iter(self.params.values())).device)
        for tensors in (
            self.params,
            self.buffers,
            *self.state.values(),
            *([] if self.shares_frozen else [self.frozen]),
        ):
            for name, tensor in tensors.items():
                tensors[name] = tensor.index_select(0, chosen)

    def copy(self) -> Kept:
        """What changes in training, as it is now."""
        state = {name: {key: each.clone() for key, each in kept.items()} for name, kept in self.state.items()}
        return _copied(self.params), _copied(self.buffers), state

    def set(self, kept: Kept) -> None:
        """Write back what `copy` gave, into the same tensors."""
        for mine, theirs in zip((self.params, self.buffers), kept[:2], strict=True):
            for name, tensor in mine.items():
                tensor.copy_(theirs[name])
        for name, state in self.state.items():
            for key, tensor in state.items():
                tensor.copy_(kept[2][name][key])

    def put(self, row: int, model: nn.Module) -> None:
        """Give a module of the same form the tensors of one lane."""
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if name in self.params:
                    parameter.copy_(self.params[name][row])
                else:
                    parameter.copy_(self.frozen[name] if self.shares_frozen else self.frozen[name][row])
            for name, buffer in model.named_buffers():
                buffer.copy_(self.buffers[name][row])

    def lend(self, row: int) -> None:
        """Make the module that lane: its tensors are those of the stack until it is lent again."""
        for name, parameter in self.model.named_parameters():
            if name in self.params:
                parameter.data = self.params[name][row]
            else:
                parameter.data = self.frozen[name] if self.shares_frozen else self.frozen[name][row]
        for name, buffer in self.model.named_buffers():
            buffer.data = self.buffers[name][row]

    def _fresh_state(self, p: Tensor, group: int, lanes: Sequence[Lane]) -> Tensors:
        state = {name: torch.zeros_like(p) for name in self._rule.state(self.flags)}
        if "sum" in state:  # Adagrad's begins with a number
            first = [_first(lane, group, "initial_accumulator_value") for lane in lanes]
            state["sum"] += torch.tensor(first, dtype=p.dtype, device=p.device).view(-1, *[1] * (p.ndim - 1))
        return state


def _first(lane: Lane, group: int, name: str) -> float:
    value = lane.numbers[group][name]
    return value if isinstance(value, float) else float(value(0))


def _copied(tensors: Tensors) -> Tensors:
    return {name: tensor.clone() for name, tensor in tensors.items()}


def _stacked(tensors: Sequence[Mapping[str, Tensor]], name: str) -> Tensor:
    return torch.stack([each[name].detach() for each in tensors])
