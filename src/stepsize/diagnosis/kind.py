"""What kind of log it is: by this the chances are calibrated."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from stepsize.diagnosis.forest import Floats

KINDS = ("any", "epochs", "unfinished", "decays", "validation", "rate", "internals")


def kind_of(features: Mapping[str, float], clock: str, seen: float) -> Floats:
    """1 for each of `KINDS` that holds.

    Args:
        features: of the run.
        clock: of the loss.
        seen: the share of the planned run that the log holds.
    """
    known = lambda name: np.isfinite(features.get(name, np.nan))  # noqa: E731
    rate = any(known(f"rate_{name}") for name in ("adam", "sgd", "momentum", "unknown"))
    decays = known("rate_end") and features["rate_end"] < np.log10(0.5)
    internals = known("ratio") or known("grad_spike")
    return np.array([True, clock == "epoch", seen < 0.98, decays, known("val_learned"), rate, internals], dtype=float)


def tempered(chances: Floats, kind: Floats, weights: Floats) -> Floats:
    """The chances, made more or less sure as the kind of log deserves: log-odds divided by exp(kind · weights)."""
    scores = np.log(np.maximum(chances, 1e-3)) / np.exp(kind @ weights)[..., None]
    odds = np.exp(scores - scores.max(-1, keepdims=True))
    result: Floats = odds / odds.sum(-1, keepdims=True)
    return result
