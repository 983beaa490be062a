"""`Labelled`: a run of which it is known whether its rate should have been raised, kept or lowered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from stepsize.diagnosis.trace import Trace

ACTIONS = ("raise", "keep", "lower")
RAISE, KEEP, LOWER = range(len(ACTIONS))


@final
@dataclass(frozen=True, eq=False)
class Labelled:
    """One run of a sweep.

    Attributes:
        trace: the run.
        action: the place in `ACTIONS` of what should have been done.
        source: of the corpus: "own", "deepobs", "recorded".
        task: within it; what is left out together.
        data: what the task learns from: left out with it.
        view: "step", "epoch", "thin" or "prefix": how the run was logged, or how much of it.
        seen: the share of the run that the log holds.
        off: how far the rate stood from the best of the sweep, in decades.
        lost: what that cost: the share of what the best run gained; infinite for a run that broke.
    """

    trace: Trace
    action: int
    source: str
    task: str
    data: str = ""
    view: str = "step"
    seen: float = 1.0
    off: float = 0.0
    lost: float = 0.0
