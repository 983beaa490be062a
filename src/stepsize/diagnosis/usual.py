"""Where the best peak rates lay on labelled runs: the control beside every verdict, which looks at no curve.

Measured on small tasks, each trained at 13 to 36 rates: the corpus of small runs, recordings of random ones, and four
of DeepOBS (Schneider, Balles, Hennig, 2019), which has no momentum of 0.9. Best is by the validation loss at the end.
`python -m benchmarks.diagnosis.usual_rates --data DIR --recorded DIR` prints the table.
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
    "adam": Usual("Adam", 2.1e-4, 1.1e-1, 72),
    "momentum": Usual("SGD with momentum 0.9", 1.5e-4, 5.6e-1, 48),
    "sgd": Usual("SGD", 1.0e-3, 9.4e-1, 37),
}
