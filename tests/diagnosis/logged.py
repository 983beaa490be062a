"""Columns and traces for the tests of the checks."""

from __future__ import annotations

from typing import Any

import numpy as np

from stepsize.diagnosis.trace import Trace
from stepsize.run import Column
from stepsize.run.column import Clock


def seen(values: Any, every: int = 1, clock: Clock = "step", steps: Any = None) -> Column:
    """A column of `values`, one every so many steps."""
    numbers = np.asarray(values, dtype=np.float64)
    at = np.arange(numbers.size) * every if steps is None else np.asarray(steps)
    return Column(at.astype(np.int64), numbers, clock)


def learning(points: int, seed: int = 0, noise: float = 0.05, start: float = 4.0, end: float = 1.0) -> Any:
    """A loss that falls as those of trainings do, with the scatter of its batches."""
    scatter = np.exp(noise * np.random.default_rng(seed).standard_normal(points))
    return (end + (start - end) * np.exp(-6 * np.arange(points) / points)) * scatter


def trace(loss: Any = (), lr: Any = (), every: int = 1, clock: Clock = "step", **others: Any) -> Trace:
    """A trace of a loss and a rate on one clock."""
    columns = {"loss": seen(loss, every, clock), "lr": seen(lr, every, clock)}
    return Trace(**{**columns, "clock": clock, "rate": float(np.max(lr)) if np.size(lr) else np.nan, **others})
