"""The suggestion rules of the peers' finders, each on the losses of one ramp, as their source has them.

fastai 2.8.12 (`fastai/callback/schedule.py`, `lr_find`), Lightning 2.6.6 (`lightning/pytorch/tuner/lr_finder.py`)
and torch-lr-finder 0.2.2 (`torch_lr_finder/lr_finder.py`), with their default settings. A rule is given the rates
and the raw losses of a whole ramp, NaN from where the training broke, and does the smoothing and the stopping of
its package; it returns a rate, or NaN where the package has none to give.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from benchmarks.chooser.tables import Array

Rule = Callable[[Array, Array], float]


def averaged(losses: Array, beta: float = 0.98, ahead: int = 1) -> Array:
    """The debiased running average of fastai and Lightning; `ahead` is the count at the first loss."""
    smooth, average = np.empty_like(losses), 0.0
    for step, loss in enumerate(losses):
        average = beta * average + (1 - beta) * loss
        smooth[step] = average / (1 - beta ** (step + ahead))
    return smooth


def stopped(smooth: Array, times: float) -> int:
    """How many losses there are when a ramp stops at so many times its best; a NaN stops nothing."""
    best = math.inf
    for step, loss in enumerate(smooth):
        best = loss if loss < best else best
        if loss > times * best:
            return step + 1
    return smooth.size


def _fastai(rule: Callable[[Array, Array], float]) -> Rule:
    def suggest(rates: Array, losses: Array) -> float:
        smooth = averaged(losses)
        seen = stopped(smooth, 4.0)
        skip = losses.size // 10
        rates, smooth = rates[:seen][skip:-5], smooth[:seen][skip:-5]
        finite = np.flatnonzero(np.isnan(smooth))
        end = int(finite[0]) if finite.size else smooth.size
        return rule(rates[:end], smooth[:end]) if end > 1 else math.nan

    return suggest


def _valley(rates: Array, losses: Array) -> float:
    longest, start, end = [1] * losses.size, 0, 0
    for i in range(1, losses.size):
        for j in range(i):
            if losses[i] < losses[j] and longest[i] < longest[j] + 1:
                longest[i] = longest[j] + 1
            if longest[end] < longest[i]:
                end = i
                start = end - longest[end]
    third = (end - start) / 3
    return float(rates[start + int(third) + int(third / 2)])


def _slide(rates: Array, losses: Array, apart: int = 15, threshold: float = 0.005) -> float:
    if losses.size <= apart + 1:
        return math.nan
    gradient = np.gradient(losses)
    right, left = -1, -1 - apart
    suggestion = rates[left]
    while left >= -losses.size and abs(gradient[right] - gradient[left]) > threshold:
        suggestion = rates[left]
        right, left = right - 1, left - 1
    return float(suggestion)


def _minimum(rates: Array, losses: Array) -> float:
    return float(rates[losses.argmin()]) / 10


def _steep(rates: Array, losses: Array) -> float:
    return float(rates[(np.diff(losses) / np.diff(np.log(rates))).argmin()])


def _lightning(rates: Array, losses: Array) -> float:
    smooth = averaged(losses, ahead=2)  # its step counter has moved on by then
    seen = stopped(smooth, 4.0)
    rates, smooth = rates[:seen][10:-1], smooth[:seen][10:-1]
    rates, smooth = rates[np.isfinite(smooth)], smooth[np.isfinite(smooth)]
    if smooth.size < 2:
        return math.nan
    return float(rates[np.gradient(smooth, rates).argmin()])


def _torch_lr_finder(rates: Array, losses: Array) -> float:
    smooth = np.empty_like(losses)
    for step, loss in enumerate(losses):
        smooth[step] = loss if step == 0 else 0.05 * loss + 0.95 * smooth[step - 1]
    seen = stopped(smooth, 5.0)
    rates, smooth = rates[:seen][10:-5], smooth[:seen][10:-5]
    if smooth.size < 2:
        return math.nan
    return float(rates[np.gradient(smooth).argmin()])


# name -> the ends of its ramp of 100 updates, and the rule
RULES: dict[str, tuple[tuple[float, float], Rule]] = {
    "fastai valley (its default)": ((1e-7, 10.0), _fastai(_valley)),
    "fastai slide": ((1e-7, 10.0), _fastai(_slide)),
    "fastai minimum / 10": ((1e-7, 10.0), _fastai(_minimum)),
    "fastai steep": ((1e-7, 10.0), _fastai(_steep)),
    "Lightning": ((1e-8, 1.0), _lightning),
    "torch-lr-finder": ((1e-7, 10.0), _torch_lr_finder),
}
RAMPS = tuple(dict.fromkeys(ends for ends, _ in RULES.values()))
# What people take without any test, by optimizer.
DEFAULTS = {"adamw": {"default 1e-3": 1e-3}, "momentum": {"default 0.1": 0.1, "default 0.01": 0.01}}
