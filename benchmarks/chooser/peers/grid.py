"""A grid of rates, even in their logarithm, in full runs, as many as the budget pays."""

from __future__ import annotations

import numpy as np

from benchmarks.chooser.desk import Best, Desk

FEWEST = 2


def search(desk: Desk) -> None:
    """A grid with a random offset, in random order; the best run is recommended. Raises Spent."""
    draw, best = np.random.default_rng(desk.seed), Best(desk)
    count = max(FEWEST, int(min(desk.budget, desk.most)))
    rates = desk.low + (np.arange(count) + draw.uniform()) / count * (desk.high - desk.low)
    for rate in draw.permutation(rates):
        best.saw(float(rate), desk.run(float(rate)).loss)
