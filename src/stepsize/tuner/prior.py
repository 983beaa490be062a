"""What is known of the best rate before any run: mean and standard deviation of its log10, by optimizer.

Wide on purpose: the ranges in which published settings and the learning curves of DeepOBS, AlgoPerf and
TaskSet have their optima. None stands for a training that brings its own optimizer.
"""

from __future__ import annotations

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
