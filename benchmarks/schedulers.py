"""What a step of a schedule costs, beside a hand-written one and torch's own schedulers.

    python benchmarks/schedulers.py [--rounds 9] [--json]

The floor is the formula a person writes by hand, evaluated once and written into every parameter group.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import warnings
from collections.abc import Callable
from functools import reduce
from operator import rshift
from typing import Any

import numpy as np
import torch
from timing import compared, rounds_of, table
from torch.optim import Optimizer, lr_scheduler

import stepsize as ss
from stepsize.schedule.algebra import BLOCK
from stepsize.torch import Scheduler

PEAK, END, WARMUP, STEPS = 1e-3, 1e-5, 1_000, 2_000_000
LR = ss.warmup_cosine(PEAK, STEPS, WARMUP, END)
# Whole blocks of values, so that each round pays for as many as it uses.
CALLS = 2 * BLOCK

Step = Callable[[], Any]


def by_hand(k: int) -> float:
    if k < WARMUP:
        return PEAK * (k + 1) / (WARMUP + 1)
    return END + (PEAK - END) * (1 + math.cos(math.pi * (k - WARMUP) / (STEPS - WARMUP))) / 2


def floor(optimizer: Optimizer) -> Step:
    k = 0

    def step() -> None:
        nonlocal k
        k += 1
        if k < WARMUP:
            lr = PEAK * (k + 1) / (WARMUP + 1)
        else:
            lr = END + (PEAK - END) * (1 + math.cos(math.pi * (k - WARMUP) / (STEPS - WARMUP))) / 2
        for group in optimizer.param_groups:
            group["lr"] = lr

    return step


def sequential(optimizer: Optimizer) -> Step:
    parts = [
        lr_scheduler.LinearLR(optimizer, 1 / (WARMUP + 1), 1.0, WARMUP),
        lr_scheduler.CosineAnnealingLR(optimizer, STEPS - WARMUP, END),
    ]
    return lr_scheduler.SequentialLR(optimizer, parts, [WARMUP]).step


def scaled_floor(optimizer: Optimizer) -> Step:
    """The floor where each group has its own multiple of the rate."""
    k = 0

    def step() -> None:
        nonlocal k
        k += 1
        if k < WARMUP:
            lr = PEAK * (k + 1) / (WARMUP + 1)
        else:
            lr = END + (PEAK - END) * (1 + math.cos(math.pi * (k - WARMUP) / (STEPS - WARMUP))) / 2
        for group in optimizer.param_groups:
            group["lr"] = lr * group["lr_scale"]

    return step


SCHEDULERS: dict[str, Callable[[Optimizer], Step]] = {
    "by hand (the floor)": floor,
    "stepsize Scheduler": lambda optimizer: Scheduler(optimizer, lr=LR).step,
    "torch LambdaLR": lambda optimizer: lr_scheduler.LambdaLR(optimizer, lambda k: by_hand(k) / PEAK).step,
    "torch CosineAnnealingLR": lambda optimizer: lr_scheduler.CosineAnnealingLR(optimizer, STEPS, END).step,
    "torch SequentialLR(LinearLR, CosineAnnealingLR)": sequential,
    "torch OneCycleLR": lambda optimizer: lr_scheduler.OneCycleLR(optimizer, PEAK, STEPS, cycle_momentum=False).step,
}
try:
    from transformers import get_cosine_schedule_with_warmup
except ImportError:
    pass
else:
    SCHEDULERS["transformers cosine with warmup"] = lambda optimizer: (
        get_cosine_schedule_with_warmup(optimizer, WARMUP, STEPS).step
    )


def sgd(groups: int) -> Optimizer:
    parameters = [{"params": [torch.zeros(1, requires_grad=True)]} for _ in range(groups)]
    return torch.optim.SGD(parameters, lr=PEAK)


def ready(make: Callable[[Optimizer], Step], groups: int) -> Step:
    """The step of a scheduler that has left its warmup behind, so that every contender computes its cosine.

    Where no gradient was seen, each call counts, so that steps alone can be measured.
    """
    optimizer = sgd(groups)
    step = make(optimizer)
    optimizer.step()
    for _ in range(WARMUP + 1):
        step()
    return step


def scheduler_steps(groups: int, rounds: int) -> list[dict[str, Any]]:
    contenders = {name: ready(make, groups) for name, make in SCHEDULERS.items()}
    return compared(rounds_of(contenders, rounds, max(CALLS // groups, BLOCK)), "by hand (the floor)")


def scaled_steps(groups: int, rounds: int) -> list[dict[str, Any]]:
    def scaled(make: Callable[[Optimizer], Step]) -> Callable[[Optimizer], Step]:
        def prepared(optimizer: Optimizer) -> Step:
            for i, group in enumerate(optimizer.param_groups):
                group["lr_scale"] = 0.9**i
            return make(optimizer)

        return prepared

    makers = {
        "by hand (the floor)": scaled_floor,
        "stepsize Scheduler, lr_scale": SCHEDULERS["stepsize Scheduler"],
    }
    contenders = {name: ready(scaled(make), groups) for name, make in makers.items()}
    return compared(rounds_of(contenders, rounds, max(CALLS // groups, BLOCK)), "by hand (the floor)")


def curves(rounds: int) -> list[dict[str, Any]]:
    k = np.arange(1_000_000, dtype=float)

    def in_numpy() -> Any:
        rising = PEAK * (k + 1) / (WARMUP + 1)
        falling = END + (PEAK - END) * (1 + np.cos(np.pi * (k - WARMUP) / (STEPS - WARMUP))) / 2
        return np.where(k < WARMUP, rising, falling)

    np.testing.assert_allclose(LR(k), in_numpy(), rtol=1e-12)
    return compared(
        rounds_of({"np.where by hand": in_numpy, "stepsize schedule(k)": lambda: LR(k)}, rounds, 3), "np.where by hand"
    )


def phases(rounds: int) -> list[dict[str, Any]]:
    def composite(count: int) -> ss.Schedule:
        each = STEPS // count
        return reduce(
            rshift, [ss.cosine(PEAK, END, each) if i % 2 else ss.linear(END, PEAK, each) for i in range(count)]
        )

    contenders = {f"Scheduler, {count} phases": Scheduler(sgd(1), lr=composite(count)).step for count in (2, 10, 50)}
    return compared(rounds_of(contenders, rounds, CALLS), "Scheduler, 2 phases")


def policies(rounds: int) -> list[dict[str, Any]]:
    policy = ss.Policy(LR, "adamw", weight_decay=0.1, betas=(0.9, 0.95))
    text = policy.to_json()
    contenders = {
        "build a schedule": lambda: ss.warmup_cosine(PEAK, STEPS, WARMUP, END),
        "build a policy": lambda: ss.Policy(LR, "adamw", weight_decay=0.1, betas=(0.9, 0.95)),
        "policy to JSON": policy.to_json,
        "policy from JSON": lambda: ss.Policy.from_json(text),
    }
    return compared(rounds_of(contenders, rounds, 300), "build a policy")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9, help="rounds, each with every contender (at least 7)")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of tables")
    options = parser.parse_args()
    if options.rounds < 7:
        parser.error(f"--rounds {options.rounds} are too few for a median and its spread; give at least 7")
    warnings.filterwarnings("ignore", "The epoch parameter", UserWarning)  # SequentialLR's own, inside torch

    results = {f"One step, parameter groups: {n}": scheduler_steps(n, options.rounds) for n in (1, 10, 100)}
    results |= {f"One step, each of {n} groups its own rate": scaled_steps(n, options.rounds) for n in (10, 100)}
    results["A curve of 1,000,000 steps"] = curves(options.rounds)
    results["One step of a composite"] = phases(options.rounds)
    results["A policy"] = policies(options.rounds)
    if options.json:
        about = {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__}
        print(json.dumps({"schema": "stepsize.benchmark/1", **about, "rounds": options.rounds, "results": results}))
        return
    print("\n\n".join(table(title, rows) for title, rows in results.items()))


if __name__ == "__main__":
    main()
