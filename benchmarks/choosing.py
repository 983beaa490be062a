"""How good are the rates that `find` and `tune` choose? Real data, real training, the truth from a grid.

For every task and optimizer a grid of rates is trained at full length; the regret of a choice is the share of
the achievable gain that it forgoes: (its loss - the best on the grid) / (the loss before training - the best).
Each choice is trained afresh, with seeds that neither the grid nor the search has used. A negative regret is
a choice between two points of the grid, or luck. `find` and `tune` run with their defaults, once for each seed.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

import stepsize as ss
from stepsize.demo.mnist import make_task
from stepsize.torch import Task

GRID = {"adamw": np.arange(-5, 0.1, 0.5), "momentum": np.arange(-4, 1.1, 0.5)}
DEFAULT = {"adamw": 1e-3, "momentum": 1e-1}
FRESH = (500, 501, 502)


def digits(optimizer: str, steps: int) -> Task:
    """8 x 8 digits and a perceptron with one hidden layer."""
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    inputs, classes = torch.tensor(x[order] / 16, dtype=torch.float32), torch.tensor(y[order])
    return Task(
        _perceptron,
        nn.functional.cross_entropy,
        train=(inputs[:1200], classes[:1200]),
        val=(inputs[1200:], classes[1200:]),
        steps=steps,
        optimizer=optimizer,
    )


def _perceptron() -> nn.Module:
    return nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))


def images(optimizer: str, steps: int) -> Task:
    """MNIST-5k and the demo's convolutional network, without its test set."""
    made = make_task(steps)
    return Task(made.model, made.loss, made.train, made.val, steps=steps, optimizer=optimizer)


TASKS: dict[str, Callable[[str, int], Task]] = {"digits MLP": digits, "MNIST-5k CNN": images}


def loss_at(task: Task, rate: float, seeds: tuple[int, ...]) -> list[float]:
    """The validation loss at the end, for each seed; the loss before training where it diverged or was worse."""
    lr = ss.warmup_cosine(rate, task.steps, max(1, round(0.05 * task.steps)))
    runs = [ss.drive(task, ss.Policy(lr, task.optimizer), task.steps, seed) for seed in seeds]
    return [min(run.final("val_loss"), START) for run in runs]


START = float(np.log(10))


def measure(task: Task, seeds: int) -> dict[str, list[tuple[float, float]]]:
    """For each way of choosing, the rate and the regret of every choice."""
    grid = {rate: float(np.mean(loss_at(task, 10**rate, (100, 101)))) for rate in GRID[task.optimizer]}
    best = min(grid.values())

    def regret(rate: float) -> tuple[float, float]:
        return rate, (float(np.median(loss_at(task, rate, FRESH))) - best) / (START - best)

    found = [ss.find(task, seed=10 * seed) for seed in range(seeds)]
    tuned = [ss.tune(task, seed=10 * seed) for seed in range(seeds)]
    return {
        f"default {DEFAULT[task.optimizer]:g}": [regret(DEFAULT[task.optimizer])],
        "find": [regret(range_.suggestion if range_.informative else DEFAULT[task.optimizer]) for range_ in found],
        "tune, budget 4": [regret(study.rate) for study in tuned],
        "best of the grid": [regret(10 ** min(grid, key=lambda rate: grid[rate]))],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3, help="of find and tune")
    parser.add_argument("--steps", type=int, default=300, help="of a full run")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(1)
    results = {}
    for name, make in TASKS.items():
        for optimizer in GRID:
            results[f"{name}, {optimizer}"] = measure(make(optimizer, given.steps), given.seeds)
    if given.json:
        print(json.dumps(results))
        return
    for name, ways in results.items():
        print(name)
        for way, choices in ways.items():
            rates = " ".join(f"{rate:.2g}" for rate, _ in choices)
            regrets = [regret for _, regret in choices]
            spread = f"{np.median(regrets):6.1%}  ({min(regrets):.1%} to {max(regrets):.1%})"
            print(f"  {way:<18} regret {spread:<28} rates {rates}")


if __name__ == "__main__":
    main()
