"""A rule that cuts the rate on a plateau, and that never did although there was one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from stepsize.diagnosis.curve import Curve, curve_of
from stepsize.diagnosis.phrases import place, stretch
from stepsize.diagnosis.rate_trace.rates import TINY, Rates
from stepsize.diagnosis.trace import Trace
from stepsize.finding import Finding, Span
from stepsize.report.digits import number

# The rule waits for so many points without a better one, as PyTorch's and Keras's do unless told otherwise.
PATIENCE = 10
# A stall is so many times the rule's patience, and so much of the run.
STALL, PART = 2, 0.4


def rule_findings(trace: Trace, rates: Rates) -> Iterator[Finding]:
    """A plateau rule, named in the log, that let a plateau pass."""
    if "plateau" not in trace.scheduler or rates.v.min() < (1 - TINY) * rates.peak or rates.peak == 0:
        return
    name, watched = ("val_loss", curve_of(trace.val_loss)) if trace.val_loss.step.size else ("loss", rates.loss)
    if watched.size < 2 * PATIENCE:
        return
    best = _last_best(watched)
    stalled = watched.size - 1 - best
    if stalled < max(STALL * PATIENCE, PART * watched.size):
        return
    at, clock = watched.at(best), trace.val_loss.clock if name == "val_loss" else rates.clock
    yield Finding(
        "rule_never_fires",
        f"The plateau rule never cut the rate, though the {'validation loss' if name == 'val_loss' else 'loss'} was "
        f"last at its best at {place(clock, at)}, {stalled} points before the end.",
        0.7,
        f"Check that the rule is stepped, with this loss and mode 'min'; a patience of {PATIENCE} would have cut "
        f"{number(rates.peak, 3)} to {number(rates.peak / 10, 3)} after about "
        f"{stretch(clock, at + PATIENCE * (watched.at(-1) - at) / stalled)}.",
        (("best", at), ("points", float(stalled)), ("rate", rates.peak)),
        (Span(name, at, watched.at(-1), "no better"),),
        "A rule that watches another quantity, or a patience longer than the stall.",
    )


def _last_best(curve: Curve) -> int:
    """The last point that was better than all before by more than the rules' usual threshold."""
    before = np.minimum.accumulate(curve.y)
    better = np.flatnonzero(curve.y[1:] < before[:-1] - 1e-4 * np.abs(before[:-1])) + 1
    return int(better[-1]) if better.size else 0
