"""`Task`: a training declared by its parts, which stepsize runs itself."""

from __future__ import annotations

import copy
import inspect
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np
import torch
from torch import Tensor, nn

from stepsize._codec import summary
from stepsize.declared import check_declared, checked_batch_size, evaluation_steps, with_optimizer
from stepsize.errors import InvalidTraining
from stepsize.job import Job
from stepsize.policy import Policy
from stepsize.run import Run
from stepsize.torch.data import Data, batches, checked, in_order
from stepsize.torch.layers import checked_groups, layer_groups, of_groups, scaled_groups
from stepsize.torch.optimizers import build
from stepsize.torch.slots import Group
from stepsize.training import Session, Settings

Loss = Callable[[Any, Any], Tensor]
Metric = Callable[[Any, Any], Any]


@final
@dataclass(frozen=True, eq=False)
class Task:
    """A supervised training: what to train, on what, and what to measure.

    Every run starts from a fresh model, so nothing of yours is changed. Validation is measured after
    the first update, at about `evaluations` points along the run, and after the last.

    Args:
        model: a function that makes a fresh `nn.Module` (it may take settings that are searched, such
            as `width`), or a module, which is copied for each run.
        loss: `loss(model(x), y)`, a scalar to minimise, a mean over the batch.
        train: `(x, y)`, tensors or arrays of equal length, or an iterable of `(x, y)` batches that can
            be iterated again and again, such as a DataLoader.
        val: the same kind of data, for choosing; its loss is `val_loss`.
        test: the same kind of data, for reporting; measured once, at the end of a run, as `test_loss`.
        batch_size: examples an update, where `train` is a pair.
        steps: optimizer updates of a full run.
        optimizer: used when a policy names none.
        metrics: further `metric(output, y)`, means over examples, reported as `val_NAME`.
        device: where to train.
        evaluations: how often validation is measured.
        groups: a function from the model to groups of its parameters, as torch.optim takes them, the top layer
            first; by default all are one. The settings `layer_decay` and `lr_scale.NAME` then say how their
            rates differ; without `groups` they mean those of `layer_groups`.
    Raises:
        InvalidTraining: a part does not fit; the message names it.

    >>> import torch
    >>> x = torch.linspace(-1, 1, 64).unsqueeze(1)
    >>> task = Task(lambda: torch.nn.Linear(1, 1), torch.nn.functional.mse_loss,
    ...             train=(x, 2 * x), val=(x, 2 * x), batch_size=16, steps=50)
    """

    model: nn.Module | Callable[..., nn.Module]
    loss: Loss
    train: Data
    val: Data = None
    test: Data = None
    batch_size: int = 64
    steps: int = 1_000
    optimizer: str = "adamw"
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    device: str = "cpu"
    evaluations: int = 10
    groups: Callable[[nn.Module], list[Group]] | None = None

    def __post_init__(self) -> None:
        if not callable(self.model) or not callable(self.loss):
            raise InvalidTraining("model and loss must be callable: model() makes a module, loss(output, y) a scalar")
        check_declared(self)
        for name in ("train", "val", "test"):
            object.__setattr__(self, name, checked(getattr(self, name), name))
        if self.train is None:
            raise InvalidTraining("train is missing; give a pair (x, y) or an iterable of batches")

    @property
    def metric(self) -> str:
        """What a lower value of means a better training."""
        return "loss" if self.val is None else "val_loss"

    def start(self, policy: Policy, steps: int, seed: int, settings: Settings) -> Session:
        batch_size = self.size_of_batch(settings)
        seed_everything(seed)
        rates = of_groups(settings)
        others = {name: value for name, value in settings.items() if name != "batch_size" and name not in rates}
        model = self.fresh_model(others)
        model.to(self.device)
        optimizer, scheduler = build(with_optimizer(policy, self.optimizer), self.parameters(model, rates))
        order = batches(self.train, batch_size, torch.Generator().manual_seed(seed))
        return TaskSession(self, model, optimizer, scheduler, order, evaluation_steps(steps, self.evaluations))

    def parameters(self, model: nn.Module, settings: Settings) -> nn.Module | list[Group]:
        """What the optimizer of `model` is given: the module, or groups of its parameters.

        Args:
            settings: `layer_decay` and `lr_scale.NAME`, where groups shall have rates of their own.
        """
        if self.groups is None and not settings:
            return model
        groups = layer_groups(model) if self.groups is None else checked_groups(self.groups(model))
        return scaled_groups(groups, settings)

    def lanes(self, jobs: Sequence[Job], watch: Callable[[int, int], None]) -> Iterator[tuple[int, Run | str]]:
        """Runs side by side: see `stepsize.training.SideBySide`."""
        from stepsize.torch.lanes import side_by_side  # asked for by few, and it imports torch.func

        return side_by_side(self, jobs, watch)

    def size_of_batch(self, settings: Settings) -> int:
        size = settings.get("batch_size", self.batch_size)
        if not isinstance(self.train, tuple):
            if "batch_size" in settings:
                raise InvalidTraining("train comes in batches of its own, so batch_size cannot be set; give a pair")
            return int(size)
        return checked_batch_size(size, len(self.train[0]))

    def fresh_model(self, settings: dict[str, Any]) -> nn.Module:
        if isinstance(self.model, nn.Module):
            if settings:
                raise InvalidTraining(f"model is one module, so it cannot take {', '.join(settings)}; give a function")
            return copy.deepcopy(self.model)
        try:
            inspect.signature(self.model).bind(**settings)
        except TypeError as error:
            raise InvalidTraining(f"model() cannot take the settings {', '.join(settings)}: {error}") from error
        made = self.model(**settings)
        if not isinstance(made, nn.Module):
            raise InvalidTraining(f"model() must make an nn.Module, it made {summary(made)}")
        return made

    def measure(self, model: nn.Module, data: Data, prefix: str) -> dict[str, float]:
        """Loss and metrics over all of `data`, each a mean over examples, the model in eval mode."""
        was_training = model.training
        model.eval()
        sums, count = dict.fromkeys(["loss", *self.metrics], 0.0), 0
        with torch.no_grad():
            for x, y in in_order(data):
                output, target = model(x.to(self.device)), y.to(self.device)
                for name, function in {"loss": self.loss, **self.metrics}.items():
                    sums[name] += float(scalar(function(output, target), name)) * len(x)
                count += len(x)
        model.train(was_training)
        if count == 0:
            raise ValueError(f"{prefix} gave no batch; an iterable of batches must give some each time")
        return {f"{prefix}_{name}": total / count for name, total in sums.items()}


