"""What the loss of the validation shows, by itself and beside that of the training."""

from __future__ import annotations

import numpy as np

from stepsize.diagnosis.features.curve import Curve, decades
from stepsize.diagnosis.features.loss import FEWEST

SHARES = (0.1, 0.25, 0.5, 0.75, 0.9)


def validation_features(validation: Curve, training: Curve) -> dict[str, float]:
    """The features of the validation loss; none where there are fewer than three values."""
    if validation.size < FEWEST:
        return {}
    drop = _drop(validation)
    found = {"val_broke": float(validation.broke)} | _course(validation, drop)
    return found | _beside(validation, drop, training) if training.size >= FEWEST else found


def _drop(curve: Curve) -> float:
    # Few and not noisy: the lowest value itself, not a level.
    return max(float(curve.value[0] - curve.value.min()), 1e-12 * max(abs(float(curve.value[0])), 1e-30))


def _course(curve: Curve, drop: float) -> dict[str, float]:
    start, best, end = float(curve.value[0]), float(curve.value.min()), curve.end
    moves = np.diff(curve.value)
    settled = np.abs(moves[curve.size // 3 :])
    found = {
        "val_end_above_best": float(np.log10(1e-3 + np.clip((end - best) / drop, 0, 1e3))),
        "val_best_at": float(curve.share[int(np.argmin(curve.value))]),
        "val_noise": decades(float(np.median(settled)) / drop, 1e-4) if settled.size else float("nan"),
        "val_rising": float(np.mean(moves > 0)),
        "val_rise": float(np.log10(1e-3 + np.clip((curve.value.max() - start) / drop, 0, 1e6))),
        "val_learned": float(np.clip((start - end) / max(abs(start), abs(best), 1e-30), -1, 1)),
        "val_log_drop": float(np.clip(np.log10(start / best), -12, 12)) if best > 0 else float("nan"),
    }
    for share in SHARES:
        here = float(np.interp(share, curve.share, curve.value))
        found[f"val_late{round(100 * share)}"] = float(np.clip((here - end) / drop, -2, 2))
    return found | {f"val_t{round(100 * part)}": _reaches(curve, drop, part) for part in (0.5, 0.9, 0.99)}


def _reaches(curve: Curve, drop: float, part: float) -> float:
    done = np.clip((curve.value[0] - np.minimum.accumulate(curve.value)) / drop, 0, 1)
    place = int(np.argmax(done >= part))
    if place == 0:
        return decades(float(curve.share[0]), 1e-3)
    weight = (part - done[place - 1]) / max(done[place] - done[place - 1], 1e-12)
    share = curve.share[place - 1] + weight * (curve.share[place] - curve.share[place - 1])
    return decades(float(share), 1e-3)


def _beside(curve: Curve, drop: float, training: Curve) -> dict[str, float]:
    whole = max(training.drop, drop)
    return {
        "gap_end": float(np.clip((curve.end - training.end) / whole, -2, 2)),
        "gap_best": float(np.clip((curve.value.min() - training.best) / whole, -2, 2)),
        "drop_beside": float(np.clip(np.log10(drop / training.drop), -3, 3)),
    }
