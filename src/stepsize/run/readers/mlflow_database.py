"""MLflow's tracking database: every run in an `mlflow.db`, each metric with the steps it was logged with.

Tables as of MLflow 3.17: `runs`, `params`, `metrics`; NaN is a flag beside the value, and an infinite value is
written as the largest float.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepsize.errors import UnreadableRun
from stepsize.run.column import Column
from stepsize.run.database import Connection, Tables, scanned
from stepsize.run.log import Log
from stepsize.run.readers.names import by_house_names
from stepsize.run.readers.series import clocked, series, told_apart
from stepsize.run.readers.settings import Stated

FORMAT = "MLflow database"

# What MLflow's own autologging calls the settings of an optimizer.
AUTOLOGGED = {"opt_name": "optimizer", "optimizer_name": "optimizer", "opt_learning_rate": "learning_rate"}
ROW = np.dtype([("series", "i4"), ("step", "i8"), ("value", "f8")])
# Numbers instead of names: far less to hand over for each value.
NUMBERED = """
DROP TABLE IF EXISTS temp.series;
CREATE TEMP TABLE series (number INTEGER, run TEXT, key TEXT, PRIMARY KEY (key, run)) WITHOUT ROWID;
INSERT INTO series SELECT row_number() OVER () - 1, run_uuid, key FROM (
    SELECT DISTINCT m.run_uuid, m.key FROM {source} m JOIN runs r ON r.run_uuid = m.run_uuid
    WHERE r.lifecycle_stage IS NOT 'deleted' AND typeof(m.key) = 'text' AND typeof(m.run_uuid) = 'text'
);
"""
VALUES = """
SELECT s.number, CAST(m.step AS INTEGER),
       CASE WHEN m.is_nan OR m.value IS NULL THEN 'nan' ELSE CAST(m.value AS REAL) END
FROM metrics m NOT INDEXED CROSS JOIN series s ON s.key = m.key AND s.run = m.run_uuid
WHERE m.rowid BETWEEN ? AND ? AND m.step NOT NULL
"""


def fits(tables: Tables) -> bool:
    """Whether these are MLflow's tables."""
    needed = {"key", "value", "run_uuid", "step", "is_nan"}
    return needed <= tables.get("metrics", set()) and {"run_uuid", "name", "lifecycle_stage"} <= tables.get(
        "runs", set()
    )


def logs(database: Connection, tables: Tables, path: Path) -> list[Log]:
    """The runs that were not deleted and have a metric; raises UnreadableRun where there is none."""
    # The last value of each metric, in newer files, says at once which there are.
    latest = {"run_uuid", "key"} <= tables.get("latest_metrics", set())
    keys = _numbered(database, "latest_metrics") if latest else []
    keys = keys or _numbered(database, "metrics")
    values, wrong = scanned(database, "metrics", VALUES, ROW)
    if not values.size:
        raise UnreadableRun(f"{path}: {wrong or 'an MLflow database without any metric'}")
    notes = (f"cut short: {wrong}",) if wrong else ()
    found = _by_run(keys, values)
    names = _names(database, list(found))
    settings = _settings(database) if {"run_uuid", "key", "value"} <= tables.get("params", set()) else {}
    return [log_of(columns, names[run], settings.get(run, {}), notes) for run, columns in found.items()]


def _numbered(database: Connection, source: str) -> list[tuple[str, str]]:
    """The run and the key of each series, by its number."""
    database.executescript(NUMBERED.format(source=source))
    return database.execute("SELECT run, key FROM series ORDER BY number").fetchall()


def log_of(columns: dict[str, Column], name: str, settings: dict[str, Any], notes: tuple[str, ...] = ()) -> Log:
    """One run of MLflow's."""
    stated = Stated()
    stated.take({AUTOLOGGED.get(key, key): value for key, value in settings.items()})
    placed, guessed = clocked(columns, 0 if stated.steps else stated.settings.get("epochs", 0))
    return Log(by_house_names(placed), name, stated.steps, stated.settings, notes + guessed)


def _by_run(keys: list[tuple[str, str]], values: NDArray[Any]) -> dict[str, dict[str, Column]]:
    # Small numbers are sorted by their digits, in one pass.
    small = np.int16 if len(keys) < 2**15 else np.int32
    values = values[np.argsort(values["series"].astype(small), kind="stable")]
    ends = np.searchsorted(values["series"], np.arange(len(keys) + 1))
    found: defaultdict[str, dict[str, Column]] = defaultdict(dict)
    for (run, key), begin, end in zip(keys, ends[:-1], ends[1:], strict=True):
        if end > begin:
            found[run][key] = series(values["step"][begin:end], _finite(values["value"][begin:end]))
    return dict(found)


def _finite(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The largest float stands for an infinite value."""
    return np.where(np.abs(values) == np.finfo(np.float64).max, np.copysign(np.inf, values), values)


def _names(database: Connection, runs: list[str]) -> dict[str, str]:
    known = {str(run): str(name or "") for run, name in database.execute("SELECT run_uuid, name FROM runs")}
    return told_apart({run: known.get(run, "") for run in runs})


def _settings(database: Connection) -> dict[str, dict[str, str]]:
    found: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for run, key, value in database.execute("SELECT run_uuid, key, value FROM params"):
        found[run][str(key)] = value
    return found
