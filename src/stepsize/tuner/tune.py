"""`tune`: find the learning-rate policy of a training, with evidence."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stepsize.engine import Engine, as_engine
from stepsize.errors import InvalidSpace
from stepsize.run.store import Ledger, delete
from stepsize.schedule import Schedule
from stepsize.training import as_training
from stepsize.tuner.conductor import Conductor
from stepsize.tuner.order import Order, differences, order
from stepsize.tuner.progress import Progress, Silence
from stepsize.tuner.study import Study


def tune(
    training: Any,
    budget: float = 4.0,
    steps: int | None = None,
    *,
    metric: str | None = None,
    optimizer: str | None = None,
    schedule: str | Schedule | None = None,
    low: float | None = None,
    high: float | None = None,
    widen: bool = True,
    space: Mapping[str, Any] | None = None,
    sampler: Any = "surface",
    prior: Any = None,
    seed: int = 0,
    out: str | os.PathLike[str] | None = None,
    resume: bool = False,
    overwrite: bool = False,
    name: str | None = None,
    progress: Progress | None = None,
    engine: str | Engine = "local",
    workers: int | None = None,
    parallel: int = 1,
) -> Study:
    """Find the learning-rate policy of a training.

    Short runs, each with its own complete schedule, bracket the best peak rate; longer ones show how it
    moves with the horizon; the rate of least expected cost is confirmed at full length. The same training,
    arguments and seed give the same decisions, also through a kill and a resume.

    Args:
        training: a generator function or a Task.
        budget: what may be spent, in full-run equivalents (at least 1; from 2 on the answer is confirmed
            at full length).
        steps: optimizer updates of a full run; a Task knows its own.
        metric: what to minimise at the end of a run; by default `val_loss` where it is reported, else
            `loss`.
        optimizer: for a Task, the optimizer to tune; for a generator, the name of the one it has, which
            tells where good rates are to be expected.
        schedule: "warmup_cosine" (where the training says no other), "warmup_linear", "wsd", "constant", or a
            Schedule, that is scaled to each peak and stretched to each length; one with durations,
            `wsd(1.0, "100%", "5%", "20%")`, is put over each length instead.
        low, high: bounds of the peak learning rate; by default four decades each way from what is usual.
        widen: the bounds may be left, by two decades at most, where the best rate seems to lie beyond them.
        space: what else may vary, searched jointly with the rate: `{"weight_decay": (1e-4, 0.3),
            "warmup": (0.0, 0.2), "batch_size": [32, 64, 128]}`; a tuple is a range, a list are choices, and
            `when` makes either conditional.
        sampler: who proposes the settings of the space: "surface" (ours), "random", or with the extra `tune`
            "tpe", "gp", "cma", "qmc" or a sampler of Optuna. The rate is tuned anew for each proposal.
        prior: what is known beforehand: a rate and its uncertainty in decades, `(3e-4, 0.5)`, or an Optuna
            study, whose best trials say where to look and what to try first.
        seed: of the runs.
        out: the file that keeps the study (SQLite), safe against a kill at any moment; None keeps it in
            memory.
        resume: go on with the study in `out`, if there is one; its budget may be raised.
        overwrite: start over where `out` holds a study; it is deleted once the arguments are known to be good.
        name: of the training, kept with the study.
        progress: told how it gets on.
        engine: where the runs are made: "local" (this process), "process" (several processes of this machine),
            "lanes" (the runs of a Task side by side), "ray" (a Ray cluster), or an Engine of your own, which stays
            open. The decisions are the same on each.
        workers: runs at once at most, for an engine that is named; by default what there is room for.
        parallel: runs that the search asks for at once where it need not wait; more of them finish sooner on
            an engine that makes several at once, and each is chosen knowing a little less.
    Raises:
        InvalidSpace: an argument makes no sense, or `out` holds a study and `resume` is not set.
        InvalidTraining: the training cannot be started.
        EngineError: a run failed, or no rate gave a finite loss; what was measured is in the study.

    >>> import stepsize as ss
    >>> def training(seed):
    ...     x, lr = 1.0, (yield)
    ...     while True:
    ...         x -= lr * x
    ...         lr = yield x * x
    >>> study = ss.tune(training, budget=2, steps=80)
    >>> 0.05 < study.rate < 2
    True
    """
    door = as_training(training)
    optimizer = optimizer or getattr(training, "optimizer", None)
    steps = getattr(training, "steps", None) if steps is None else steps
    if steps is None:
        raise InvalidSpace("steps is missing: how many optimizer updates has a full run?")
    metric = metric or getattr(training, "metric", None) or ""
    label = name or str(getattr(training, "__name__", type(training).__name__))
    asked = order(
        label,
        metric,
        steps=steps,
        budget=budget,
        optimizer=optimizer,
        schedule=schedule or getattr(training, "schedule", None) or "warmup_cosine",
        low=low,
        high=high,
        widen=widen,
        space=space,
        sampler=sampler,
        prior=prior,
        seed=seed,
        batch_size=getattr(training, "batch_size", None),
        fixed=getattr(training, "fixed_length", False),
        parallel=parallel,
    )
    place = as_engine(engine, **({} if workers is None else {"workers": workers}))
    if overwrite and out is not None:
        delete(out)
    ledger = Ledger(out)
    try:
        asked = _opened(ledger, asked, resume)
        with _closed_after(place, isinstance(engine, str)):
            conductor = Conductor(asked, ledger, progress or Silence(), door, place)
            decision = conductor.conduct()
        return Study(tuple(conductor.runs), conductor.order, decision, None if out is None else Path(out))
    finally:
        ledger.close()


@contextmanager
def _closed_after(engine: Engine, named: bool) -> Iterator[None]:
    """An engine that was only named is closed in the end."""
    try:
        yield
    finally:
        if named:
            engine.close()


def _opened(ledger: Ledger, asked: Order, resume: bool) -> Order:
    """The order to carry out: the one asked for, once the ledger is known to be made for it."""
    document = ledger.note("order")
    runs = ledger.count()
    if document is None or runs == 0:
        ledger.write_note("order", asked.document())
        return asked
    kept = Order.from_document(document)
    if not resume:
        raise InvalidSpace(
            f"{ledger.path} holds a study of {runs} runs already; resume it (--resume), start over (--force), "
            "or choose another place"
        )
    # The metric may have been left to the first run to tell.
    completed = asked if asked.metric else Order(asked.training, kept.metric, asked.plan, asked.recipe)
    if different := differences(completed, kept):
        raise InvalidSpace(f"{ledger.path} was made for another search: {'; '.join(different)}")
    ledger.write_note("order", completed.document())
    return completed
