"""Lanes: 64 learning rates side by side, against 64 runs of a plain loop one after another.

    python benchmarks/lanes.py [--models digits mnist cnn transformer] [--rounds 5] [--rates 64] [--steps N] [--json]
    python benchmarks/lanes.py --device cuda

One core. A run is a plain PyTorch loop with the fused AdamW that sees the same batches, sets its rate from the same
schedule and reads its loss, as lanes do. It is timed on a few of the runs and multiplied. Beside it the engine "local",
which is what lanes fall back to. The time of the lanes is all of it: what is checked, probed and compiled included;
each round is a process of its own with an empty cache of compiled code. Data are synthetic, for only time matters.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

import stepsize as ss
from stepsize.engine.lanes import Lanes
from stepsize.job import Job
from stepsize.torch import Task
from stepsize.torch.data import batches

CLASSES = 10
# Runs of which the time is taken, to stand for all that are made one after another.
SAMPLE = 2


class Attention(nn.Module):
    """A transformer of two layers over 64 tokens, which says what the sequence is."""

    def __init__(self, width: int = 64, heads: int = 4) -> None:
        super().__init__()
        self.heads, self.embed, self.place = heads, nn.Embedding(100, width), nn.Parameter(torch.zeros(64, width))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(4))
        self.mix = nn.ModuleList(nn.Linear(width, 3 * width) for _ in range(2))
        self.out = nn.ModuleList(nn.Linear(width, width) for _ in range(2))
        self.wide = nn.ModuleList(
            nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)) for _ in range(2)
        )
        self.head = nn.Linear(width, CLASSES)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x = self.embed(tokens) + self.place
        for layer in range(2):
            parts = self.mix[layer](self.norms[2 * layer](x)).chunk(3, -1)
            q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in parts)
            mixed = nn.functional.scaled_dot_product_attention(q, k, v)
            x = x + self.out[layer](mixed.transpose(1, 2).flatten(2))
            x = x + self.wide[layer](self.norms[2 * layer + 1](x))
        return self.head(x.mean(1))


def mlp(inputs: int, width: int) -> nn.Module:
    return nn.Sequential(nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, CLASSES))


def cnn() -> nn.Module:
    parts = [nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, padding=1), nn.ReLU()]
    return nn.Sequential(*parts, nn.MaxPool2d(2), nn.Flatten(), nn.Linear(784, CLASSES))


# name -> model, inputs of one example, batch size, steps of a run, by default, on a processor
MODELS: dict[str, tuple[Callable[[], nn.Module], Any, int, int]] = {
    "digits": (lambda: mlp(64, 64), (64,), 64, 10_000),
    "mnist": (lambda: mlp(784, 128), (784,), 128, 1_000),
    "cnn": (cnn, (1, 28, 28), 64, 50),
    "transformer": (Attention, "tokens", 16, 50),
}
TARGETS = {"digits": 8.0, "mnist": 2.5, "cnn": 1.0, "transformer": 1.0}


def data(shape: Any, examples: int = 4_096) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    x = (
        torch.randint(0, 100, (examples, 64), generator=generator)
        if shape == "tokens"
        else torch.randn(examples, *shape, generator=generator)
    )
    return x, torch.randint(0, CLASSES, (examples,), generator=generator)


def plain(task: Task, lr: ss.Schedule, steps: int) -> list[float]:
    """The loop a person would write for one run."""
    torch.manual_seed(0)
    model = task.model().to(task.device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1.0, fused=True)
    losses, rates = [], lr(np.arange(steps)).tolist()
    for rate, (x, y) in zip(
        rates, batches(task.train, task.batch_size, torch.Generator().manual_seed(0)), strict=False
    ):
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        loss = task.loss(model(x.to(task.device)), y.to(task.device))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def seconds(work: Callable[[], Any]) -> float:
    """Of processor time, children's too, such as a compiler's; on a GPU, of the clock."""
    begun, since = os.times(), time.perf_counter()
    work()
    if torch.cuda.is_initialized():
        return time.perf_counter() - since
    return sum(os.times()[:4]) - sum(begun[:4])


def one_round(name: str, rates: int, steps: int, device: str) -> dict[str, Any]:
    """Seconds of each way to make all the runs."""
    model, shape, batch, _ = MODELS[name]
    task = Task(model, nn.functional.cross_entropy, data(shape), batch_size=batch, steps=steps, device=device)
    peaks = np.geomspace(1e-5, 1e-2, rates)
    jobs = [Job(ss.Policy(optimizer="adamw", lr=ss.cosine(float(peak), 0.0, steps)), steps) for peak in peaks]
    sample = [jobs[len(jobs) * (2 * i + 1) // (2 * SAMPLE)] for i in range(SAMPLE)]
    scale = len(jobs) / SAMPLE
    plain(task, jobs[0].policy.lr, 5)  # what is done once only is not what is compared
    ss.drive(task, jobs[0].policy, 5)
    engine = Lanes()
    runs: dict[int, ss.Run] = {}
    by_hand = [seconds(lambda: [plain(task, job.policy.lr, job.steps) for job in sample])]
    local = [seconds(lambda: [ss.drive(task, job.policy, job.steps, job.seed) for job in sample])]
    side = seconds(lambda: runs.update(engine.runs(task, jobs, lambda index, step: None)))
    # The machine may be slower at one end of the round than at the other.
    by_hand.append(seconds(lambda: [plain(task, job.policy.lr, job.steps) for job in sample]))
    lost = [run.reason for run in runs.values() if run.outcome != "finished"]
    took = {"plain": scale * statistics.mean(by_hand), "local": scale * local[0], "lanes": side}
    return {**took, "notes": engine.notes, "lost": lost}


def cold(name: str, rates: int, steps: int, device: str) -> dict[str, Any]:
    """A round in a process of its own."""
    with tempfile.TemporaryDirectory() as cache:
        asked = ["--models", name, "--rates", rates, "--steps", steps, "--device", device, "--one"]
        done = subprocess.run(
            [sys.executable, __file__, *map(str, asked)],
            stdout=subprocess.PIPE,
            env={**os.environ, "TORCHINDUCTOR_CACHE_DIR": cache, "OMP_NUM_THREADS": "1"},
            check=True,
        )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def measured(name: str, rates: int, rounds: int, steps: int | None, device: str) -> dict[str, Any]:
    steps = steps or MODELS[name][3]
    made = [cold(name, rates, steps, device) for _ in range(rounds)]
    row: dict[str, Any] = {"model": name, "steps": steps, "rates": rates, "device": device, "rounds": rounds}
    row["lanes_s"] = statistics.median(each["lanes"] for each in made)
    for way in ("plain", "local"):
        ratios = [each[way] / each["lanes"] for each in made]
        row |= {f"{way}_median": statistics.median(ratios), f"{way}_min": min(ratios), f"{way}_max": max(ratios)}
    return row | {key: sorted({words for each in made for words in each[key]}) for key in ("notes", "lost")}


def line(row: dict[str, Any]) -> str:
    target = 20.0 if row["device"] != "cpu" else TARGETS[row["model"]]
    words = [
        f"{row['model']:<12} {row['rates']} rates x {row['steps']} steps: {row['plain_median']:.2f} times a plain loop "
        f"({row['plain_min']:.2f} to {row['plain_max']:.2f}), "
        f"{row['local_median']:.2f} times the engine local ({row['local_min']:.2f} to {row['local_max']:.2f}); "
        f"target {target:g}; lanes took {row['lanes_s']:.3g} s",
        *(f"             {note}" for note in [*row["notes"], *row["lost"]]),
    ]
    return "\n".join(words)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rates", type=int, default=64)
    parser.add_argument("--steps", type=int, help="of each run; by default as many as suit the model")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--one", action="store_true", help="one round of one model, in this process, as JSON")
    asked = parser.parse_args()
    if asked.device.startswith("cuda") and not torch.cuda.is_available():
        parser.error("there is no GPU here")
    torch.set_num_threads(1)
    if asked.one:
        name = asked.models[0]
        print(json.dumps(one_round(name, asked.rates, asked.steps or MODELS[name][3], asked.device)))
        return
    rows = []
    for name in asked.models:
        rows.append(measured(name, asked.rates, asked.rounds, asked.steps, asked.device))
        if not asked.json:
            print(line(rows[-1]), flush=True)
    if asked.json:
        print(json.dumps({"schema": "stepsize.benchmark.lanes/1", "torch": torch.__version__, "rows": rows}, indent=2))


if __name__ == "__main__":
    main()
