"""What is known of the best rate before any run: mean and standard deviation of its log10, by optimizer.

Wide on purpose: the ranges in which published settings and the learning curves of DeepOBS, AlgoPerf and
TaskSet have their optima. None stands for a training that brings its own optimizer.
"""

from __future__ import annotations

import math

PRIORS: dict[str | None, tuple[float, float]] = {
    None: (-2.0, 1.5),
    "sgd": (-1.0, 1.0),
    "momentum": (-1.5, 1.0),
    "nesterov": (-1.5, 1.0),
    "adagrad": (-2.0, 1.0),
    "rmsprop": (-3.0, 1.0),
    "adadelta": (0.0, 1.0),
    "adam": (-2.5, 0.9),
    "adamw": (-2.5, 0.9),
}
# How far the search may go from the prior's mean, in decades, unless the caller says otherwise.
REACH = 4.0


def shift_prior(schedule: object, steps: int) -> tuple[float, float]:
    """How the best rate moves with the horizon: mean and standard deviation, in decades per decade.

    Longer runs want smaller rates: by 0.3 decades a decade in small tasks of some hundred updates with warmup and
    cosine, hardly at all in language models of 15,000 to 50,000 updates; by 0.6 at a constant rate (DeepOBS).

    Args:
        schedule: of the search: a name, or a Schedule.
        steps: updates of a full run.
    """
    if schedule == "constant":
        return -0.6, 0.45
    # From 0 at a thousand updates and fewer to 1 at thirty thousand and more.
    long = min(max((math.log10(steps) - 3.0) / 1.5, 0.0), 1.0)
    return -0.3 + 0.2 * long, 0.3 - 0.1 * long
