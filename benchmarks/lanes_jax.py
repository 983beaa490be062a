"""Rates side by side in JAX: 64 runs as lanes beside 64 runs one after another, what is compiled counted.

The runs are those of `stepsize.optax.Task`: AdamW, warmup and cosine, measured ten times. *Alone* is each by
`drive`, an update at a time under `jit`; *by hand* is the same loop as one would write it without stepsize,
also under `jit`, with nothing measured or noted. Each contender is compiled afresh in its first round, and
its compile time is that round less the median of the others.

    python benchmarks/lanes_jax.py --rounds 5
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

import stepsize as ss
from stepsize.job import Job
from stepsize.optax import Task
from stepsize.optax.data import Order
from stepsize.optax.group import Group, Lane
from stepsize.optax.lanes import side_by_side
from stepsize.optax.layout import chosen
from stepsize.optax.seeds import keys

EXAMPLES = 2_000
LOW, HIGH = 1e-4, 1e-1
# name -> inputs, hidden units, classes, batch
MODELS = {"64-64-10": (64, 64, 10, 64), "784-128-10": (784, 128, 10, 128)}

Runs = dict[int, Any]


def network(inputs: int, hidden: int, classes: int, batch: int, steps: int) -> Task:
    """A perceptron on random digits of a random teacher."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(EXAMPLES, inputs)).astype(np.float32)
    y = (x @ rng.normal(size=(inputs, classes))).argmax(axis=1).astype(np.int32)

    def init(key: Any) -> Any:
        first, second = jax.random.split(key)
        return {
            "w1": jax.random.normal(first, (inputs, hidden)) * (2 / inputs) ** 0.5,
            "b1": jnp.zeros(hidden),
            "w2": jax.random.normal(second, (hidden, classes)) * (2 / hidden) ** 0.5,
            "b2": jnp.zeros(classes),
        }

    def loss(params: Any, x: Any, y: Any) -> Any:
        scores = jax.nn.relu(x @ params["w1"] + params["b1"]) @ params["w2"] + params["b2"]
        return optax.softmax_cross_entropy_with_integer_labels(scores, y).mean()

    held = EXAMPLES // 5
    return Task(init, loss, (x[held:], y[held:]), val=(x[:held], y[:held]), batch_size=batch, steps=steps)


