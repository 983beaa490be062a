"""Random search: rates uniform in their logarithm, each a full run."""

from __future__ import annotations

import numpy as np

from benchmarks.chooser.desk import Best, Desk


def search(desk: Desk) -> None:
    """Full runs at random rates; the best one is recommended. Raises Spent."""
    draw, best = np.random.default_rng(desk.seed), Best(desk)
    while True:
        rate = float(draw.uniform(desk.low, desk.high))
        best.saw(rate, desk.run(rate).loss)
