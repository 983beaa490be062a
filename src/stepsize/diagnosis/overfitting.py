"""A validation loss that was best long ago while the training's went on falling: not thereby a wrong rate."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from stepsize.diagnosis.curve import Curve, Floats, curve_of, running_median
from stepsize.diagnosis.phrases import place, share
from stepsize.diagnosis.trace import Trace
from stepsize.finding import Finding, Span
from stepsize.report.digits import number

# Fewer points of validation show no turn.
FEW = 5
# The best lies before this share of the run, and the end above it by this share of it and by so many deviations.
LONG_AGO, LOST, STANDS_OUT = 0.8, 0.03, 4.0


def overfitting_findings(trace: Trace) -> Iterator[Finding]:
    """Overfitting, where there is a validation curve."""
    val, loss = curve_of(trace.val_loss), curve_of(trace.loss)
    if val.size < FEW or not val.positive:
        return
    smooth = running_median(val.y, 3) if val.size >= 3 * FEW else val.y
    best, end = int(np.argmin(smooth)), float(np.median(val.y[-max(1, min(val.size // 10, val.size - 1)) :]))
    low, noise = float(smooth[best]), _noise(val.y[best:])
    rise = end - low
    # The lowest of many points is low by chance, too: most of what came later must stand out as well.
    later = float(np.median(val.y[(best + val.size) // 2 :])) - low
    if best > LONG_AGO * (val.size - 1) or rise < max(LOST * low, STANDS_OUT * noise) or later < 3 * noise:
        return
    fell = _fell_since(loss, val.at(best)) if trace.loss.clock == trace.val_loss.clock else None
    if fell is False:
        return
    yield _overfits(trace, val, best, low, end, sure=fell is True)


def _noise(y: Floats) -> float:
    """The standard deviation of a curve about its own course: of so few points, all count."""
    return float(np.sqrt(np.mean((y[2:] - 2 * y[1:-1] + y[:-2]) ** 2) / 6)) if y.size >= FEW else 0.0


def _fell_since(loss: Curve, at: float) -> bool | None:
    """Whether the training loss ends below where it was at `at`; None where it was not logged so long."""
    here = int(np.searchsorted(loss.x, at))
    tenth = max(1, loss.size // 20)
    then, now = loss.y[max(0, here - tenth) : here + tenth + 1], loss.y[-tenth:]
    if loss.size < FEW or here >= loss.size - tenth:
        return None
    return bool(np.median(now) < np.median(then))


def _overfits(trace: Trace, val: Curve, best: int, low: float, end: float, sure: bool) -> Finding:
    clock, at = trace.val_loss.clock, val.at(best)
    at_start = best == 0
    since = "it has only risen since" if at_start else f"it has since risen by {share(end / low - 1)}"
    more = ", while the training loss still fell" if sure else ""
    return Finding(
        "overfitting",
        f"The validation loss was best at {place(clock, at)}, {number(low)}, and {since} to {number(end)}{more}: the "
        "model overfits; the rate is not thereby wrong.",
        0.9 if sure else 0.7,
        f"Keep the weights of {place(clock, at)}, or make the run {1 + at:,.0f} long with the decay ending there; "
        "weight decay, dropout or more data move the turn.",
        (("best_step", at), ("best", low), ("end", end), ("lost", end / low - 1)),
        (Span("val_loss", at, val.at(-1), "rises"),),
        "A validation metric that still improves, such as accuracy, or a validation set of few examples.",
    )
