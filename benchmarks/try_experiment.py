"""How often the answer of the cheap experiment (`stepsize diagnose --try`) agrees with full-length runs.

    python benchmarks/try_experiment.py [--networks digits wine] [--steps 600] [--seeds 3] [--json]

Real data out of scikit-learn, small networks written in NumPy; SGD with momentum and Adam; warmup and cosine, and a
constant rate. For each of these the truth comes from full runs at rates half a decade apart, by the median loss over
the seeds on data held out: a rate is good where it gives away at most 2 % of what can be gained, else too low or too
high. Then the experiment is asked at every rate, with seeds of its own. Rates at which the training diverges or learns
nothing are counted beside the others: a log alone tells these.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache, partial
from itertools import pairwise
from typing import Any

import numpy as np
from sklearn import datasets

import stepsize as ss
from stepsize.diagnosis.experiment import try_rates

Data = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]

GIVEN_AWAY = 0.02
BATCH = 32


@cache
def data(name: str) -> Data:
    """Standardised, shuffled, a fifth held out; classes as columns of 0 and 1."""
    x, y = getattr(datasets, f"load_{name.partition(' ')[0]}")(return_X_y=True)
    x = (x - x.mean(0)) / (x.std(0) + 1e-8)
    dice = np.random.default_rng(0)
    order = dice.permutation(len(x))
    x, y = x[order], y[order]
    if name.startswith("diabetes"):
        y = (y[:, np.newaxis] - y.mean()) / y.std()
    else:
        y = np.where(dice.random(len(y)) < 0.4, dice.permutation(y), y) if name.endswith("noisy") else y
        y = np.eye(y.max() + 1)[y]
    cut = len(x) * 4 // 5
    return x[:cut], y[:cut], x[cut:], y[cut:]


def network(seed: int, steps: int, source: str, widths: tuple[int, ...], adam: bool) -> Iterator[Any]:
    """A perceptron; it looks at the data held out after the last update."""
    x, y, held_x, held_y = data(source)
    dice = np.random.default_rng(seed)
    sizes = [x.shape[1], *widths, y.shape[1]]
    weights = [dice.normal(0, math.sqrt(2 / a), (a, b)) for a, b in pairwise(sizes)]
    weights += [np.zeros(b) for b in sizes[1:]]
    first, second = [0 * w for w in weights], [0 * w for w in weights]
    lr = yield
    for step in range(1, steps + 1):
        rows = dice.integers(0, len(x), BATCH)
        loss, gradients = learned(weights, x[rows], y[rows])
        for w, m, v, g in zip(weights, first, second, gradients, strict=True):
            m *= 0.9
            m += 0.1 * g if adam else g
            if adam:
                v *= 0.999
                v += 0.001 * g * g
                w -= lr * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8)
            else:
                w -= lr * m
        lr = yield {"loss": loss, **({"val_loss": learned(weights, held_x, held_y)[0]} if step == steps else {})}


def learned(weights: list[np.ndarray], x: np.ndarray, y: np.ndarray) -> tuple[float, list[np.ndarray]]:
    """The loss, cross-entropy or half a square, and its gradients."""
    layers = len(weights) // 2
    seen = [x]
    for layer in range(layers):
        x = x @ weights[layer] + weights[layers + layer]
        x = np.maximum(x, 0) if layer < layers - 1 else x
        seen.append(x)
    if y.shape[1] == 1:
        error = (x - y) / len(x)
        loss = float(0.5 * np.mean((x - y) ** 2))
    else:
        x = x - x.max(1, keepdims=True)
        logs = x - np.log(np.exp(x).sum(1, keepdims=True))
        error, loss = (np.exp(logs) - y) / len(x), float(-np.mean((y * logs).sum(1)))
    down, up = [], []
    for layer in reversed(range(layers)):
        down.append(seen[layer].T @ error)
        up.append(error.sum(0))
        error = (error @ weights[layer].T) * (seen[layer] > 0)
    return loss, [*reversed(down), *reversed(up)]


NETWORKS = {
    "digits": ("digits", (32,)),
    "digits softmax": ("digits", ()),
    "digits deep": ("digits", (32, 32, 32, 32)),
    "digits noisy": ("digits noisy", (64,)),
    "breast cancer": ("breast_cancer", (16,)),
    "diabetes": ("diabetes", (32,)),
    "wine": ("wine", (8,)),
}
SCHEDULES: dict[str, Callable[[float], ss.Schedule | float]] = {
    "cosine": lambda peak: ss.warmup_cosine(peak, "100%", "5%"),
    "constant": float,
}
RATES = {False: [10 ** (k / 2) for k in range(-8, 2)], True: [10 ** (k / 2) for k in range(-9, 1)]}


def cells(networks: list[str]) -> Iterator[tuple[str, Any, Callable[[float], Any], list[float]]]:
    """Each training with a schedule and the rates to ask about."""
    for name in networks:
        source, widths = NETWORKS[name]
        for adam in (False, True):
            for schedule, plan in SCHEDULES.items():
                training = partial(network, source=source, widths=widths, adam=adam)
                yield f"{name}, {'Adam' if adam else 'momentum'}, {schedule}", training, plan, RATES[adam]


def truths(runs: dict[float, list[ss.Run]]) -> dict[float, str]:
    """Whether each rate is too low, good or too high, by full runs."""
    ends = {rate: statistics.median(run.final("val_loss") for run in of_rate) for rate, of_rate in runs.items()}
    best = min(ends, key=lambda rate: ends[rate])
    gain = statistics.median(run.loss[0] for of_rate in runs.values() for run in of_rate) - ends[best]
    return {
        rate: "good" if end - ends[best] <= GIVEN_AWAY * gain else "too_low" if rate < best else "too_high"
        for rate, end in ends.items()
    }


def asked(name: str, training: Any, plan: Callable[[float], Any], rates: list[float], steps: int, seeds: int) -> Any:
    """The truth and the answer at each rate of one cell."""
    runs = {rate: [ss.drive(training, plan(rate), steps, seed) for seed in range(seeds)] for rate in rates}
    truth = truths(runs)
    for rate in rates:
        found = try_rates(training, runs[rate][0], steps=steps, factor=math.sqrt(10), seeds=seeds, seed=100)
        losses = [[loss if math.isfinite(loss) else None for loss in ends] for ends in found.losses.values()]
        yield {
            "cell": name,
            "rate": rate,
            "truth": truth[rate],
            "answer": found.verdict,
            "cost": found.cost,
            "losses": losses,
            "diverged": any(run.outcome == "diverged" for run in runs[rate]),
        }


def told(rows: list[dict[str, Any]]) -> str:
    """The confusion, and how often each answer is right."""
    kinds = ("too_low", "good", "too_high", "undecided")
    seen = Counter((row["truth"], row["answer"]) for row in rows)
    lines = [f"{len(rows)} rates; answer:{'':<6}" + "".join(f"{kind:>11}" for kind in kinds)]
    for truth in kinds[:3]:
        lines.append(f"  in truth {truth:<12}" + "".join(f"{seen[truth, answer]:>11}" for answer in kinds))
    given = [row for row in rows if row["answer"] != "undecided"]
    right = sum(row["answer"] == row["truth"] for row in given)
    wrong_way = sum({row["truth"], row["answer"]} == {"too_low", "too_high"} for row in given)
    for answer in kinds[:3]:
        said = sum(seen[truth, answer] for truth in kinds[:3])
        lines.append(f"  {answer}: right {seen[answer, answer]} times of {said}")
    cost = statistics.mean(row["cost"] for row in rows)
    lines.append(f"  right {right} of {len(given)} answers, the wrong way {wrong_way}; cost {cost:.2f} full runs")
    return "\n".join(lines)


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS), choices=NETWORKS)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    np.seterr(all="ignore")  # what diverges overflows
    rows = []
    for cell in cells(chosen.networks):
        rows += list(asked(*cell, chosen.steps, chosen.seeds))
        print(cell[0], file=sys.stderr, flush=True)
    if chosen.json:
        print(json.dumps({"schema": 1, "rows": rows}))
        return
    print("all:", told(rows))
    print("where no full run diverged:", told([row for row in rows if not row["diverged"]]))


if __name__ == "__main__":
    main()
