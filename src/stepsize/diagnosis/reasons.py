"""Why: the measured features that carried a verdict, told by families, as neighbours share what they know."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from stepsize.diagnosis.nets import Floats
from stepsize.report.digits import number

# What adds less to the log-odds carries nothing.
LEAST, MOST = 0.1, 6


@final
@dataclass(frozen=True)
class Reason:
    """One measured feature of the run and how far it moved the verdict.

    Attributes:
        name: of the feature.
        value: as measured.
        words: what it means here, in half a sentence.
        weight: what its family added to the log-odds of the answer, below 0 if it spoke against; the largest first.
    """

    name: str
    value: float
    words: str
    weight: float


def _part(value: float) -> str:
    """A share in hundredths, from its log10."""
    share = 100 * 10**value
    if share > 1000:
        return "over 1,000 %"
    return f"{share:.0f} %" if share >= 1 else f"{share:.1g} %"


def _share(value: float) -> str:
    return f"{100 * value:.0f} %"


def _times(value: float) -> str:
    return number(10**value, 3)


# family -> (its features by how their names begin, the one that is told, how it is told)
FAMILIES: dict[str, tuple[tuple[str, ...], str, Callable[[float], str]]] = {
    "break": (
        ("broke", "val_broke"),
        "broke",
        lambda v: "the loss is no number in places" if v else "every loss is a number",
    ),
    "pace": (("t1", "t2", "t5", "t7", "t9"), "t90", lambda v: f"nine tenths of the fall took {_part(v)} of the run"),
    "late progress": (
        ("late", "octave", "power_", "linear", "progress", "moved_late", "trend", "range"),
        "late50",
        lambda v: f"the second half of the run brought {_share(v) if v >= 0.005 else 'nothing'} of the fall",
    ),
    "noise": (
        ("noise_", "drop_to_noise", "zigzag", "tails", "lean"),
        "noise_late",
        lambda v: f"near the end the loss jitters by {_part(v)} of its fall",
    ),
    "early rise": (
        ("rise5", "rise", "first_updates", "moved_early"),
        "rise5",
        lambda v: _rise(v, "in the first twentieth of the run"),
    ),
    "spikes": (("spike",), "spike", lambda v: f"its highest spike stands {_part(v)} of the fall above the level"),
    "end": (
        ("end_above_best", "rising"),
        "end_above_best",
        lambda v: f"it ends {_share(v)} of its fall above its lowest level" if v >= 0.005 else "it ends at its lowest",
    ),
    "learned": (
        ("learned", "drop_to_scale", "log_drop", "moved"),
        "learned",
        lambda v: f"the loss fell by {_share(v)}" if v >= 0 else "the loss ended above its start",
    ),
    "record": (("points", "length"), "points", lambda v: f"the curve has {10**v:,.0f} values"),
    "validation": (
        ("val_",),
        "val_best_at",
        lambda v: f"the validation loss was lowest {'at the end' if v > 0.98 else f'after {_share(v)} of the run'}",
    ),
    "gap": (
        ("gap_", "drop_beside"),
        "gap_end",
        lambda v: _gap(v),
    ),
    "gradient": (
        ("grad_",),
        "grad_spike",
        lambda v: f"the largest gradient norm is {number(10**v, 2)} times the usual one",
    ),
    "update ratio": (("ratio",), "ratio", lambda v: f"an update usually changes {_times(v)} of the parameters"),
    "rate": (
        ("rate_adam", "rate_sgd", "rate_momentum", "rate_unknown"),
        "rate_",
        lambda v: f"the peak rate is {_times(v)}",
    ),
    "decay": (
        ("rate_end", "rate_mean", "rate_peak_at", "decay_", "before_decay"),
        "rate_end",
        lambda v: "the rate stayed where it was" if v > -0.01 else f"the rate came down to {_part(v)} of its peak",
    ),
}  # fmt: skip


def _gap(value: float) -> str:
    if abs(value) < 0.005:
        return "validation and training loss end alike"
    side = "above" if value > 0 else "below"
    return f"the validation loss ends {side} that of training, by {_share(abs(value))} of the fall"


def _rise(value: float, where: str) -> str:
    if value < -1.5:
        return f"it never rose above its start {where}"
    if value > 0:
        return f"{where} it rose above its start by {number(10**value, 2)} times its fall"
    return f"{where} it rose above its start by {_part(value)} of the fall"


def family_of(name: str) -> str:
    """The family of a feature: that with the longest beginning in common."""
    fitting = [
        (len(start), family)
        for family, (starts, _, _) in FAMILIES.items()
        for start in starts
        if name.startswith(start)
    ]
    return max(fitting)[1]


def families_of(names: NDArray[np.str_]) -> NDArray[np.intp]:
    """The number of each feature's family, in the order of `FAMILIES`."""
    order = list(FAMILIES)
    return np.array([order.index(family_of(str(name))) for name in names])


def reasons_for(features: Mapping[str, float], weights: Floats) -> tuple[Reason, ...]:
    """What each family of features added to the log-odds of the answer, the weightiest first.

    Args:
        features: of the run.
        weights: of each family, in the order of `FAMILIES`.
    """
    told = [_reason(family, float(w), features) for family, w in zip(FAMILIES, weights, strict=True) if abs(w) >= LEAST]
    return tuple(sorted((one for one in told if one is not None), key=lambda one: -abs(one.weight))[:MOST])


def _reason(family: str, weight: float, features: Mapping[str, float]) -> Reason | None:
    starts, told, words = FAMILIES[family]
    name = next(
        (one for one in features if one.startswith(told) and one.startswith(starts) and np.isfinite(features[one])), ""
    )
    # That nothing broke, and how long the log is, weighs something but explains nothing.
    mute = not name or family == "record" or (family == "break" and not features[name])
    return None if mute else Reason(name, features[name], words(features[name]), weight)
