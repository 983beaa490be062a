"""The evaluation: our verdict and the rules of others on the same labelled runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from stepsize.diagnosis.bench.fit import shown
from stepsize.diagnosis.bench.labelled import ACTIONS
from stepsize.diagnosis.bench.left_out import RECORDED, by_source, by_task, chances
from stepsize.diagnosis.bench.measure import Measure, interval, of_chances, of_choices
from stepsize.diagnosis.bench.rules import RULES
from stepsize.diagnosis.bench.table import Table
from stepsize.diagnosis.calibration import KINDS, kind_of, tempered
from stepsize.diagnosis.feature_groups import LOGS
from stepsize.diagnosis.grading import Model, likeliest, model
from stepsize.diagnosis.nets import Floats

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
    found = _chances(table, tested, left_out, it)
    rows = []
    for view in np.unique(table.view[tested]):
        part = tested & (table.view == view)
        rows += [_ours(table, part, raw, log, f"{view}s", it) for log, raw in found.items() if _holds(table, part, log)]
    return rows + _rules(table, tested & (table.view == "step"))


def _chances(table: Table, tested: NDArray[np.bool_], left_out: str, it: Model) -> dict[str, Floats]:
    if left_out == "task":
        return chances(table, by_task(table, tested))
    if left_out == "source":
        return chances(table, by_source(table, tested))
    return {log: nets.chances_of(np.stack([nets.row(row) for row in _rows(table)])) for log, nets in it.nets.items()}


def _rows(table: Table) -> list[dict[str, float]]:
    """The known features of each row, by name."""
    return [{n: v for n, v in zip(table.names, row, strict=True) if np.isfinite(v)} for row in table.x.astype(float)]


def _holds(table: Table, part: NDArray[np.bool_], log: str) -> bool:
    """Whether some of the runs have what the log is said to hold."""
    needs = {"gradient": "grad_spike", "update": "ratio", "validation": "val_learned"}
    names = list(table.names)
    return all(np.isfinite(table.x[part, names.index(needs[group])]).any() for group in LOGS[log] if group in needs)


def _ours(table: Table, part: NDArray[np.bool_], raw: Floats, log: str, view: str, it: Model) -> Row:
    rows = np.flatnonzero(part)
    if "gradient" in LOGS[log]:
        rows = rows[np.isfinite(table.x[rows, list(table.names).index("ratio")])]
    sure = tempered(raw[rows], kinds(table, log)[rows], it.weights)
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


def kinds(table: Table, log: str) -> Floats:
    """The kind of log of each row, were only this logged."""
    x = np.where(shown(table, log), table.x, np.nan)
    clocks = np.where(table.view == "epoch", "epoch", "step")
    rows = (dict(zip(table.names, row, strict=True)) for row in x)
    found = [kind_of(row, clock, seen) for row, clock, seen in zip(rows, clocks, table.seen, strict=True)]
    return np.array(found).reshape(-1, len(KINDS))


def _rules(table: Table, tested: NDArray[np.bool_]) -> list[Row]:
    rows = np.flatnonzero(tested)
    features = _rows(table.rows(tested))
    right = table.action[rows].astype(np.int64)
    measured = []
    for name, (rule, needs) in RULES.items():
        can = np.array(
            [all(need in found or any(k.startswith(need) for k in found) for need in needs) for found in features]
        )
        if can.any():
            said = np.array([rule(found) for found, one in zip(features, can, strict=True) if one])
            measured.append(
                Row(", ".join(need.rstrip("_") for need in needs) or "loss", name, of_choices(said, right[can]))
            )
    return measured
