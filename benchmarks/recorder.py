"""What a recorder costs: real loops with and without it, taking turns; CPU time of the process.

Run it from a checkout: python benchmarks/recorder.py --rounds 7
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from torch import nn

from stepsize.torch import Recorder

Loop = Callable[[Any], None]
# Rounds of the look inside.
INSIDE = 4


def torch_loop(width: int, batch: int, steps: int) -> Callable[[str | None], Loop]:
    """A perceptron of about `width` squared parameters under AdamW, on random digits; `steps` updates a call."""

    def make(path: str | None) -> Loop:
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 10))
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
        x, y = torch.randn(batch, 64), torch.randint(0, 10, (batch,))
        recorder = None if path is None else Recorder(path, optimizer, steps=100_000)

        def loop(_: Any) -> None:
            for _ in range(steps):
                optimizer.zero_grad()
                loss = nn.functional.cross_entropy(model(x), y)
                loss.backward()
                optimizer.step()
                if recorder is not None:
                    recorder.step(loss)

        return loop

    return make


def jax_loop(width: int, batch: int, steps: int) -> Callable[[str | None], Loop]:
    """The same in JAX; the step is compiled, and gives gradients and updates to the recorder as well."""
    import jax
    import jax.numpy as jnp
    import optax

    from stepsize.optax import Recorder as JaxRecorder

    def make(path: str | None) -> Loop:
        keys = jax.random.split(jax.random.PRNGKey(0), 5)
        shapes = [(64, width), (width, width), (width, 10)]
        params = [jax.random.normal(key, shape) / shape[0] ** 0.5 for key, shape in zip(keys, shapes, strict=False)]
        x, y = jax.random.normal(keys[3], (batch, 64)), jax.random.randint(keys[4], (batch,), 0, 10)
        optimizer = optax.adamw(1e-3)
        held = [params, optimizer.init(params)]

        def loss_of(params: Any) -> Any:
            hidden = jax.nn.relu(jax.nn.relu(x @ params[0]) @ params[1])
            return optax.softmax_cross_entropy_with_integer_labels(hidden @ params[2], y).mean()

        @jax.jit
        def update(params: Any, state: Any) -> Any:
            loss, grads = jax.value_and_grad(loss_of)(params)
            updates, state = optimizer.update(grads, state, params)
            return optax.apply_updates(params, updates), state, loss, grads, updates

        recorder = None if path is None else JaxRecorder(path, steps=100_000)

        def loop(_: Any) -> None:
            for _ in range(steps):
                before = held[0]
                held[0], held[1], loss, grads, updates = update(before, held[1])
                if recorder is not None:
                    recorder.step(loss, lr=1e-3, grads=grads, updates=updates, params=before)
            jnp.asarray(loss).block_until_ready()

        return loop

    return make


def measured(make: Callable[[str | None], Loop], steps: int, rounds: int, folder: Path) -> dict[str, float]:
    """Milliseconds of CPU an update without a recorder, and what it adds."""
    loops = {"without": make(None), "with": make(str(folder / "run.jsonl"))}
    for loop in loops.values():
        loop(None)  # what is done once is not what is compared
    seconds: dict[str, list[float]] = {name: [] for name in loops}
    gc.disable()
    for turn in range(rounds):
        for name in list(loops)[:: 1 if turn % 2 else -1]:
            begun = time.process_time()
            loops[name](None)
            seconds[name].append((time.process_time() - begun) / steps)
        gc.collect()
    gc.enable()
    pairs = list(zip(seconds["with"], seconds["without"], strict=True))
    ratios = [a / b for a, b in pairs]
    return {
        "ms_a_step": 1e3 * statistics.median(seconds["without"]),
        "added_us": 1e6 * statistics.median(a - b for a, b in pairs),
        "ratio": statistics.median(ratios),
        "ratio_min": min(ratios),
        "ratio_max": max(ratios),
    }


def inside(steps: int, folder: Path) -> dict[str, float]:
    """Microseconds of CPU a step spent inside the recorder itself, where nothing of the training's noise is in it.

    The hooks and `step` are timed one by one, and the clock's own cost is taken off.
    """
    spent = 0.0
    recorder_step, before, after = Recorder.step, Recorder._before, Recorder._after
    clock = time.thread_time

    def timed(function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            nonlocal spent
            begun = clock()
            try:
                return function(*args, **kwargs)
            finally:
                spent += clock() - begun

        return wrapped

    Recorder.step, Recorder._before, Recorder._after = map(timed, (recorder_step, before, after))  # type: ignore
    try:
        loop = torch_loop(950, 32, steps)(str(folder / "inside.jsonl"))
        loop(None)  # with what is done once, and the measurements that are granted in advance
        spent, begun = 0.0, clock()
        for _ in range(INSIDE):
            loop(None)
        total = clock() - begun
    finally:
        Recorder.step, Recorder._before, Recorder._after = recorder_step, before, after  # type: ignore
    ticks = 1_000
    begun = clock()
    for _ in range(ticks):
        clock()
    own = (clock() - begun) / ticks
    count = INSIDE * steps
    return {"us_a_step": 1e6 * (spent / count - 3 * own), "share": (spent - 3 * own * count) / total}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="rounds, each with and without (at least 5)")
    parser.add_argument("--steps", type=int, default=200, help="updates a round")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of tables")
    options = parser.parse_args()
    if options.rounds < 5:
        parser.error(f"--rounds {options.rounds} are too few for a median and its spread; give at least 5")
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        makers = {
            "PyTorch, 970,000 parameters": torch_loop(950, 32, options.steps),
            "PyTorch, 15,000 parameters": torch_loop(90, 128, options.steps),
        }
        if find_spec("optax") is not None:
            makers["JAX, 970,000 parameters"] = jax_loop(950, 32, options.steps)
        results = {}
        for number, (title, make) in enumerate(makers.items()):
            (folder / str(number)).mkdir()
            results[title] = measured(make, options.steps, options.rounds, folder / str(number))
        itself = inside(options.steps, folder)
    if options.json:
        about = {"python": platform.python_version(), "torch": torch.__version__, "rounds": options.rounds}
        print(json.dumps({"schema": "stepsize.benchmark/1", **about, "results": results, "inside": itself}))
        return
    print(f"{'':<32}{'ms a step':>12}{'added µs':>12}{'with / without':>18}{'min – max':>18}")
    for title, row in results.items():
        span = f"{row['ratio_min']:.3f} – {row['ratio_max']:.3f}"
        print(f"{title:<32}{row['ms_a_step']:>12.2f}{row['added_us']:>12.0f}{row['ratio']:>18.3f}{span:>18}")
    print(
        f"inside the recorder, PyTorch, 970,000: {itself['us_a_step']:.1f} µs a step, {itself['share']:.2%} of the time"
    )


if __name__ == "__main__":
    main()