def jobs_of(count: int, steps: int) -> list[Job]:
    curves = [ss.warmup_cosine(float(peak), steps, steps // 20) for peak in np.geomspace(LOW, HIGH, count)]
    return [Job(ss.Policy(lr, "adamw", weight_decay=0.01), steps) for lr in curves]


def alone(task: Task, jobs: Sequence[Job]) -> Runs:
    return {i: ss.drive(task, job.policy, job.steps, job.seed).final("val_loss") for i, job in enumerate(jobs)}


def by_hand(task: Task) -> Callable[[Task, Sequence[Job]], Runs]:
    """One jitted update, its rate passed as a number of the optimizer's state, so that it compiles once."""
    optimizer = optax.inject_hyperparams(optax.adamw)(learning_rate=0.0, weight_decay=0.01)

    @jax.jit
    def update(params: Any, state: Any, x: Any, y: Any) -> Any:
        loss, gradients = jax.value_and_grad(task.loss)(params, x, y)
        updates, state = optimizer.update(gradients, state, params)
        return optax.apply_updates(params, updates), state, loss

    def train(task: Task, jobs: Sequence[Job]) -> Runs:
        losses = {}
        x, y = (np.asarray(part) for part in task.train)
        for index, job in enumerate(jobs):
            params = task.init(keys(job.seed)[0])
            state = optimizer.init(params)
            rows = Order(len(y), task.batch_size, job.seed).rows(0, job.steps)
            for step, rate in enumerate(job.policy.lr(np.arange(job.steps))):
                state.hyperparams["learning_rate"] = np.float32(rate)
                params, state, loss = update(params, state, x[rows[step]], y[rows[step]])
                if step % 10 == 0:
                    float(loss)
            losses[index] = float(loss)
        return losses

    return train


def in_lanes(width: int | None) -> Callable[[Task, Sequence[Job]], Runs]:
    def train(task: Task, jobs: Sequence[Job]) -> Runs:
        runs = dict(side_by_side(task, jobs, lambda index, step: None, width))
        return {
            i: alone(task, [jobs[i]])[0] if isinstance(run, str) else run.final("val_loss") for i, run in runs.items()
        }

    return train


def contenders(model: tuple[int, int, int, int], lanes: int, steps: int) -> dict[str, Callable[[], Runs]]:
    jobs, made = jobs_of(lanes, steps), {}
    # A task each, so that none finds what another has compiled.
    plain = network(*model, steps)
    trainers = {"alone, by drive": alone, "by hand": by_hand(plain), "as the probe chooses": in_lanes(None)}
    trainers |= {f"in lanes of {width}": in_lanes(width) for width in (1, 8, lanes)}
    for name, train in trainers.items():
        task = plain if name == "by hand" else network(*model, steps)
        made[name] = lambda train=train, task=task: train(task, jobs)
    return made


def rounds_of(made: dict[str, Callable[[], Runs]], rounds: int) -> dict[str, list[tuple[float, float]]]:
    """Wall and CPU seconds of each, a first round and `rounds` more; they take turns."""
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in made}
    names = list(made)
    for turn in range(rounds + 1):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            wall, cpu = time.perf_counter(), time.process_time()
            made[name]()
            seconds[name].append((time.perf_counter() - wall, time.process_time() - cpu))
    return seconds


def rows_of(seconds: dict[str, list[tuple[float, float]]], clock: int) -> list[dict[str, Any]]:
    floor = next(iter(seconds.values()))  # alone, by drive
    rows = []
    for name, times in seconds.items():
        own, later = [t[clock] for t in times], [t[clock] for t in times[1:]]
        ratios = [a[clock] / b for a, b in zip(floor[1:], later, strict=True)]
        rows.append(
            {
                "name": name,
                "seconds": statistics.median(later),
                "min": min(later),
                "max": max(later),
                "compile": own[0] - statistics.median(later),
                "speedup": statistics.median(ratios),
                "speedup_min": min(ratios),
                "speedup_max": max(ratios),
                "with_compile": floor[0][clock] / own[0],
            }
        )
    return rows


def table(title: str, rows: list[dict[str, Any]]) -> str:
    head = f"  {'':<24}{'seconds':>10}{'min – max':>18}{'compile s':>11}"
    head += f"{'speed-up':>10}{'min – max':>16}{'with compile':>14}"
    lines = [title, head]
    for row in rows:
        span = f"{row['min']:.2f} – {row['max']:.2f}"
        ratios = f"{row['speedup_min']:.1f} – {row['speedup_max']:.1f}"
        lines.append(
            f"  {row['name']:<24}{row['seconds']:>10.2f}{span:>18}{row['compile']:>11.2f}"
            f"{row['speedup']:>10.1f}{ratios:>16}{row['with_compile']:>14.1f}"
        )
    return "\n".join(lines)


def decision(model: tuple[int, int, int, int], lanes: int, steps: int) -> str:
    task = network(*model, steps)
    layout = chosen(Group(task, [Lane(task, index, job) for index, job in enumerate(jobs_of(lanes, steps))]))
    return f"  the probe: {layout.width} at once, as {layout.reason}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--lanes", type=int, default=64)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--models", nargs="*", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--without", nargs="*", default=[], help="contenders to leave out, by a part of their names")
    parser.add_argument("--wall", action="store_true", help="wall time, for a quiet machine or a GPU; else CPU time")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    clock = 0 if asked.wall else 1
    document = {}
    for name in asked.models:
        model, lanes, steps = MODELS[name], asked.lanes, asked.steps
        made = contenders(model, lanes, steps)
        kept = {title: run for title, run in made.items() if not any(part in title for part in asked.without)}
        rows = rows_of(rounds_of(kept, asked.rounds), clock)
        document[name] = {"rows": rows, "decision": decision(model, lanes, steps)}
        if not asked.json:
            kind = jax.devices()[0].device_kind
            print(table(f"{name}, {lanes} runs of {steps} updates, {('wall', 'CPU')[clock]} time on {kind}", rows))
            print(document[name]["decision"], flush=True)
    if asked.json:
        print(json.dumps({"schema": "stepsize.lanes_jax/1", **document}, indent=2))


if __name__ == "__main__":
    main()
