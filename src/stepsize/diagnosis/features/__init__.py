"""The measured features of a run, by which its verdict is reached: scale-free numbers by name, NaN for the unknown."""

from __future__ import annotations

import numpy as np

from stepsize.diagnosis.features.curve import Curve
from stepsize.diagnosis.features.internals import gradient_features, ratio_features
from stepsize.diagnosis.features.loss import loss_features
from stepsize.diagnosis.features.rate import rate_features
from stepsize.diagnosis.features.validation import validation_features
from stepsize.diagnosis.trace import Trace
from stepsize.run import Column


def features_of(trace: Trace) -> dict[str, float]:
    """All features that the trace allows."""
    with np.errstate(all="ignore"):
        length = max(trace.length, 1)
        loss = _curve(trace.loss, length, trace)
        found = loss_features(loss, length)
        found |= validation_features(_curve(trace.val_loss, length, trace), loss) if trace.val_loss.step.size else {}
        found |= gradient_features(_curve(trace.grad_norm, length, trace))
        updates = float(length) if trace.clock == "step" else float("nan")
        found |= ratio_features(_curve(trace.update_ratio, length, trace), updates)
        found |= rate_features(trace.rate, trace.optimizer, _curve(trace.lr, length, trace), loss)
    return found


def _curve(column: Column, length: int, trace: Trace) -> Curve:
    """On the clock of the loss if it shares it; else from its own first value to its own last."""
    own = length if column.clock == trace.clock or not column.step.size else int(column.step[-1]) + 1
    return Curve.of(column, own)
