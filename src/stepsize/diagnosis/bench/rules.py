"""What people say one can see in a loss curve, as rules, to be measured beside our verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from stepsize.diagnosis.bench.labelled import KEEP, LOWER, RAISE

# The rates people begin with, log10; a decade around them is thought right.
USUAL = {"adam": -3.0, "momentum": -2.0, "sgd": -1.0}


def four_curves(found: Mapping[str, float]) -> int:
    """CS231n's picture: a straight fall is too low, an early plateau or a rise too high, the rest is good."""
    if found.get("broke", 0) or (found.get("learned", 0) < 0.05 and found.get("rise5", -3) > -1):
        return LOWER
    if found.get("linear", 0) < -0.97 or found.get("t50", -3) > -0.7:
        return RAISE
    return LOWER if found.get("late25", 1) < 0.02 and found.get("log_drop", 1) < 0.5 else KEEP


def plateau_or_zigzag(found: Mapping[str, float]) -> int:
    """A rule often copied: raise on a plateau, lower on zigzags."""
    if found.get("broke", 0):
        return LOWER
    if abs(found.get("late50", 0)) < 0.01:
        return RAISE
    return LOWER if found.get("noise_late", -6) > -1 else KEEP


def update_ratio(found: Mapping[str, float]) -> int:
    """Karpathy's: updates should be about a thousandth of the weights."""
    if found.get("broke", 0):
        return LOWER
    ratio = found["ratio"]
    return RAISE if ratio < -3.5 else LOWER if ratio > -2.5 else KEEP


def usual_rate(found: Mapping[str, float]) -> int:
    """No look at the curve: within half a decade of the usual rate is good."""
    off = next((found[f"rate_{name}"] - usual for name, usual in USUAL.items() if f"rate_{name}" in found), 0.0)
    return RAISE if off < -0.5 else LOWER if off > 0.5 else KEEP


# name -> (the rule, the features that it cannot do without)
RULES: dict[str, tuple[Callable[[Mapping[str, float]], int], tuple[str, ...]]] = {
    "CS231n's four curves": (four_curves, ()),
    "plateau: raise, zigzag: lower": (plateau_or_zigzag, ()),
    "update ratio 1e-3 (Karpathy)": (update_ratio, ("ratio",)),
    "usual rate, no curve": (usual_rate, ("rate_",)),
}
