"""How often a verdict is right: accuracy, advice the wrong way, what is left when it may abstain, and calibration."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Z = 1.96


@final
@dataclass(frozen=True, eq=False)
class Measure:
    """What came of some verdicts.

    Attributes:
        runs: how many.
        confusion: rows are what should have been done (raise, keep, lower), columns what was said.
        accuracy: of all verdicts; NaN for none.
        wrong_way: the share told to raise what should be lowered, or the reverse.
        answered: the accuracy on the surest share `SURE` of the runs, NaN for rules, which know no doubt.
        answered_wrong_way: the same there.
        calibration: mean distance of stated confidence and accuracy, weighted by bins of confidence.
    """

    runs: int
    confusion: NDArray[np.int64]
    accuracy: float
    wrong_way: float
    answered: float = math.nan
    answered_wrong_way: float = math.nan
    calibration: float = math.nan


SURE, BINS = 0.6, 10


def of_choices(said: NDArray[np.int64], right: NDArray[np.int64]) -> Measure:
    """The measure of plain answers."""
    confusion = np.zeros((3, 3), dtype=np.int64)
    np.add.at(confusion, (right, said), 1)
    count = max(1, right.size)
    return Measure(right.size, confusion, float(np.trace(confusion)) / count, float(_away(said, right).mean()))


def of_chances(chances: Floats, said: NDArray[np.int64], right: NDArray[np.int64]) -> Measure:
    """The measure of answers with their chances; shape (runs, 3)."""
    sure = chances[np.arange(said.size), said]
    surest = np.argsort(-sure, kind="stable")[: max(1, round(SURE * right.size))]
    plain = of_choices(said, right)
    return Measure(
        plain.runs,
        plain.confusion,
        plain.accuracy,
        plain.wrong_way,
        float((said == right)[surest].mean()),
        float(_away(said, right)[surest].mean()),
        calibration(sure, said == right),
    )


def calibration(sure: Floats, hit: NDArray[np.bool_]) -> float:
    """The expected calibration error over bins of equal width (Guo et al. 2017, arXiv:1706.04599)."""
    places = np.clip((sure * BINS).astype(int), 0, BINS - 1)
    gaps = [(places == b).mean() * abs(hit[places == b].mean() - sure[places == b].mean()) for b in np.unique(places)]
    return float(sum(gaps))


def interval(share: float, count: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927).

    >>> [round(end, 3) for end in interval(0.9, 100)]
    [0.826, 0.945]
    """
    middle = share + Z * Z / (2 * count)
    spread = Z * math.sqrt(share * (1 - share) / count + Z * Z / (4 * count * count))
    return (middle - spread) / (1 + Z * Z / count), (middle + spread) / (1 + Z * Z / count)


def _away(said: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.bool_]:
    away: NDArray[np.bool_] = np.abs(said - right) == 2
    return away
