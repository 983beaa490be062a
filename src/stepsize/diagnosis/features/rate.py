"""What the rate itself shows: its size beside the optimizer, its course, and how the loss answers to it."""

from __future__ import annotations

import numpy as np

from stepsize.diagnosis.features.curve import Curve

OPTIMIZERS = ("adam", "sgd", "momentum")


def rate_features(rate: float, optimizer: str, course: Curve, loss: Curve) -> dict[str, float]:
    """The features of the rate.

    Args:
        rate: the peak; NaN where it is unknown.
        optimizer: one of `OPTIMIZERS`, or empty.
        course: the rate over the run, empty where it was not logged.
        loss: of the training.
    """
    size = float(np.log10(rate)) if rate > 0 else float("nan")
    # The same number means another thing to another optimizer.
    found = {f"rate_{name}": size if name == optimizer else float("nan") for name in OPTIMIZERS}
    if not optimizer:
        found["rate_unknown"] = size
    if course.size < 2 or not course.value.max() > 0:
        return found
    return found | _course(course, loss)


def _course(course: Curve, loss: Curve) -> dict[str, float]:
    peak = float(course.value.max())
    found = {
        "rate_end": float(np.log10(max(course.value[-1] / peak, 1e-4))),
        "rate_mean": float(np.log10(max(course.value.mean() / peak, 1e-4))),
        "rate_peak_at": float(course.share[int(np.argmax(course.value))]),
    }
    return found | _answer(course, peak, loss) if loss.size >= 10 else found


def _answer(course: Curve, peak: float, loss: Curve) -> dict[str, float]:
    """What the loss did while the rate came down from its half: a large drop there says the peak was a noisy place."""
    after = int(np.argmax(course.value))
    below = np.flatnonzero(course.value[after:] < peak / 2)
    if not below.size or (where := float(course.share[after + below[0]])) > 0.98:
        return {}
    here = loss.at(where)
    return {
        "decay_gain": float(np.clip((here - loss.end) / loss.drop, -2, 2)),
        "decay_power": float(np.clip(np.log10(here / loss.end), -1, 3)) if min(here, loss.end) > 0 else float("nan"),
        "before_decay": float(np.clip((loss.at(0.5 * where) - here) / loss.drop, -2, 2)),
    }
