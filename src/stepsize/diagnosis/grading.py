"""The graded verdict: from measured features to calibrated chances, or to no answer."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from typing import Any, Literal, final

import numpy as np
from numpy.typing import NDArray

from stepsize.diagnosis.calibration import kind_of, tempered
from stepsize.diagnosis.feature_groups import LOGS, log_of
from stepsize.diagnosis.features import features_of
from stepsize.diagnosis.nets import Floats, Nets
from stepsize.diagnosis.reasons import FAMILIES, Reason, families_of, reasons_for
from stepsize.diagnosis.trace import Trace

Answer = Literal["too_low", "good", "too_high"]
ANSWERS: tuple[Answer, ...] = ("too_low", "good", "too_high")
# Fewer values of the loss are no curve; a smaller share of the planned run is not what was learned from.
FEWEST, EARLIEST = 10, 0.09
MODEL = "verdict.npz"


@final
@dataclass(frozen=True, eq=False)
class Model:
    """What was learned, and how its chances are to be read.

    Attributes:
        nets: give chances, for each of `LOGS`.
        weights: of the kinds of log, by which the chances are calibrated.
        threshold: a likeliest answer below it is not given.
        outcomes: by answer, for rising confidence: how far such rates were off in decades, and what that cost.
        accuracy: how often the likeliest answer is right, by what is logged; of tasks that were left out.
        learned_from: the data, in numbers.
    """

    nets: dict[str, Nets]
    weights: Floats
    threshold: float
    outcomes: dict[str, list[dict[str, float]]]
    accuracy: dict[str, float]
    learned_from: dict[str, Any]


@final
@dataclass(frozen=True, eq=False)
class Grade:
    """The answer of the model for one run.

    Attributes:
        chances: of each of `ANSWERS`.
        answer: what would be said, see `likeliest`.
        confidence: its chance.
        given: whether that, and the share of the run that was seen, is enough for an answer.
        factor: by which to multiply the rate; 1 for a good one.
        gain: what the middle one of such runs would gain by the best rate, as a share of what training gains.
        reasons: the features that carried it.
    """

    chances: dict[str, float]
    answer: Answer
    confidence: float
    given: bool
    factor: float
    gain: float
    reasons: tuple[Reason, ...]


@cache
def model() -> Model:
    """The model that comes with stepsize; read once."""
    with as_file(files("stepsize.diagnosis").joinpath(MODEL)) as path, np.load(path, allow_pickle=False) as held:
        about = json.loads(str(held["about"]))
        nets = {log: Nets.taken(held, f"{place}_") for place, log in enumerate(LOGS)}
    about = {name: about[name] for name in ("threshold", "outcomes", "accuracy", "learned_from")} | {
        "weights": np.array(about["weights"])
    }
    return Model(nets, **about)


def grade(trace: Trace) -> Grade | None:
    """The graded verdict on a run; None where its loss is too short to be a curve."""
    if np.isfinite(trace.loss.value).sum() < FEWEST:
        return None
    it, features = model(), features_of(trace)
    nets = it.nets[log_of(name for name, value in features.items() if np.isfinite(value))]
    row = nets.row(features)
    seen = trace.length / trace.planned if trace.cut_short else 1.0
    chances = tempered(nets.chances_of(row[None])[0], kind_of(features, trace.clock, seen), it.weights)
    best = int(likeliest(chances[None])[0])
    confidence, answer = float(chances[best]), ANSWERS[best]
    outcome = _outcome(it.outcomes[answer], confidence)
    return Grade(
        dict(zip(ANSWERS, chances.tolist(), strict=True)),
        answer,
        confidence,
        confidence >= it.threshold and seen >= EARLIEST and not _still_warming_up(trace),
        _round_factor(outcome["off"], answer),
        outcome["lost"],
        reasons_for(features, nets.carried_by(row, families_of(nets.names), len(FAMILIES))[:, best]),
    )


def likeliest(chances: Floats) -> NDArray[np.int64]:
    """The places in `ANSWERS` of the answers: too low or too high where that is more likely than not, else good.

    That is the median of the three, and so the answer that is least often wrong the wrong way; shape (runs, 3).
    """
    return np.where(chances[:, 0] > 0.5, 0, np.where(chances[:, 2] > 0.5, 2, 1)).astype(np.int64)


def _still_warming_up(trace: Trace) -> bool:
    """Whether an unfinished run has not been at its peak yet: what it will do there nobody has seen."""
    rates = trace.lr.value
    return (
        trace.cut_short and rates.size > 1 and int(np.argmax(rates)) >= 0.9 * (rates.size - 1) and rates[0] < rates[-1]
    )


def _outcome(table: list[dict[str, float]], confidence: float) -> dict[str, float]:
    """Of the row whose confidence comes nearest from below."""
    return [row for row in table if row["from"] <= confidence or row is table[0]][-1]


def _round_factor(off: float, answer: str) -> float:
    """Three or ten times: what a person tries. Less far than the middle run was off, as too far is no better."""
    if answer == "good":
        return 1.0
    factor = 10.0 if abs(off) >= 1.25 else 3.0
    return factor if answer == "too_low" else 1 / factor
