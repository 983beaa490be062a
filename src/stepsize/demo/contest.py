"""A chosen policy beside the defaults people use: the same training, the same seeds, each at full length."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from stepsize.loop import drive
from stepsize.policy import Policy
from stepsize.run import Run
from stepsize.run.store import Ledger
from stepsize.schedule import warmup_cosine

# Seeds that no search used: the contest must not replay the runs that the choice was made by.
FIRST_SEED = 1_000
WARMUP = 0.05


@final
@dataclass(frozen=True)
class Entry:
    """One policy in the contest, with its run for each seed."""

    name: str
    runs: tuple[Run, ...]

    def spread(self, column: str) -> tuple[float, float, float]:
        """Median, smallest and largest value at the end, over the seeds."""
        values = [run.final(column) for run in self.runs]
        return float(np.median(values)), min(values), max(values)


def defaults(optimizer: str, steps: int) -> dict[str, Policy]:
    """Two defaults people really use."""
    warmup = max(1, round(WARMUP * steps))
    return {
        "adam, constant 1e-3": Policy(1e-3, "adam"),
        f"{optimizer}, warmup+cosine 1e-3": Policy(warmup_cosine(1e-3, steps, min(warmup, steps - 1)), optimizer),
    }


def contest(
    task: Any,
    policies: Mapping[str, Policy],
    seeds: int,
    ledger: Ledger,
    watch: Callable[[str, int, int], None],
) -> list[Entry]:
    """Run every policy with every seed; what the ledger has is not run again."""
    entries = []
    for name, policy in policies.items():
        runs = [_run(task, name, policy, FIRST_SEED + i, ledger, watch) for i in range(seeds)]
        entries.append(Entry(name, tuple(runs)))
    return entries


def _run(
    task: Any, name: str, policy: Policy, seed: int, ledger: Ledger, watch: Callable[[str, int, int], None]
) -> Run:
    key = f"contest {task.steps} {seed} {policy.to_json()}"
    if (known := ledger.find(key)) is not None:
        return known

    def tell(step: int, seen: dict[str, float]) -> bool:
        watch(name, seed, step)
        return True

    run = drive(task, policy, task.steps, seed, watch=tell)
    ledger.append(key, run)
    return run
