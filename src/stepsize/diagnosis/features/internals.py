"""What the norm of the gradient and the size of the updates show."""

from __future__ import annotations

import numpy as np

from stepsize.diagnosis.features.curve import Curve, Floats

FEWEST = 5


def gradient_features(curve: Curve) -> dict[str, float]:
    """The features of the gradient norm; none where there are fewer than five values."""
    found = _decades(curve)
    if found is None:
        return {}
    share, size = found
    usual = float(np.median(size))
    moves = np.abs(np.diff(size))
    early = size[share <= max(0.05, share[0])]
    return {
        "grad_spike": float(np.clip(size.max() - usual, 0, 10)),
        "grad_p99": float(np.clip(np.percentile(size, 99) - usual, 0, 10)),
        "grad_p95": float(np.clip(np.percentile(size, 95) - usual, 0, 10)),
        "grad_trend": _change(share, size, (0.75, 1), (0, 0.05), 6),
        "grad_mid": _change(share, size, (0.25, 0.5), (0, 0.05), 6),
        "grad_late": _change(share, size, (0.8, 1), (0.3, 0.6), 6),
        "grad_noise": float(np.log10(1e-4 + np.median(moves[moves.size // 3 :]))),
        "grad_early": float(np.clip(early.max() - size[0], 0, 8)),
        "grad_peak_at": float(share[int(np.argmax(size))]),
        "grad_first": float(np.clip(size[0] - usual, -6, 6)),
    }


def ratio_features(curve: Curve, updates: float) -> dict[str, float]:
    """The features of |change| / |parameters| of an update; none where there are fewer than five values.

    Args:
        curve: of the ratio.
        updates: made in all; NaN where the clock counts something else.
    """
    found = _decades(curve)
    if found is None:
        return {}
    share, size = found[0], np.clip(found[1], -9, 3)
    early, late = _level(share, size, 0, max(0.05, share[0])), _level(share, size, 0.8, 1)
    return {
        "ratio": float(np.median(size)),
        "ratio_early": early,
        "ratio_late": late,
        "ratio_trend": late - early,
        "ratio_spike": float(np.clip(size.max() - np.median(size), 0, 8)),
        "ratio_max": float(size.max()),
        "ratio_sum": float(np.log10(np.mean(10**size) * updates)),
    }


def _decades(curve: Curve) -> tuple[Floats, Floats] | None:
    positive = curve.value > 0
    if positive.sum() < FEWEST:
        return None
    return curve.share[positive], np.log10(np.maximum(curve.value[positive], 1e-30))


def _level(share: Floats, size: Floats, low: float, high: float) -> float:
    there = size[(share >= low) & (share <= high)]
    return float(np.median(there)) if there.size else float("nan")


def _change(share: Floats, size: Floats, late: tuple[float, float], early: tuple[float, float], most: float) -> float:
    before = _level(share, size, early[0], max(early[1], share[0]))
    return float(np.clip(_level(share, size, *late) - before, -most, most))
