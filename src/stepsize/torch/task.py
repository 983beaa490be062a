"""`Task`: a training declared by its parts, which stepsize runs itself."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from dataclasses import dataclass, field
from typing import Any, final

import torch
from torch import Tensor, nn

from stepsize._codec import summary
from stepsize.errors import InvalidTraining
from stepsize.policy import OPTIMIZERS, Policy
from stepsize.torch.optimizers import build
from stepsize.training import Session, Settings

Loss = Callable[[Any, Any], Tensor]
Metric = Callable[[Any, Any], Any]
Data = Any  # a pair of tensors or arrays, or an iterable of batches

# Examples evaluated at once; only memory depends on it.
EVALUATION_BATCH = 1_000


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

    def __post_init__(self) -> None:
        if not callable(self.model) or not callable(self.loss):
            raise InvalidTraining("model and loss must be callable: model() makes a module, loss(output, y) a scalar")
        for name in ("batch_size", "steps", "evaluations"):
            if not isinstance(getattr(self, name), int) or getattr(self, name) < 1:
                raise InvalidTraining(f"{name} must be a whole number, at least 1; got {summary(getattr(self, name))}")
        if self.optimizer not in OPTIMIZERS:
            raise InvalidTraining(f"optimizer must be one of {', '.join(OPTIMIZERS)}; got {summary(self.optimizer)}")
        for name in ("train", "val", "test"):
            object.__setattr__(self, name, _checked(getattr(self, name), name))
        if self.train is None:
            raise InvalidTraining("train is missing; give a pair (x, y) or an iterable of batches")

    @property
    def metric(self) -> str:
        """What a lower value of means a better training."""
        return "loss" if self.val is None else "val_loss"

    def start(self, policy: Policy, steps: int, seed: int, settings: Settings) -> Session:
        batch_size = settings.get("batch_size", self.batch_size)
        if isinstance(self.train, tuple) and not 1 <= batch_size <= len(self.train[0]):
            raise InvalidTraining(
                f"batch_size must be between 1 and the {len(self.train[0])} training examples, got {batch_size}"
            )
        torch.manual_seed(seed)
        model = self._fresh_model({name: value for name, value in settings.items() if name != "batch_size"})
        model.to(self.device)
        named = policy if policy.optimizer else Policy(policy.lr, self.optimizer, **dict(policy.settings))
        optimizer, scheduler = build(named, model)
        batches = _batches(self.train, batch_size, torch.Generator().manual_seed(seed))
        return TaskSession(self, model, optimizer, scheduler, batches, _evaluation_steps(steps, self.evaluations))

    def _fresh_model(self, settings: dict[str, Any]) -> nn.Module:
        if isinstance(self.model, nn.Module):
            if settings:
                raise InvalidTraining(f"model is one module, so it cannot take {', '.join(settings)}; give a function")
            return copy.deepcopy(self.model)
        try:
            inspect.signature(self.model).bind(**settings)
        except TypeError as error:
            raise InvalidTraining(f"model() cannot take the settings {', '.join(settings)}: {error}") from error
        return self.model(**settings)

    def measure(self, model: nn.Module, data: Data, prefix: str) -> dict[str, float]:
        """Loss and metrics over all of `data`, each a mean over examples, the model in eval mode."""
        was_training = model.training
        model.eval()
        sums, count = dict.fromkeys(["loss", *self.metrics], 0.0), 0
        with torch.no_grad():
            for x, y in _in_order(data):
                output, target = model(x.to(self.device)), y.to(self.device)
                for name, function in {"loss": self.loss, **self.metrics}.items():
                    sums[name] += float(_scalar(function(output, target), name)) * len(x)
                count += len(x)
        model.train(was_training)
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
        loss = _scalar(self._task.loss(self._model(x.to(self._task.device)), y.to(self._task.device)), "loss")
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


def _checked(data: Data, name: str) -> Data:
    """Data as a pair of tensors, or as the iterable it is."""
    if data is None:
        return None
    if isinstance(data, tuple | list) and len(data) == 2 and all(hasattr(part, "__len__") for part in data):
        x, y = (torch.as_tensor(part) for part in data)
        if len(x) != len(y):
            raise InvalidTraining(f"{name} has {len(x)} inputs but {len(y)} targets; they must match")
        if len(x) == 0:
            raise InvalidTraining(f"{name} is empty; give at least one example")
        return x, y
    if isinstance(data, Iterable) and not isinstance(data, Iterator):
        if isinstance(data, Sized) and len(data) == 0:
            raise InvalidTraining(f"{name} is empty; give at least one batch")
        return data
    raise InvalidTraining(
        f"{name} must be a pair (x, y) or an iterable of batches that can be repeated; got {summary(data)}"
    )


def _batches(data: Data, batch_size: int, generator: torch.Generator) -> Iterator[Any]:
    """Batches without end: each pass in a new random order, whole batches only."""
    while True:
        if not isinstance(data, tuple):
            batch = None
            for batch in data:
                yield batch
            if batch is None:
                raise ValueError("train gave no batch; an iterable of batches must give some each time")
            continue
        x, y = data
        order = torch.randperm(len(x), generator=generator)
        for begin in range(0, len(x) - batch_size + 1, batch_size):
            chosen = order[begin : begin + batch_size]
            yield x[chosen], y[chosen]


def _in_order(data: Data) -> Iterator[Any]:
    if not isinstance(data, tuple):
        yield from data
        return
    x, y = data
    yield from zip(x.split(EVALUATION_BATCH), y.split(EVALUATION_BATCH), strict=True)


def _evaluation_steps(steps: int, times: int) -> set[int]:
    """The first update, the last, and evenly between."""
    return {0, *(round((i + 1) * steps / times) - 1 for i in range(times)), steps - 1} - {-1}


def _scalar(value: Any, name: str) -> Any:
    if isinstance(value, Tensor) and value.ndim > 0 and value.numel() != 1:
        raise TypeError(f"{name} must be a scalar, got shape {tuple(value.shape)}; reduce it, for example by .mean()")
    return value
