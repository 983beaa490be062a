"""The range test: the rate rises until the training breaks, repeated with several seeds."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from stepsize.errors import EngineError
from stepsize.finder.ramp import Ramp, read_ramp
from stepsize.finder.range import Range
from stepsize.finding import Finding
from stepsize.loop import drive
from stepsize.policy import Policy
from stepsize.run import Run
from stepsize.schedule import exponential
from stepsize.training import as_training

# Seeds whose suggestions differ by more than this many decades contradict each other.
AGREEMENT = 1.0
# The suggestion lies this far below the rate at which the loss turns up, in decades: too high is dearer.
BELOW_EDGE = 0.75
# Fewer losses than this make no curve.
FEWEST = 20

Watch = Callable[[int, int], None]


def range_test(
    training: Any,
    low: float,
    high: float,
    steps: int,
    seeds: int,
    *,
    seed: int = 0,
    optimizer: str | None = None,
    settings: Mapping[str, Any] | None = None,
    progress: Watch | None = None,
) -> Range:
    """The usable range, by letting the rate rise. Smith, Cyclical Learning Rates, 2017 (arXiv:1506.01186).

    Args:
        training: a generator function or a Task.
        low, high: the rates at the two ends of the ramp.
        steps: updates of a ramp (at least 20).
        seeds: ramps, each on a fresh training.
        seed: of the first ramp.
        optimizer: for a Task, the optimizer to use.
        settings: given to the training by name.
        progress: told the ramp and the update after each update.
    """
    door = as_training(training)
    name = optimizer or getattr(training, "optimizer", None)
    policy = Policy(exponential(low, high, steps), name)
    runs = [_ramp(door, policy, steps, seed + i, settings, i, progress) for i in range(seeds)]
    return _conclude(runs, high)


def _ramp(door: Any, policy: Policy, steps: int, seed: int, settings: Any, index: int, progress: Watch | None) -> Run:
    first, best = math.inf, math.inf
    average = math.nan

    def watch(step: int, seen: dict[str, float]) -> bool:
        nonlocal first, best, average
        loss = seen.get("loss", math.nan)
        average = loss if math.isnan(average) else 0.8 * average + 0.2 * loss
        best = min(best, average)
        first = average if step < 5 else first
        if progress is not None:
            progress(index, step)
        # Far above the start, and the fall seen before: nothing more is to be learned.
        return step < FEWEST or not average > first + 2 * (first - best) + 0.5 * abs(first)

    run = drive(door, policy, steps, seed, settings, watch)
    if run.outcome == "failed" and "loss" not in run.columns:
        raise EngineError(f"the training failed at lr {policy.lr(0):.3g}: {run.reason}")
    run.column("loss")  # which says what was reported, where no loss was
    return run


def _read(run: Run) -> Ramp | None:
    # The rate is noted at every update, the loss perhaps not.
    steps, losses = run.column("loss")
    rates = np.log10(run["lr"][steps])
    if np.isfinite(losses).sum() < FEWEST:
        return None
    return read_ramp(rates, losses, complete=run.outcome == "finished")


def _conclude(runs: list[Run], high: float) -> Range:
    read = [(ramp, run) for run in runs if (ramp := _read(run)) is not None]
    ramps = [ramp for ramp, _ in read]
    usable = [ramp for ramp in ramps if ramp.clear]
    suggestions = [max(min(ramp.lowest, ramp.high - BELOW_EDGE), ramp.low) for ramp in usable]
    spread = max(suggestions) - min(suggestions) if suggestions else math.inf
    informative = 2 * len(usable) > len(runs) and spread <= AGREEMENT
    bottom = top = middle = math.nan
    if informative:
        edges = (np.median([r.low for r in usable]), np.median([r.high for r in usable]), np.median(suggestions))
        bottom, top, middle = (float(10**value) for value in edges)
        middle = min(max(middle, bottom), top)
    return Range(
        low=bottom,
        high=top,
        suggestion=middle,
        spread=10**spread,
        informative=informative,
        evidence=_evidence(ramps, usable, runs, spread, high),
        ramps=tuple(ramps),
        runs=tuple(run for _, run in read),
    )


def _evidence(
    ramps: list[Ramp], usable: list[Ramp], runs: list[Run], spread: float, high: float
) -> tuple[Finding, ...]:
    said = []
    if len(ramps) < len(runs):
        message = f"{len(runs) - len(ramps)} of {len(runs)} ramps broke within {FEWEST} updates."
        said.append(Finding("broke", message, advice="Lower the range with low, or look for NaN in the data."))
    if unclear := len(ramps) - len(usable):
        message = f"In {unclear} of {len(runs)} ramps the loss did not fall clearly beyond its noise."
        said.append(Finding("unclear", message, advice="Give more steps or a larger batch, or use tune."))
    if usable and spread > AGREEMENT:
        message = f"The seeds' suggestions differ by a factor of {10**spread:.2g}."
        said.append(Finding("contradiction", message, advice="Use tune."))
    if usable and not any(ramp.turned for ramp in usable):
        message = f"The loss never turned up: rates above {high:.2g} may be usable too."
        said.append(Finding("edge", message, advice="Raise high."))
    if not said:
        agree = f"the suggestions lie within ×{10**spread:.2g}"
        message = f"In all {len(runs)} ramps the loss fell clearly and turned up; {agree}."
        said.append(Finding("clear", message))
    return tuple(said)
