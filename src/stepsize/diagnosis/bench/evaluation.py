"""The evaluation: our verdict and the rules of others on the same labelled runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from stepsize.diagnosis.bench.labelled import ACTIONS
from stepsize.diagnosis.bench.left_out import RECORDED, Splits, by_source, by_task, chances, shown_with
from stepsize.diagnosis.bench.measure import Measure, interval, of_chances, of_choices
from stepsize.diagnosis.bench.rules import RULES
from stepsize.diagnosis.bench.table import Table
from stepsize.diagnosis.grading import Model, likeliest, model
from stepsize.diagnosis.kind import KINDS, kind_of, tempered
from stepsize.diagnosis.nets import Floats, Nets

# What a log may hold, from the poorest on: the groups of features that it allows.
LOGS: dict[str, tuple[str, ...]] = {
    "loss": (),
    "loss, rate, optimizer": ("rate",),
    "loss, validation": ("validation",),
    "loss, validation, rate, optimizer": ("validation", "rate"),
    "all of these, gradient norm, update ratio": ("validation", "rate", "gradient", "update"),
}
SCHEMA = "stepsize.bench-diagnose/1"


@final
@dataclass(frozen=True, eq=False)
class Row:
    """One way to judge, measured; `given` and `given_right` are of the answers that are not "undecided"."""

    log: str
    way: str
    measure: Measure
    given: float = float("nan")
    given_right: float = float("nan")
    given_wrong_way: float = float("nan")

    def document(self) -> dict[str, Any]:
        """As a JSON value."""
        it = self.measure
        return {
            "log": self.log,
            "way": self.way,
            "runs": it.runs,
            "accuracy": it.accuracy,
            "accuracy_interval": interval(it.accuracy, it.runs),
            "wrong_way": it.wrong_way,
            "wrong_way_interval": interval(it.wrong_way, it.runs),
            "surest_60_accuracy": it.answered,
            "surest_60_wrong_way": it.answered_wrong_way,
            "calibration_error": it.calibration,
            "answered": self.given,
            "answered_accuracy": self.given_right,
            "answered_wrong_way": self.given_wrong_way,
            "confusion": {
                right: dict(zip(ACTIONS, row.tolist(), strict=True))
                for right, row in zip(ACTIONS, it.confusion, strict=True)
            },
        }


def evaluate(table: Table, left_out: str = "") -> list[Row]:
    """Measure the verdict and the rules on every run of the table that stands as it was logged.

    Args:
        table: of labelled runs, with the features of the installed model where that is judged; what was recorded to
            learn from is not tested where there is anything else.
        left_out: "task" or "source": learn anew without it, before it is judged; empty: the model that is installed.
    """
    it = model()
    tested = (table.view == "step") | (table.view == "epoch")
    if (table.source[tested] != RECORDED).any():
        tested &= table.source != RECORDED
    found = chances(table, _splits(table, tested, left_out, it.nets), LOGS)
    rows = []
    for view in np.unique(table.view[tested]):
        part = tested & (table.view == view)
        rows += [_ours(table, part, raw, log, f"{view}s", it) for log, raw in found.items() if _holds(table, part, log)]
    return rows + _rules(table, tested & (table.view == "step"))


def _splits(table: Table, tested: NDArray[np.bool_], left_out: str, nets: Nets) -> Splits:
    if left_out == "task":
        return by_task(table, tested)
    if left_out == "source":
        return by_source(table, tested)
    return iter([(tested, nets)])


def _holds(table: Table, part: NDArray[np.bool_], log: str) -> bool:
    """Whether some of the runs have what the log is said to hold."""
    needs = {"gradient": "grad_spike", "update": "ratio", "validation": "val_learned"}
    names = list(table.names)
    return all(np.isfinite(table.x[part, names.index(needs[group])]).any() for group in LOGS[log] if group in needs)


def _ours(table: Table, part: NDArray[np.bool_], raw: Floats, log: str, view: str, it: Model) -> Row:
    rows = np.flatnonzero(part)
    if "gradient" in LOGS[log]:
        rows = rows[np.isfinite(table.x[rows, list(table.names).index("ratio")])]
    sure = tempered(raw[rows], kinds(table, LOGS[log])[rows], it.weights)
    right, said = table.action[rows].astype(np.int64), likeliest(sure)
    confidence = sure[np.arange(rows.size), said]
    given = confidence >= it.threshold
    answered = of_choices(said[given], right[given])
    return Row(
        log,
        f"stepsize, {view}",
        of_chances(sure, said, right),
        float(given.mean()),
        answered.accuracy if given.any() else float("nan"),
        answered.wrong_way if given.any() else float("nan"),
    )


def kinds(table: Table, logged: tuple[str, ...]) -> Floats:
    """The kind of log of each row, were only these groups logged."""
    x = shown_with(table, logged)
    clocks = np.where(table.view == "epoch", "epoch", "step")
    rows = (dict(zip(table.names, row, strict=True)) for row in x)
    return np.array(
        [kind_of(row, clock, seen) for row, clock, seen in zip(rows, clocks, table.seen, strict=True)]
    ).reshape(-1, len(KINDS))


def _rules(table: Table, tested: NDArray[np.bool_]) -> list[Row]:
    rows = np.flatnonzero(tested)
    features: list[Mapping[str, float]] = [
        {name: value for name, value in zip(table.names, row, strict=True) if np.isfinite(value)}
        for row in table.x[rows]
    ]
    right = table.action[rows].astype(np.int64)
    measured = []
    for name, (rule, needs) in RULES.items():
        can = np.array(
            [all(need in found or any(k.startswith(need) for k in found) for need in needs) for found in features]
        )
        if can.any():
            said = np.array([rule(found) for found, one in zip(features, can, strict=True) if one])
            measured.append(Row(", ".join(needs) or "loss", name, of_choices(said, right[can])))
    return measured
