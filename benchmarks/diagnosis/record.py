"""Record labelled runs of random small trainings: many rates of each, by which every run is known to be off or right.

    python -m benchmarks.diagnosis.record --out DIR [--first 0] [--last 60]

One file a training, written whole, so that it goes on where it was stopped. About 10 to 60 s a training on one core.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from benchmarks.diagnosis.tasks import Task, task

RATES, LOOKS, SEEDS = 13, 25, 2
# name -> (what it makes of the gradient, log10 of the middle of the rates)
OPTIMIZERS = {
    "adam": (optax.scale_by_adam, -2.2),
    "sgd": (optax.identity, -0.8),
    "momentum": (lambda: optax.trace(0.9), -1.7),
}


def schedule(name: str, steps: int) -> np.ndarray:
    """The rate of each update, as a multiple of its peak."""
    u = np.arange(steps) / steps
    warm = np.minimum(1, (np.arange(steps) + 1) / max(1, round(0.1 * steps)))
    return {
        "constant": np.ones(steps),
        "cosine": 0.5 * (1 + np.cos(np.pi * u)),
        "wcosine": warm * 0.5 * (1 + np.cos(np.pi * u)),
        "linear": warm * (1 - u),
        "step": np.where(u < 0.5, 1.0, np.where(u < 0.75, 0.1, 0.01)),
        "wsd": warm * np.minimum(1, (1 - u) / 0.2),
    }[name]


def trainer(it: Task, optimizer: str) -> Any:
    """A compiled function of (peaks, seeds, schedule) that trains all of them side by side."""
    x, y, vx, vy = (jnp.asarray(part) for part in it.data)
    rule = OPTIMIZERS[optimizer][0]()
    size = lambda tree: optax.global_norm(tree)  # noqa: E731

    def one(peak: jax.Array, seed: jax.Array, shape: jax.Array) -> tuple[Any, ...]:
        key = jax.random.key(seed)

        def update(state: Any, now: Any) -> tuple[Any, Any]:
            params, inner = state
            step, share = now
            at = jax.random.randint(jax.random.fold_in(key, step), (it.batch_size,), 0, len(x))
            value, grads = jax.value_and_grad(it.loss)(params, x[at], y[at])
            change, inner = rule.update(grads, inner)
            change = jax.tree.map(lambda c: -peak * share * c, change)
            seen = (value, size(grads), size(change) / size(params))
            return (optax.apply_updates(params, change), inner), seen

        def stretch(state: Any, part: Any) -> tuple[Any, Any]:
            before = it.loss(state[0], vx, vy)
            state, seen = jax.lax.scan(update, state, part)
            return state, (before, seen)

        params = it.init(key)
        every = it.steps // LOOKS
        parts = (jnp.arange(it.steps).reshape(LOOKS, every), shape.reshape(LOOKS, every))
        state, (vals, seen) = jax.lax.scan(stretch, (params, rule.init(params)), parts)
        return jnp.append(vals, it.loss(state[0], vx, vy)), *(s.reshape(-1) for s in seen)

    return jax.jit(jax.vmap(one, in_axes=(0, 0, None)))


def record(number: int, out: Path) -> str:
    """Record one training, at its rates, with its optimizers and schedules, into one file."""
    it, dice = task(number), np.random.default_rng(10_000 + number)
    columns: dict[str, list[Any]] = {}
    names = dice.permutation(["adam", "adam", "momentum", "sgd"])[:2]
    for optimizer in sorted(set(names)):
        peaks = 10 ** (OPTIMIZERS[optimizer][1] + dice.uniform(-0.25, 0.25) + 0.5 * (np.arange(RATES) - RATES // 2))
        train = trainer(it, optimizer)
        for kind in ("constant", str(dice.choice(["cosine", "wcosine", "linear", "step", "wsd"]))):
            shape = schedule(kind, it.steps)
            lanes = np.tile(peaks, SEEDS).astype(np.float32), np.repeat(np.arange(SEEDS), RATES)
            seen = [np.asarray(part, np.float32) for part in train(*lanes, jnp.asarray(shape, jnp.float32))]
            for lane in range(RATES * SEEDS):
                row = dict(zip(("val_loss", "loss", "grad_norm", "update_ratio"), (s[lane] for s in seen), strict=True))
                row["rate"] = (lanes[0][lane] * shape).astype(np.float32)
                about = {"optimizer": optimizer, "schedule": kind, "lr": lanes[0][lane], "seed": lanes[1][lane]}
                for name, value in {**row, **about}.items():
                    columns.setdefault(name, []).append(value)
    about = {"task": it.name, "data": it.source, "steps": it.steps, "batch_size": it.batch_size}
    unfinished = out / f".{number}.npz"
    np.savez_compressed(unfinished, **{name: np.array(values) for name, values in columns.items()}, **about)
    os.replace(unfinished, out / f"{number:04d}.npz")
    return f"{it.name} ({it.source}, {it.steps} steps of {it.batch_size}): {len(columns['lr'])} runs"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of the recorded runs")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--last", type=int, default=60, help="number of the first training not recorded")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    for number in range(asked.first, asked.last):
        if not (asked.out / f"{number:04d}.npz").exists():
            begun = time.perf_counter()
            print(record(number, asked.out), f"{time.perf_counter() - begun:.0f} s", flush=True)


if __name__ == "__main__":
    main()
