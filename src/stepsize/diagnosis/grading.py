"""The graded verdict: from measured features to calibrated chances, or to no answer."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from typing import Any, final

import numpy as np

from stepsize.diagnosis.committee import Committee
from stepsize.diagnosis.features import features_of
from stepsize.diagnosis.forest import Floats
from stepsize.diagnosis.kind import kind_of, tempered
from stepsize.diagnosis.reasons import Reason, reasons_for
from stepsize.diagnosis.trace import Trace

ANSWERS = ("too_low", "good", "too_high")
# Fewer values of the loss are no curve.
FEWEST = 8
MODEL = "verdict.npz"


@final
@dataclass(frozen=True, eq=False)
class Model:
    """What was learned, and how its chances are to be read.

    Attributes:
        committee: gives chances.
        weights: of the kinds of log, by which the chances are calibrated.
        threshold: a likeliest answer below it is not given.
        outcomes: by answer, for rising confidence: how far such rates were off in decades, and what that cost.
        learned_from: the data, in numbers.
    """

    committee: Committee
    weights: Floats
    threshold: float
    outcomes: dict[str, list[dict[str, float]]]
    learned_from: dict[str, Any]


@final
@dataclass(frozen=True, eq=False)
class Grade:
    """The answer of the model for one run.

    Attributes:
        chances: of each of `ANSWERS`.
        answer: the likeliest.
        confidence: its chance.
        given: whether that is enough for an answer.
        factor: by which to multiply the rate; 1 for a good one.
        gain: what the middle one of such runs would gain by the best rate, as a share of what training gains.
        reasons: the features that carried it.
    """

    chances: dict[str, float]
    answer: str
    confidence: float
    given: bool
    factor: float
    gain: float
    reasons: tuple[Reason, ...]


@cache
def model() -> Model:
    """The model that comes with stepsize; read once."""
    with as_file(files("stepsize.diagnosis").joinpath(MODEL)) as path:
        committee = Committee.load(path)
        with np.load(path, allow_pickle=False) as held:
            about = json.loads(str(held["about"]))
    return Model(committee, np.array(about["weights"]), about["threshold"], about["outcomes"], about["learned_from"])


def grade(trace: Trace) -> Grade | None:
    """The graded verdict on a run; None where its loss is too short to be a curve."""
    if np.isfinite(trace.loss.value).sum() < FEWEST:
        return None
    it, features = model(), features_of(trace)
    raw, parts = it.committee.chances_of(features)
    seen = trace.length / trace.planned if trace.cut_short else 1.0
    chances = tempered(raw, kind_of(features, trace.clock, seen), it.weights)
    best = int(chances.argmax())
    confidence, answer = float(chances[best]), ANSWERS[best]
    outcome = _outcome(it.outcomes[answer], confidence)
    return Grade(
        dict(zip(ANSWERS, chances.tolist(), strict=True)),
        answer,
        confidence,
        confidence >= it.threshold,
        _round_factor(outcome["off"], answer),
        outcome["lost"],
        reasons_for(features, parts[:, best], it.committee.names),
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
