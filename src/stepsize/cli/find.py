"""`stepsize find`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from stepsize._codec import write_atomically
from stepsize.cli.load import load
from stepsize.cli.output import Output, work
from stepsize.cli.progress import Bar, bars, watched
from stepsize.finder import find as search
from stepsize.finder.find import RAMP


def find(
    training: str,
    /,
    *,
    low: float = 1e-6,
    high: float = 10.0,
    steps: int | None = None,
    budget: float = 1.0,
    metric: str | None = None,
    schedule: str | None = None,
    optimizer: str | None = None,
    seeds: int = 3,
    seed: int = 0,
    out: Annotated[Path | None, Parameter(name=["--out", "-o"])] = None,
    output: Output = Output(),  # noqa: B008  # frozen, and what the parser fills in
) -> None:
    """Find the usable learning rates, for at most one full run.

    Example: stepsize find train.py:training --steps 2000

    Parameters
    ----------
    training
        file.py:name of a generator function or a Task.
    low
        Lowest learning rate considered.
    high
        Highest learning rate considered.
    steps
        Optimizer updates of a full run; a Task knows its own. Without, the rate rises until training breaks.
    budget
        What may be spent, in full runs.
    metric
        What to minimise at the end of a run [default: val_loss where reported, else loss].
    schedule
        Of the full run: warmup_cosine, warmup_linear, wsd or constant.
    optimizer
        The optimizer to use, or the one the training brings.
    seeds
        Ramps, where the length of a full run is unknown.
    seed
        Of the runs.
    out
        Folder for range.json and range.html; by default nothing is written.
    """
    files = [] if out is None else [out / "range.json", out / "range.html"]
    for file in files:
        output.may_write(file)
    with work():
        target = load(training)
        updates = steps or getattr(target, "steps", None)
        asked: dict[str, Any] = {"metric": metric, "schedule": schedule, "optimizer": optimizer, "seed": seed}
        if updates is None:
            with bars(output.quiet) as place:
                bar = Bar(place, "range test", seeds * RAMP)

                def ramps(ramp: int, step: int) -> None:
                    bar.show(ramp * RAMP + step + 1, f"ramp {ramp + 1} of {seeds}")

                found = search(target, low, high, None, seeds, ramps=ramps, **asked)
        else:
            with watched(output.quiet, budget, updates) as progress:
                found = search(target, low, high, updates, budget=budget, progress=progress, **asked)
    document = found.document()
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        write_atomically(files[0], json.dumps(document, indent=2) + "\n")
        found.report(files[1])
    if output.json:
        output.document(document)
        return
    output.lines([("range", str(found)), *(("evidence", str(finding)) for finding in found.evidence)])
    length = updates or 2000
    output.say(f"next: stepsize tune {training} --steps {length}")
