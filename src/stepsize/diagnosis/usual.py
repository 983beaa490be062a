"""Where the best peak rates lay on labelled runs: the control beside every verdict, which looks at no curve.

Measured on 11 small tasks, each trained at 13 to 36 rates: the seven of the corpus of small runs and four of DeepOBS
(Schneider, Balles, Hennig, 2019); best is by the validation loss at the end. With momentum only those with 0.9 count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True)
class Usual:
    """Between which rates the best one lay in 8 of 10 tasks, and on how many tasks that rests."""

    optimizer: str
    low: float
    high: float
    tasks: int


# By the families of `Trace.optimizer`.
USUAL = {
    "adam": Usual("Adam", 1.6e-4, 1e-2, 11),
    "momentum": Usual("SGD with momentum 0.9", 1.8e-2, 1.8e-1, 6),
    "sgd": Usual("SGD", 4e-3, 3e-2, 4),
}
