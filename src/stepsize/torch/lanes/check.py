"""Whether a model can be vectorised: two lanes of it must do what two runs of it do, before any run is made."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import torch
from torch import Tensor, nn

from stepsize._randomness import preserved_randomness
from stepsize.torch.data import batches
from stepsize.torch.lanes.chance import Chance
from stepsize.torch.lanes.lane import Lane, Unfit
from stepsize.torch.lanes.stack import Stack, Tensors
from stepsize.torch.lanes.step import together
from stepsize.torch.task import scalar

if TYPE_CHECKING:
    from stepsize.torch.task import Task

# The relative difference that rounding explains: a ReLU that flips changes a gradient by more than one digit.
ROUNDING = {torch.float32: 1e-2, torch.float64: 1e-6}


@final
@dataclass(frozen=True)
class Draws:
    """Whether random numbers are drawn by an update, and by an evaluation."""

    update: bool
    evaluation: bool


def check(task: Task, lane: Lane) -> Draws:
    """Make one update's gradients by two lanes and by two runs, and compare them.

    Raises:
        Unfit: they differ, or the model cannot be vectorised; in one sentence.
    """
    with preserved_randomness():
        lane.origin.chance.restore()
        x, y = (part.to(task.device) for part in next(batches(task.train, lane.batch_size, _order(lane))))
        stack = Stack([lane, lane])
        for tensor in stack.params.values():  # two lanes that are not the same
            tensor[1] += 1e-3 * torch.randn(tensor[1].shape, generator=_order(lane), dtype=tensor.dtype).to(tensor)
        start = Chance.now()
        expected = [_alone(task, stack, row, x, y, start) for row in range(2)]
        draws = not Chance.now().same(start)
        start.restore()
        try:
            losses, gradients = together(stack, task.loss, x, y)
        except Exception as error:  # whatever vmap does not know
            raise Unfit(f"{_name(lane)} cannot be vectorised: {_first_sentence(error)}") from error
        _compare(lane, stack, losses, gradients, expected)
        return Draws(draws, _evaluation_draws(task, lane))


def _order(lane: Lane) -> torch.Generator:
    return torch.Generator().manual_seed(lane.job.seed)


def _alone(task: Task, stack: Stack, row: int, x: Any, y: Any, start: Chance) -> dict[str, Tensor]:
    """The loss, the gradients and the buffers of one lane as a run has them."""
    start.restore()
    model = copy.deepcopy(stack.model)
    stack.put(row, model)
    loss = scalar(task.loss(model(x), y), "loss")
    loss.backward()
    buffers: Tensors = {f"buffer {name}": buffer for name, buffer in model.named_buffers()}
    gradients = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    return {"": loss.detach().reshape(()), **gradients, **buffers}


def _compare(lane: Lane, stack: Stack, losses: Tensor, gradients: Any, expected: list[dict[str, Tensor]]) -> None:
    found = {"": losses, **{name: g for name, g in gradients.items() if g is not None}}
    found |= {f"buffer {name}": buffer for name, buffer in stack.buffers.items()}
    for row, wanted in enumerate(expected):
        rounding = ROUNDING[losses.dtype] if losses.dtype in ROUNDING else max(ROUNDING.values())
        if wanted.keys() != found.keys() or not all(_near(found[k][row], wanted[k], rounding) for k in wanted):
            raise Unfit(f"{_name(lane)} cannot be vectorised: its lanes do not have the gradients that its runs have")


def _near(one: Tensor, other: Tensor, rounding: float) -> bool:
    one, other = one.double(), other.double()
    if not other.isfinite().all():
        return True  # a run that diverges at once says nothing
    return bool((one - other).norm() <= rounding * (other.norm() + 1e-6))


def _evaluation_draws(task: Task, lane: Lane) -> bool:
    model = copy.deepcopy(lane.origin.model)
    start = Chance.now()
    for data, prefix in ((task.val, "val"), (task.test, "test")):
        if isinstance(data, tuple):
            task.measure(model, tuple(part[:2] for part in data), prefix)
        elif isinstance(data, list):
            task.measure(model, data[:1], prefix)
        elif data is not None:
            return True  # a loader may shuffle, which is not worth a pass over it
    return not Chance.now().same(start)


def _name(lane: Lane) -> str:
    model: nn.Module = lane.origin.model
    kinds = [type(module).__name__ for module in model.modules() if isinstance(module, nn.RNNBase)]
    return kinds[0] if kinds else type(model).__name__


def _first_sentence(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text.split(". ")[0].removeprefix("vmap: ").rstrip(".")
