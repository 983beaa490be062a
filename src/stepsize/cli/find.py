"""`stepsize find`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from stepsize._codec import write_atomically
from stepsize.cli.load import load
from stepsize.cli.output import Output, work
from stepsize.cli.progress import Bar, bars
from stepsize.finder import find as range_test


def find(
    training: str,
    /,
    *,
    low: float = 1e-6,
    high: float = 10.0,
    steps: int = 200,
    seeds: int = 3,
    seed: int = 0,
    optimizer: str | None = None,
    out: Annotated[Path | None, Parameter(name=["--out", "-o"])] = None,
    output: Output = Output(),  # noqa: B008  # frozen, and what the parser fills in
) -> None:
    """Find the usable learning rates by letting the rate rise until training breaks.

    Example: stepsize find train.py:training --seeds 3

    Parameters
    ----------
    training
        file.py:name of a generator function or a Task.
    low
        Rate at the beginning of a ramp.
    high
        Rate at its end.
    steps
        Optimizer updates of a ramp.
    seeds
        Ramps, each with its own seed.
    seed
        Of the first ramp.
    optimizer
        For a Task, the optimizer to use.
    out
        Folder for range.json and range.html; by default nothing is written.
    """
    files = [] if out is None else [out / "range.json", out / "range.html"]
    for file in files:
        output.may_write(file)
    with work(), bars(output.quiet) as place:
        bar = Bar(place, "range test", seeds * steps)

        def progress(ramp: int, step: int) -> None:
            bar.show(ramp * steps + step + 1, f"ramp {ramp + 1} of {seeds}")

        found = range_test(load(training), low, high, steps, seeds, seed=seed, optimizer=optimizer, progress=progress)
    document = found.document()
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        write_atomically(files[0], json.dumps(document, indent=2) + "\n")
        found.report(files[1])
    if output.json:
        output.document(document)
        return
    output.lines([("range", str(found)), *(("evidence", str(finding)) for finding in found.evidence)])
    output.say(f"next: stepsize tune {training} --steps 2000  (a full run; a range test knows nothing of its length)")
