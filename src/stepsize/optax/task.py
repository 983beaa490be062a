"""`Task`: a training declared by its parts in JAX, which stepsize runs itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, final

import numpy as np

from stepsize._codec import summary
from stepsize.declared import check_declared, checked_batch_size, evaluation_steps, with_optimizer
from stepsize.errors import InvalidTraining
from stepsize.job import Job
from stepsize.optax.data import Data, Order, checked, size
from stepsize.optax.form import Form, Table
from stepsize.optax.functions import Function, begun
from stepsize.optax.lanes import side_by_side
from stepsize.optax.program import Carry, Compiled, Program, Source
from stepsize.optax.seeds import keys
from stepsize.policy import Policy
from stepsize.run import Run
from stepsize.training import Session, Settings


@final
@dataclass(frozen=True, eq=False)
class Task:
    """A supervised training in JAX: how it starts, what it minimises, on what, and what to measure.

    Every run starts from what `init` makes, so nothing of yours is changed. Validation is measured after
    the first update, at about `evaluations` points along the run, and after the last. What is compiled is
    compiled once for all rates, schedules, numeric settings, seeds and lengths.

    A loss or a metric may take further arguments, each asked for by its name: `key`, for dropout and the
    like, new in each update and None when measured; `training`, True in an update; and `state`, what changes
    in an update but is not learned, such as the statistics of BatchNorm. With `state`, `init` returns
    `(params, state)`, and the loss `(loss, state)`.

    Args:
        init: `init(key)` makes the parameters, a tree of arrays; it may take settings that are searched,
            such as `width`. The key is the first of `jax.random.split(jax.random.key(seed))`.
        loss: `loss(params, x, y)`, a scalar to minimise, a mean over the batch.
        train: `(x, y)`, each an array or a tree of arrays with one entry an example.
        val: the same kind of data, for choosing; its loss is `val_loss`.
        test: the same kind of data, for reporting; measured once, at the end of a run, as `test_loss`.
        batch_size: examples an update.
        steps: optimizer updates of a full run.
        optimizer: used when a policy names none.
        metrics: further `metric(params, x, y)`, means over examples, reported as `val_NAME`.
        evaluations: how often validation is measured.
    Raises:
        InvalidTraining: a part does not fit; the message names it.

    >>> import jax.numpy as jnp, stepsize as ss
    >>> x = jnp.linspace(-1, 1, 64)
    >>> task = Task(init=lambda key: {"slope": jnp.zeros(())},
    ...             loss=lambda params, x, y: jnp.mean((params["slope"] * x - y) ** 2),
    ...             train=(x, 2 * x), val=(x, 2 * x), batch_size=16, steps=50, optimizer="sgd")
    >>> ss.drive(task, 0.5, steps=50).final("val_loss") < 1e-3
    True
    """

    init: Callable[..., Any]
    loss: Callable[..., Any]
    train: Data
    val: Data = None
    test: Data = None
    batch_size: int = 64
    steps: int = 1_000
    optimizer: str = "adamw"
    metrics: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    evaluations: int = 10
    compiled: Compiled = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not callable(self.init):
            raise InvalidTraining(
                f"init must be a function of a key that makes the parameters; got {summary(self.init)}"
            )
        loss = Function(self.loss, "loss", moves=True)
        metrics = {name: Function(metric, name) for name, metric in self.metrics.items()}
        object.__setattr__(self, "compiled", Compiled(loss, metrics))
        check_declared(self)
        for name in ("train", "val", "test"):
            object.__setattr__(self, name, checked(getattr(self, name), name))
        if self.train is None:
            raise InvalidTraining("train is missing; give a pair (x, y)")

    @property
    def metric(self) -> str:
        """What a lower value of means a better training."""
        return "loss" if self.val is None else "val_loss"

    def start(self, policy: Policy, steps: int, seed: int, settings: Settings) -> Session:
        return self.session(self.named(policy), seed, settings, self.measured_after(steps), steps - 1)

    def session(self, policy: Policy, seed: int, settings: Settings, measured: set[int], last: int) -> TaskSession:
        """A run measured after the updates `measured`, and on the test data after the `last`."""
        form = Form.of([policy])
        program = self.compiled.program(form)
        order = self.order(seed, settings)
        params, state = self.begun(seed, settings)
        carry = program.begin(params, state, form.table(policy, 0, 1)[0])
        make = partial(form.line, policy)
        return TaskSession(self, program, make, carry, order, keys(seed)[1], measured, last)

    def lanes(self, jobs: Sequence[Job], watch: Callable[[int, int], None]) -> Iterator[tuple[int, Run | str]]:
        """Make the runs of the jobs side by side, as `SideBySide` says."""
        return side_by_side(self, jobs, watch)

    def named(self, policy: Policy) -> Policy:
        """The policy, with the task's own optimizer if it names none."""
        return with_optimizer(policy, self.optimizer)

    def begun(self, seed: int, settings: Settings) -> tuple[Any, Any]:
        """The parameters and the state of a fresh run."""
        own = {name: value for name, value in settings.items() if name != "batch_size"}
        return begun(self.init, keys(seed)[0], own, self.compiled.loss.moves)

    def order(self, seed: int, settings: Settings) -> Order:
        """Which examples each update of a run sees."""
        return Order(size(self.train), self.batch(settings), seed)

    def batch(self, settings: Settings) -> int:
        """Examples an update of a run with these settings."""
        return checked_batch_size(settings.get("batch_size", self.batch_size), size(self.train))

    def measured_after(self, steps: int) -> set[int]:
        """The updates of a run after which something is measured: the first, the last, and evenly between."""
        if self.val is None:
            return {steps - 1}
        return evaluation_steps(steps, self.evaluations)


@final
class TaskSession:
    """A declared training under way."""

    def __init__(
        self,
        task: Task,
        program: Program,
        line: Callable[[Mapping[str, float]], Table],
        carry: Carry,
        order: Order,
        key: Any,
        measured: set[int],
        last: int,
    ) -> None:
        self._task, self._program, self._line = task, program, line
        self._carry, self._order, self._key = carry, order, key
        self._measured, self._last = measured, last
        self._step = 0

    def update(self, values: Mapping[str, float]) -> dict[str, float]:
        """One optimizer update with these values."""
        step, task = self._step, self._task
        source = Source(self._order.rows(step, 1)[0], self._key)
        self._carry, loss = self._program.step(self._carry, self._line(values), source, np.int32(step), task.train)
        seen = {"loss": float(loss)}
        if step in self._measured and task.val is not None:
            seen |= task.compiled.measure.one(self._carry, task.val, "val")
        if step == self._last and task.test is not None:
            seen |= task.compiled.measure.one(self._carry, task.test, "test")
        self._step += 1
        return seen

    def close(self) -> None:
        """Nothing outlives a session."""
