"""Studies read back from the file that `tune` keeps them in."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from stepsize.errors import UnreadableRun
from stepsize.run.store import Ledger
from stepsize.tuner.conductor import result_of
from stepsize.tuner.order import Order, named
from stepsize.tuner.strategy import conclude
from stepsize.tuner.study import Study, Unfinished
from stepsize.tuner.trial import Trial


def read_study(path: str | os.PathLike[str]) -> Study:
    """The study that `tune` kept at `path`, its conclusion drawn again from its runs.

    Raises:
        UnreadableRun: the file is no study, or the search in it has not ended.
    """
    study = read_kept(path)
    if isinstance(study, Unfinished):
        raise UnreadableRun(f"{path}: the search has not ended ({len(study.runs)} runs so far); resume it first")
    return study


def read_kept(path: str | os.PathLike[str]) -> Study | Unfinished:
    """What `tune` keeps at `path`, also while it is at work.

    Raises:
        UnreadableRun: the file is no study.
    """
    if not Path(path).is_file():
        raise UnreadableRun(f"{path}: there is no such study")
    ledger = Ledger(path, write=False)
    try:
        kept, ended = ledger.note("order"), ledger.note("conclusion")
        if kept is None or ended is None:
            return Unfinished(tuple(ledger.runs()))
        return _recalled(ledger, Order.from_document(kept), ended)
    finally:
        ledger.close()


def _recalled(ledger: Ledger, asked: Order, ended: Any) -> Study:
    runs, results = [], []
    for document in ended["trials"]:
        trial = Trial(document["rate"], document["steps"], document["seed"], named(document["settings"]))
        run = ledger.find(asked.recipe.key(trial))
        if run is None:
            raise UnreadableRun(f"{ledger.path}: a run that the conclusion rests on is missing")
        runs.append(run)
        results.append(result_of(asked, trial, run))
    decision = conclude(asked.plan, results, named(ended["settings"]))
    return Study(tuple(runs), asked, decision, ledger.path)
