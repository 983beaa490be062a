"""Learn the verdict anew, and write the file that stepsize reads it from.

    python -m benchmarks.diagnosis.train --data DIR --recorded DIR [--write]

`--data` holds the corpora of small runs and DeepOBS, `--recorded` what benchmarks.diagnosis.record made. What is
calibrated is what tasks that were left out got; the printed figures are of these too. About 15 minutes on one core.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize

import stepsize.diagnosis
from stepsize.diagnosis.bench.corpora import labelled_runs
from stepsize.diagnosis.bench.evaluation import kinds
from stepsize.diagnosis.bench.fit import fit
from stepsize.diagnosis.bench.left_out import by_source, by_task, chances
from stepsize.diagnosis.bench.measure import of_chances
from stepsize.diagnosis.bench.table import Table, table_of
from stepsize.diagnosis.calibration import KINDS, tempered
from stepsize.diagnosis.feature_groups import LOGS
from stepsize.diagnosis.grading import ANSWERS, MODEL, likeliest

FOLDS, CONFIDENT = 8, (0.0, 0.7, 0.85, 0.95)
# Below this confidence no answer is given: from the loss alone about half of the runs get one, right 19 times in 20.
THRESHOLD = 0.8


def calibrated(sets: list[tuple[Any, Any, Any]]) -> np.ndarray:
    """The weights of the kinds of log under which the chances of left-out runs fit best (Guo et al. 2017)."""
    raw, kind, right = (np.concatenate([one[i] for one in sets]) for i in range(3))

    def loss(weights: np.ndarray) -> float:
        shown = tempered(raw, kind, weights)
        return float(-np.log(shown[np.arange(right.size), right]).mean() + 1e-3 * (weights**2).sum())

    return minimize(loss, np.zeros(len(KINDS)), method="L-BFGS-B").x


def outcomes(table: Table, sure: np.ndarray, rows: np.ndarray) -> dict[str, list[dict[str, float]]]:
    """By answer and confidence: how far the rates of such runs were off (median, decades), and what that cost."""
    said = likeliest(sure)
    confidence = sure[np.arange(said.size), said]
    found: dict[str, list[dict[str, float]]] = {}
    for place, answer in enumerate(ANSWERS):
        found[answer] = []
        for low, high in zip(CONFIDENT, (*CONFIDENT[1:], 1.01), strict=True):
            there = rows[(said == place) & (confidence >= low) & (confidence < high)]
            if there.size >= 20:
                cost = float(np.median(np.minimum(table.lost[there], 1)))
                off = float(np.median(table.off[there]))
                found[answer].append({"from": low, "runs": int(there.size), "off": -off, "lost": max(cost, 0.0)})
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--recorded", type=Path, required=True)
    parser.add_argument("--table", type=Path, help="where the features are kept, to be measured once")
    parser.add_argument("--write", action="store_true", help="put the model into the package")
    asked = parser.parse_args()
    if asked.table and asked.table.exists():
        table = Table.load(asked.table)
    else:
        table = table_of([*labelled_runs(asked.data), *labelled_runs(asked.recorded)], as_logged_by_others=True)
        if asked.table:
            table.save(asked.table)
    every = np.ones(len(table.x), dtype=bool)
    seen = chances(table, by_task(table, every, folds=FOLDS))
    published = table.source != "recorded"
    unseen = chances(table, by_source(table, published))
    right = table.action.astype(np.int64)
    sets = []
    for found, rows in ((seen, np.flatnonzero(every)), (unseen, np.flatnonzero(published))):
        for log, raw in found.items():
            some = rows if rows.size < len(right) else rows[published[rows] | (rows % 4 == 0)]
            sets.append((raw[some], kinds(table, log)[some], right[some]))
    weights = calibrated(sets)
    print("weights", dict(zip(KINDS, weights.round(3).tolist(), strict=True)))
    accuracy: dict[str, float] = {}
    for name, found, base in (("tasks left out", seen, published), ("sources left out", unseen, published)):
        for log, raw in found.items():
            for view in ("step", "epoch", "thin", "prefix"):
                rows = np.flatnonzero(base & (table.view == view))
                sure = tempered(raw[rows], kinds(table, log)[rows], weights)
                said = likeliest(sure)
                it = of_chances(sure, said, right[rows])
                given = sure[np.arange(said.size), said] >= THRESHOLD
                good = (said == right[rows])[given].mean()
                if found is seen and view == "step":
                    accuracy[log] = round(it.accuracy, 4)
                print(
                    f"{name:16s} {view:6s} {log:42s} {it.runs:5d} right {it.accuracy:.3f} wrong way {it.wrong_way:.3f}"
                    f" | surest 60 % {it.answered:.3f} | answered {given.mean():.2f} right {good:.3f}"
                    f" | calibration {it.calibration:.3f}"
                )
    rows = np.flatnonzero((table.view == "step") & published)
    log = "loss, rate, optimizer"
    about = {
        "weights": weights.round(4).tolist(),
        "kinds": KINDS,
        "threshold": THRESHOLD,
        "outcomes": outcomes(table, tempered(seen[log][rows], kinds(table, log)[rows], weights), rows),
        "accuracy": accuracy,
        "learned_from": {
            source: {
                "runs": int(((table.source == source) & (table.view == "step")).sum()),
                "tasks": sorted(set(table.task[table.source == source].tolist())),
            }
            for source in np.unique(table.source).tolist()
        },
    }
    nets = [fit(table, log).arrays(f"{place}_") for place, log in enumerate(LOGS)]
    print(json.dumps({name: value for name, value in about.items() if name != "learned_from"}, indent=1))
    if asked.write:
        path = Path(stepsize.diagnosis.__file__).parent / MODEL
        arrays: dict[str, Any] = {name: part for one in nets for name, part in one.items()}
        np.savez_compressed(path, about=np.array(json.dumps(about)), **arrays)
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB, {len(table.x)} rows")


if __name__ == "__main__":
    main()
