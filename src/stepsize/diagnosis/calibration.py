"""What kind of log it is: by this the chances are calibrated."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from stepsize.diagnosis.nets import Floats

KINDS = ("any", "epochs", "unfinished", "decays", "validation", "rate", "internals")


def kind_of(features: Mapping[str, float], clock: str, seen: float) -> Floats:
    """1 for each of `KINDS` that holds.

    Args:
        features: of the run.
        clock: of the loss.
        seen: the share of the planned run that the log holds.
    """
    rate = any(_known(features, f"rate_{name}") for name in ("adam", "sgd", "momentum", "unknown"))
    decays = _known(features, "rate_end") and features["rate_end"] < np.log10(0.5)
    internals = _known(features, "ratio") or _known(features, "grad_spike")
    validated = _known(features, "val_learned")
    return np.array([1, clock == "epoch", seen < 0.98, decays, validated, rate, internals], dtype=np.float64)


def _known(features: Mapping[str, float], name: str) -> bool:
    return bool(np.isfinite(features.get(name, np.nan)))


def tempered(chances: Floats, kind: Floats, weights: Floats) -> Floats:
    """The chances, made more or less sure as the kind of log deserves: log-odds divided by exp(kind · weights)."""
    scores = np.log(np.maximum(chances, 1e-3)) / np.exp(kind @ weights)[..., None]
    odds = np.exp(scores - scores.max(-1, keepdims=True))
    result: Floats = odds / odds.sum(-1, keepdims=True)
    return result
