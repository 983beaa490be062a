"""What a recorder costs: the CPU time clocked inside it, and real loops with and without it in short turns.

Both loops have clocks at the same places; in one there is a recorder, in the other nothing. What the places cost more
with a recorder is its own; CPU time of the thread, so that what else a machine does is not in it. A round begins with a
new recorder and ends with its `close`, so that measurements granted in advance and all writing are in it.

Run it from a checkout: python benchmarks/recorder.py --rounds 5 --steps 1000
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
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from torch import nn

from stepsize.torch import Recorder

# Updates of a turn: as long as a machine is likely to stay as it is.
TURN = 20
# 1 % of an update of 5 ms.
TARGET_US = 50.0
# Updates before the clocks count: what is done once by a framework is not what is compared.
WARM = 20

clock = time.thread_time


@dataclass
class Side:
    """One of the two loops: makes an update; `spent` has the seconds clocked in each."""

    update: Callable[[], None] | None
    close: Callable[[], None]
    spent: list[float]
    taken: float = 0.0
    begun: float | None = None

    def turn(self, updates: int) -> None:
        """Make updates; `taken` is the CPU time of the process."""
        assert self.update is not None
        self.begun = time.process_time()
        for _ in range(updates):
            self.spent.append(0.0)
            self.update()
        self.taken, self.begun = self.own_time(), None

    def own_time(self) -> float:
        """CPU time in turns of this side: a recorder must not take that of the other side for its own."""
        return self.taken + (0.0 if self.begun is None else time.process_time() - self.begun)


Make = Callable[[str | None], Side]


def clocked(function: Callable[..., Any], spent: list[float]) -> Callable[..., Any]:
    """The function, whose CPU time goes to the last of `spent`."""

    def timed(*args: Any, **kwargs: Any) -> Any:
        begun = clock()
        try:
            return function(*args, **kwargs)
        finally:
            spent[-1] += clock() - begun

    return timed


def nothing(*_: Any, **__: Any) -> None:
    """What is in the place of the recorder where there is none."""


def torch_side(width: int, batch: int) -> Make:
    """A perceptron of about `width` squared parameters under AdamW, on random digits."""

    def make(path: str | None) -> Side:
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 10))
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
        x, y = torch.randn(batch, 64), torch.randint(0, 10, (batch,))
        spent = [0.0]
        recorder = None if path is None else Recorder(path, optimizer, steps=100_000)
        if recorder is None:
            optimizer.register_step_pre_hook(nothing)
            optimizer.register_step_post_hook(nothing)
        for hooks in (optimizer._optimizer_step_pre_hooks, optimizer._optimizer_step_post_hooks):
            for key, hook in hooks.items():
                hooks[key] = clocked(hook, spent)
        record = clocked(recorder.step if recorder else nothing, spent)
        side = Side(None, clocked(recorder.close if recorder else nothing, spent), spent)
        if recorder:
            recorder._seen._pace.cpu = side.own_time

        def update() -> None:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            record(loss)

        side.update = update
        return side

    return make


def jax_side(width: int, batch: int) -> Make:
    """The same in JAX; the step is compiled, and gives gradients and updates to the recorder as well."""
    import jax
    import jax.numpy as jnp
    import optax

    from stepsize.optax import Recorder as JaxRecorder

    keys = jax.random.split(jax.random.PRNGKey(0), 5)
    shapes = [(64, width), (width, width), (width, 10)]
    first = [jax.random.normal(key, shape) / shape[0] ** 0.5 for key, shape in zip(keys, shapes, strict=False)]
    x, y = jax.random.normal(keys[3], (batch, 64)), jax.random.randint(keys[4], (batch,), 0, 10)
    optimizer = optax.adamw(1e-3)

    def loss_of(params: Any) -> Any:
        hidden = jax.nn.relu(jax.nn.relu(x @ params[0]) @ params[1])
        return optax.softmax_cross_entropy_with_integer_labels(hidden @ params[2], y).mean()

    @jax.jit
    def train(params: Any, state: Any) -> Any:
        loss, grads = jax.value_and_grad(loss_of)(params)
        updates, state = optimizer.update(grads, state, params)
        return optax.apply_updates(params, updates), state, loss, grads, updates

    def make(path: str | None) -> Side:
        held, spent = [first, optimizer.init(first)], [0.0]
        recorder = None if path is None else JaxRecorder(path, steps=100_000)
        record = clocked(recorder.step if recorder else nothing, spent)
        side = Side(None, clocked(recorder.close if recorder else nothing, spent), spent)
        if recorder:
            recorder._pace.cpu = side.own_time

        def update() -> None:
            before = held[0]
            held[0], held[1], loss, grads, updates = train(before, held[1])
            record(loss, lr=1e-3, grads=grads, updates=updates, params=before)
            jnp.asarray(loss).block_until_ready()

        side.update = update
        return side

    return make


def one_round(make: Make, steps: int, path: str) -> dict[str, float]:
    """The two sides in turns; microseconds an update and the ratio of their CPU times."""
    sides = (make(None), make(path))
    make(None).turn(WARM)
    gc.collect()
    gc.disable()
    for number in range(0, steps, TURN):
        for which in (0, 1) if number // TURN % 2 else (1, 0):
            sides[which].turn(min(TURN, steps - number))
    gc.enable()
    for side in sides:
        side.close()
    without, beside = sides[0].spent, sides[1].spent
    return {
        "ms": 1e3 * sides[0].taken / steps,
        "ratio": sides[1].taken / sides[0].taken,
        "inside_us": 1e6 * (sum(beside) - sum(without)) / steps,
        "unmeasured_us": 1e6 * (statistics.median(beside) - statistics.median(without)),
    }


def measured(make: Make, steps: int, rounds: int, folder: Path) -> dict[str, list[float]]:
    """Of each quantity the median, least and largest of the rounds."""
    folder.mkdir()
    found = [one_round(make, steps, str(folder / f"{number}.jsonl")) for number in range(rounds)]
    columns = {name: [one[name] for one in found] for name in found[0]}
    return {name: [statistics.median(column), min(column), max(column)] for name, column in columns.items()}


def table(results: dict[str, dict[str, list[float]]]) -> str:
    """Medians of rounds, with the spread of what a recorder costs."""
    lines = [
        f"{'CPU time, an update':<30}{'ms':>8}{'unmeasured µs':>15}{'all µs (min – max)':>25}{'with / without':>24}"
    ]
    for title, row in results.items():
        inside = "{:.1f} ({:.1f} – {:.1f})".format(*row["inside_us"])
        ratio = "{:.3f} ({:.3f} – {:.3f})".format(*row["ratio"])
        lines.append(f"{title:<30}{row['ms'][0]:>8.2f}{row['unmeasured_us'][0]:>15.1f}{inside:>25}{ratio:>24}")
    for title, row in results.items():
        said = "met" if row["inside_us"][0] <= TARGET_US else "missed"
        lines.append(f"{said}: {title}: {row['inside_us'][0]:.1f} µs; 1 % of an update of 5 ms is {TARGET_US:g} µs")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="rounds, each with a new recorder (at least 5)")
    parser.add_argument("--steps", type=int, default=1000, help="updates a round, with a recorder and without")
    parser.add_argument("--only", default="", help="loops whose title has this in it, such as PyTorch")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of tables")
    options = parser.parse_args()
    if options.rounds < 5:
        parser.error(f"--rounds {options.rounds} are too few for a median and its spread; give at least 5")
    torch.set_num_threads(1)
    makers = {"PyTorch, 970,000 parameters": torch_side(950, 32), "PyTorch, 15,000 parameters": torch_side(90, 128)}
    if find_spec("optax") is not None:
        makers["JAX, 970,000 parameters"] = jax_side(950, 32)
    with tempfile.TemporaryDirectory() as name:
        results = {
            title: measured(make, options.steps, options.rounds, Path(name) / str(number))
            for number, (title, make) in enumerate(makers.items())
            if options.only in title
        }
    if options.json:
        about = {"python": platform.python_version(), "torch": torch.__version__, "rounds": options.rounds}
        about |= {"steps": options.steps}
        print(json.dumps({"schema": "stepsize.benchmark/1", **about, "results": results}))
        return
    print(table(results))


if __name__ == "__main__":
    main()
