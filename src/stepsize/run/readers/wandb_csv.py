"""A chart of W&B, exported as CSV: one metric of one or more runs, on the chart's horizontal axis."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from stepsize.errors import UnreadableRun
from stepsize.run.log import Log
from stepsize.run.readers.delimited import gathered
from stepsize.run.readers.form import form_at, form_of
from stepsize.run.readers.rows import Gathered
from stepsize.run.readers.source import Source

FORMAT = "W&B chart CSV"

# Between the name of a run and that of the metric.
BETWEEN = " - "
BOUNDS = ("__MIN", "__MAX")
SAMPLED = "a chart of W&B holds points sampled from the log: what happened between them is lost"
MEANS = "a chart of W&B holds means over several rows of the log: spikes in it are flattened"


def recognises(source: Source) -> bool:
    """Whether each column but the first is called `<run> - <metric>`, and some have their `__MIN` and `__MAX`."""
    form = form_of(source.head)
    if form is None or len(form.names) < 2 or not all(BETWEEN in name for name in form.names[1:]):
        return False
    return any(name.endswith(BOUNDS) for name in form.names)


def read(path: Path) -> list[Log]:
    """A log for each run of the chart; the smallest and largest values within a point are left out."""
    form = form_at(path)
    table = gathered(path, form)
    runs: dict[str, dict[str, str]] = {}
    for name in form.names[1:]:
        run, _, metric = name.rpartition(BETWEEN)
        # the chart repeats its own axis as `<run> - _step`
        if not metric.startswith("_"):
            runs.setdefault(run, {})[name] = metric
    logs = [_log(table.only({form.names[0]: form.names[0], **runs[run]}), path, run) for run in runs]
    found = [log for log in logs if log is not None]
    if not found:
        raise UnreadableRun(f"{path}: no column of numbers found")
    return [replace(found[0], name="")] if len(runs) == 1 else found


def _log(table: Gathered, path: Path, run: str) -> Log | None:
    try:
        columns = table.columns(path)
    except UnreadableRun:  # this run has no value in the chart
        return None
    bounds = {end: [columns.pop(name) for name in sorted(columns) if name.endswith(end)] for end in BOUNDS}
    pairs = zip(*bounds.values(), strict=False)
    flat = all(np.array_equal(low.value, high.value, equal_nan=True) for low, high in pairs)
    return Log(columns, name=run, notes=(SAMPLED if flat else MEANS, *table.notes)) if columns else None
