"""Small trainings whose best rate is known, for the tests of verbs."""

import random
from collections.abc import Generator
from typing import Any

Training = Generator[Any, float, None]


def bowl(seed: int, weight_decay: float = 0.0) -> Training:
    """A noisy quadratic in two directions of curvature 2 and 20: it diverges above a rate of 0.1."""
    noise = random.Random(seed)
    x, y = 1.0, 1.0
    lr = yield
    while True:
        x -= lr * (2 * x + noise.gauss(0, 0.1) + weight_decay * x)
        y -= lr * (20 * y + noise.gauss(0, 0.1) + weight_decay * y)
        lr = yield x * x + 10 * y * y


def always_nan(seed: int) -> Training:
    """A training that no rate can save."""
    lr = yield
    while True:
        lr = yield float("nan")  # noqa: F841


def deaf(seed: int) -> Training:
    """A training whose loss does not depend on the rate at all."""
    noise = random.Random(seed)
    lr = yield
    while True:
        lr = yield 1.0 + noise.gauss(0, 0.1)  # noqa: F841
