"""What to log to be told more, by how much more often such a verdict is right."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from stepsize.diagnosis.grading import model
from stepsize.diagnosis.trace import Trace

# So few values make a poor curve.
FEW = 50
RATIO = "The update ratio, which shows early what a rate does; stepsize's Recorder measures it."
BOTH = "The update ratio and the gradient norm, which show early what a rate does; stepsize's Recorder measures them."
# What is logged -> the name under which its accuracy stands.
LOGS = {
    (False, False, False): "loss",
    (False, True, False): "loss, rate, optimizer",
    (True, False, False): "loss, validation",
    (True, True, False): "loss, validation, rate, optimizer",
    (True, True, True): "all of these, gradient norm, update ratio",
}


def lacking(trace: Trace) -> tuple[str, ...]:
    """What is not in the log, the most useful first; a sentence each."""
    return tuple(_lacking(trace))


def _lacking(trace: Trace) -> Iterator[str]:
    validated = trace.val_loss.step.size > 2
    rated = np.isfinite(trace.rate) and trace.optimizer != ""
    inside = trace.update_ratio.step.size > 4
    now = (validated, rated, validated and rated and inside)
    if not trace.loss.step.size:
        yield "The training loss, at every update if you can."
    elif trace.loss.step.size < min(FEW, trace.length / 2):
        yield f"The training loss more often: {trace.loss.step.size} values are few."
    if not validated:
        yield "The validation loss, some 25 times over the run" + _more(now, (True, rated, False))
    if not rated:
        what = "name of the optimizer" if np.isfinite(trace.rate) else "learning rate and the name of the optimizer"
        yield f"The {what}" + _more(now, (validated, True, False))
    if not inside:
        normed = trace.grad_norm.step.size > 4
        yield RATIO if normed else BOTH


def _more(now: tuple[bool, bool, bool], then: tuple[bool, bool, bool]) -> str:
    known = model().accuracy
    before, after = (round(100 * known[LOGS[key]]) for key in (now, then))
    if after <= before:
        return "."
    return f": over all runs that were tried, the likeliest answer is then right {after} times in 100, not {before}."
