"""Optimizer, rate and all other settings chosen together, at an equal budget: ours beside Optuna and chance.

Every search may spend the same full-run equivalents: ours with its response surface, ours with Optuna's TPE for
the settings, TPE over the rate and all settings at once (full runs, and with Hyperband, which stops what looks
bad), and random search. The peers get the usual wide range of rates. What each chooses is trained again from two
seeds that no search has used; the table has the median over the searches' seeds and the span from the first
quartile to the third, of the validation loss, which was searched, and of the test loss, which was not.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import optuna
import torch
from sklearn.datasets import load_digits
from torch import nn

import stepsize as ss
from stepsize.demo.mnist import digits
from stepsize.job import Job
from stepsize.torch import Task
from stepsize.tuner.optuna.forms import suggested
from stepsize.tuner.space import Pairs, parse_space
from stepsize.tuner.trial import Recipe, Trial

FRESH = (500, 501)
RATES = (1e-5, 1.0)
SPACE: dict[str, Any] = {
    "optimizer": ["adamw", "momentum"],
    "momentum": (0.5, 0.99),
    "weight_decay": (1e-5, 1.0),
    "warmup": (0.0, 0.3),
    "batch_size": [16, 32, 64, 128],
}


def mnist(steps: int) -> Task:
    """MNIST-5k: 1,500 images to train on, a perceptron."""
    x, y = digits()

    def model() -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10))

    train, val, test = (slice(0, 1_500), slice(3_000, 4_000), slice(4_000, None))
    return _task(model, x, y, (train, val, test), steps)


def small_digits(steps: int) -> Task:
    """The 8 x 8 digits of scikit-learn; the width and the dropout are searched too."""
    images, classes = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(images))
    x, y = torch.tensor(images[order] / 16, dtype=torch.float32), torch.tensor(classes[order])

    def model(width: int = 32, dropout: float = 0.0) -> nn.Module:
        return nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Dropout(dropout), nn.Linear(width, 10))

    return _task(model, x, y, (slice(0, 600), slice(600, 1_200), slice(1_200, None)), steps)


def _task(model: Callable[..., nn.Module], x: Any, y: Any, parts: tuple[slice, slice, slice], steps: int) -> Task:
    train, val, test = ((x[part], y[part]) for part in parts)
    loss = nn.functional.cross_entropy
    return Task(model, loss, train, val, test, batch_size=64, steps=steps, optimizer="adamw", evaluations=4)


TASKS: dict[str, tuple[Callable[[int], Task], Mapping[str, Any]]] = {
    "MNIST-5k": (mnist, SPACE),
    "digits": (small_digits, {**SPACE, "width": (8, 128), "dropout": (0.0, 0.5)}),
}


def ours(task: Task, space: Mapping[str, Any], budget: float, seed: int, sampler: str) -> tuple[float, Pairs]:
    """Log10 of the rate, and the settings."""
    study = ss.tune(task, budget, space=space, seed=seed, sampler=sampler)
    return study.decision.rate, study.decision.settings


def peer(
    task: Task, space: Mapping[str, Any], budget: float, seed: int, sampler: Any, pruner: Any
) -> tuple[float, Pairs]:
    """The best trial of Optuna over everything at once; a divergence is a large loss, which helps its samplers."""
    parsed, recipe, spent, found = parse_space(space), Recipe("warmup_cosine", None, task.batch_size), 0.0, []
    study = optuna.create_study(sampler=sampler, pruner=pruner)
    while spent <= budget - (1.0 if pruner is None else 0.2):
        asked = study.ask()
        rate = float(np.log10(asked.suggest_float("lr", *RATES, log=True)))
        trial = Trial(rate, task.steps, seed, suggested(parsed, asked))
        value, cost, whole = _run(task, recipe, trial, asked if pruner else None)
        spent += cost
        study.tell(asked, *([value] if whole else [None, optuna.trial.TrialState.PRUNED]))
        if whole:
            found.append((value, rate, trial.settings))
    return min(found)[1:]


def _run(task: Task, recipe: Recipe, trial: Trial, asked: Any) -> tuple[float, float, bool]:
    """Its loss (the large one of a divergence), its cost, and whether it ran to its end."""
    job = Job(recipe.policy(trial), recipe.steps(trial), trial.seed, recipe.settings(trial))

    def watch(step: int, seen: dict[str, float]) -> bool:
        if asked is None or "val_loss" not in seen:
            return True
        asked.report(seen["val_loss"], round(10 * recipe.spent(trial, step + 1) / trial.steps))
        return not asked.should_prune()

    run = ss.drive(task, job.policy, job.steps, job.seed, job.settings, watch)
    cost = recipe.spent(trial, run.updates) / trial.steps
    loss = run.final("val_loss") if run.outcome == "finished" else float("inf")
    return min(loss, 10.0), cost, run.outcome != "stopped"


METHODS: dict[str, Callable[[Task, Mapping[str, Any], float, int], tuple[float, Pairs]]] = {
    "ours": lambda t, s, b, seed: ours(t, s, b, seed, "surface"),
    "ours, TPE outside": lambda t, s, b, seed: ours(t, s, b, seed, "tpe"),
    "TPE over all": lambda t, s, b, seed: peer(t, s, b, seed, _tpe(seed), None),
    "TPE + Hyperband": lambda t, s, b, seed: peer(
        t, s, b, seed, _tpe(seed), optuna.pruners.HyperbandPruner(min_resource=2, max_resource=10)
    ),
    "random": lambda t, s, b, seed: peer(t, s, b, seed, optuna.samplers.RandomSampler(seed=seed), None),
}


def _tpe(seed: int) -> Any:
    return optuna.samplers.TPESampler(seed=seed, multivariate=True, group=True)


def judged(task: Task, rate: float, settings: Pairs) -> tuple[float, float]:
    """Validation and test loss of a choice, trained again: means over fresh seeds."""
    recipe = Recipe("warmup_cosine", task.optimizer, task.batch_size)
    ends = []
    for seed in FRESH:
        trial = Trial(rate, task.steps, seed, settings)
        run = ss.drive(task, recipe.policy(trial), recipe.steps(trial), seed, recipe.settings(trial))
        ends.append([min(run.final(name), 10.0) if name in run.columns else 10.0 for name in ("val_loss", "test_loss")])
    val, test = np.mean(ends, axis=0)
    return float(val), float(test)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--budget", type=float, default=6.0, help="full-run equivalents of each search")
    parser.add_argument("--steps", type=int, default=150, help="updates of a full run, of 64 examples each")
    parser.add_argument("--tasks", nargs="*", default=list(TASKS), choices=list(TASKS))
    parser.add_argument("--methods", nargs="*", default=list(METHODS), choices=list(METHODS))
    given = parser.parse_args()
    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    print(f"budget {given.budget:g} full runs of {given.steps} updates, {given.seeds} seeds: median (quartiles)")
    for name in given.tasks:
        make, space = TASKS[name]
        for method in given.methods:
            begun, task = time.process_time(), make(given.steps)
            ends = np.array(
                [judged(task, *METHODS[method](task, space, given.budget, seed)) for seed in range(given.seeds)]
            )
            low, middle, high = np.quantile(ends, (0.25, 0.5, 0.75), axis=0)
            columns = [f"{middle[i]:.4f} ({low[i]:.4f}-{high[i]:.4f})" for i in (0, 1)]
            print(
                f"{name:9} {method:18} val {columns[0]}  test {columns[1]}  {time.process_time() - begun:4.0f} CPU s",
                flush=True,
            )


if __name__ == "__main__":
    main()
