"""Trackio's project file: every run in a `<project>.db`, a JSON object of metrics for each call of its `log`.

Tables as of trackio 0.43: `metrics` with run_id, which older files lack, run_name, step and metrics; and `configs`;
what JSON has no word for is written "NaN", "Infinity" and "-Infinity".
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stepsize.errors import UnreadableRun
from stepsize.run.database import Connection, Tables, walked
from stepsize.run.log import Log
from stepsize.run.readers.calls import Calls
from stepsize.run.readers.objects import flat
from stepsize.run.readers.series import told_apart

FORMAT = "Trackio database"

ROWS = "SELECT {run}, step, metrics FROM metrics WHERE rowid BETWEEN ? AND ?"


def fits(tables: Tables) -> bool:
    """Whether these are Trackio's tables."""
    return {"run_name", "step", "metrics"} <= tables.get("metrics", set())


def logs(database: Connection, tables: Tables, path: Path) -> list[Log]:
    """The runs that logged a number; raises UnreadableRun where there is none."""
    run = "run_id" if "run_id" in tables["metrics"] else "run_name"
    calls, bad, wrong = _calls(database, run)
    notes = ((f"cut short: {wrong}",) if wrong else ()) + ((f"{bad} rows are no JSON objects",) if bad else ())
    names = dict(database.execute(f"SELECT {run}, run_name FROM metrics GROUP BY {run}")) if not wrong else {}
    known = told_apart({each: str(names.get(each) or each) for each in calls})
    configs = dict(_configs(database, run)) if {run, "config"} <= tables.get("configs", set()) and not wrong else {}
    found = []
    for each, rows in calls.items():
        try:
            found.append(rows.log(path, known[each], configs.get(each, {}), notes))
        except UnreadableRun:
            continue  # a run that logged no number
    if not found:
        raise UnreadableRun(f"{path}: {wrong or 'a Trackio database without any number'}")
    return found


def _calls(database: Connection, run: str) -> tuple[dict[Any, Calls], int, str]:
    """The calls of each run, how many rows make no sense, and what is wrong behind those that were read."""
    found: dict[Any, Calls] = {}
    bad = 0
    rows = walked(database, "metrics", ROWS.format(run=run))
    try:
        for which, step, metrics in rows:
            row = _object(metrics)
            if row is None or not isinstance(step, int):
                bad += 1
                continue
            calls = found.setdefault(which, Calls())
            for name in row:
                calls.knows(name)
            calls.add(step, row)
    except UnreadableRun as error:
        return found, bad, str(error)
    return found, bad, ""


def _configs(database: Connection, run: str) -> Iterator[tuple[Any, dict[str, Any]]]:
    for which, config in database.execute(f"SELECT {run}, config FROM configs"):
        yield which, _object(config) or {}


def _object(raw: Any) -> dict[str, Any] | None:
    """The object that a JSON text is, without levels; None if it is none."""
    try:
        row = json.loads(raw)
    except (ValueError, TypeError, RecursionError):
        return None
    return flat(row) if isinstance(row, dict) else None
