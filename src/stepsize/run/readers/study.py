"""A study of stepsize's own: the runs that a search made, in its ledger, while it goes on or after."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from stepsize.errors import StepsizeError, UnreadableRun
from stepsize.policy import Policy
from stepsize.run.database import Connection, Tables
from stepsize.run.log import Log
from stepsize.run.packed import unpacked

FORMAT = "stepsize study"

# What a row that is no run may raise.
WRONG = (StepsizeError, ValueError, KeyError, TypeError, EOFError, BadZipFile, RecursionError)


def fits(tables: Tables) -> bool:
    """Whether these are a ledger's tables."""
    return {"number", "key", "about", "columns"} <= tables.get("run", set()) and "note" in tables


def logs(database: Connection, tables: Tables, path: Path) -> list[Log]:
    """Its runs as "run 1", "run 2", ... in the order of their ends; raises UnreadableRun where there is none."""
    del tables
    found: list[Log] = []
    wrong = ""
    for number, about, columns in database.execute("SELECT number, about, columns FROM run ORDER BY number"):
        try:
            found.append(_log(number, json.loads(about), columns))
        except WRONG as error:
            wrong = f"run {number} is damaged ({error})"
    if not found:
        raise UnreadableRun(f"{path}: {wrong or 'a study in which no run has ended yet'}")
    return found


def _log(number: int, about: dict[str, Any], columns: bytes) -> Log:
    settings = dict(about["settings"])
    if about["policy"] is not None:
        policy = Policy.from_json(json.dumps(about["policy"]))
        settings = {
            **({"optimizer": policy.optimizer} if policy.optimizer else {}),
            **dict(policy.settings),
            **settings,
        }
    notes = () if about["outcome"] == "finished" else (f"the run {about['outcome']}: {about['reason']}",)
    return Log(unpacked(columns), f"run {number}", int(about["steps"]), settings, notes)