@final
class TaskSession:
    """A declared training under way."""

    def __init__(
        self,
        task: Task,
        model: nn.Module,
        optimizer: Any,
        scheduler: Any,
        batches: Iterator[Any],
        evaluate: set[int],
    ) -> None:
        self._task, self._model, self._batches = task, model, batches
        self._optimizer, self._scheduler = optimizer, scheduler
        self._evaluate, self._last = evaluate, max(evaluate)
        self._step = 0
        model.train()

    def update(self, values: Mapping[str, float]) -> dict[str, float]:
        """One optimizer update; the scheduler already holds these values, by the same policy."""
        x, y = next(self._batches)
        self._optimizer.zero_grad()
        loss = scalar(self._task.loss(self._model(x.to(self._task.device)), y.to(self._task.device)), "loss")
        loss.backward()
        self._optimizer.step()
        self._scheduler.step()
        seen = {"loss": float(loss.detach())}
        if self._step in self._evaluate and self._task.val is not None:
            seen |= self._task.measure(self._model, self._task.val, "val")
        if self._step == self._last and self._task.test is not None:
            seen |= self._task.measure(self._model, self._task.test, "test")
        self._step += 1
        return seen

    def close(self) -> None:
        """Nothing outlives a session."""


def seed_everything(seed: int) -> None:
    """The process's generators, which `drive` restores: a model or a data set may draw from any of them."""
    torch.manual_seed(seed)
    np.random.seed(seed % 2**32)
    random.seed(seed)


def scalar(value: Any, name: str) -> Any:
    if isinstance(value, Tensor) and value.ndim > 0 and value.numel() != 1:
        raise TypeError(f"{name} must be a scalar, got shape {tuple(value.shape)}; reduce it, for example by .mean()")
    return value
