"""`stepsize demo`: the main job on real images, from beginning to end."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from stepsize.cli.output import Output, work
from stepsize.cli.progress import Bar, bars, watched
from stepsize.cli.tune import answer_lines, deliver, prepare
from stepsize.report import Section, Table, Text, save
from stepsize.run.store import Ledger
from stepsize.tuner import Study
from stepsize.tuner import tune as search
from stepsize.tuner.page import study_page

if TYPE_CHECKING:
    from stepsize.demo.contest import Entry

HEADER = ["policy", "val_loss", "val_accuracy", "test_loss", "test_accuracy"]


def demo(
    *,
    steps: int = 500,
    budget: float = 4.0,
    seeds: int = 3,
    seed: int = 0,
    out: Annotated[Path, Parameter(name=["--out", "-o"])] = Path("out"),
    resume: Annotated[bool, Parameter(negative="")] = False,
    output: Output = Output(),  # noqa: B008  # frozen, and what the parser fills in
) -> None:
    """Tune a small network on 5,000 real digits, and set the result beside two common defaults.

    Example: stepsize demo -o out/

    Parameters
    ----------
    steps
        Optimizer updates of a full run.
    budget
        What the search may spend, in full-run equivalents.
    seeds
        Runs of each policy in the comparison.
    seed
        Of the search.
    out
        Folder for policy.json, report.html and study.db.
    resume
        Go on with the study in that folder.
    """
    database = prepare(out)
    begun = time.monotonic()
    with work():
        output.say("loading 5,000 digits")
        # PyTorch loads here, not when another command only wants its help.
        from stepsize.demo.mnist import make_task

        task = make_task(steps)
        with watched(output.quiet, budget, steps) as progress:
            study = search(
                task,
                budget,
                seed=seed,
                out=database,
                resume=resume,
                overwrite=output.force,
                name="demo: MNIST-5k CNN",
                progress=progress,
            )
        with bars(output.quiet) as place:
            bar = Bar(place, "comparison", 3 * seeds * steps)
            entries = _beside_defaults(task, study, seeds, database, bar, output)
    paths = deliver(study, out)
    save(_page_with(study, entries), out / "report.html")
    _tell(study, entries, paths, time.monotonic() - begun, output)


def _beside_defaults(task: Any, study: Study, seeds: int, database: Path, bar: Bar, output: Output) -> list[Entry]:
    from stepsize.demo.contest import contest, defaults

    output.say(f"comparing with two defaults, {seeds} seeds each")
    policies = {"chosen by stepsize": study.policy, **defaults(task.optimizer, task.steps)}
    done = 0

    def watch(name: str, seed: int, step: int) -> None:
        nonlocal done
        done += 1
        bar.show(done, f"{name}, seed {seed}")
        if step == 0 and not sys.stderr.isatty():
            output.say(f"comparison: {name}, seed {seed}")

    ledger = Ledger(database)
    try:
        return contest(task, policies, seeds, ledger, watch)
    finally:
        ledger.close()


def _rows(entries: list[Entry]) -> list[list[str]]:
    rows = []
    for entry in entries:
        spreads = [entry.spread(column) for column in HEADER[1:]]
        rows.append([entry.name, *(f"{middle:.3f} ({low:.3f}–{high:.3f})" for middle, low, high in spreads)])
    return rows


def _page_with(study: Study, entries: list[Entry]) -> Any:
    page = study_page(study)
    note = f"Median of {len(entries[0].runs)} seeds that the search never used, smallest and largest in brackets."
    beside = Section(
        "Beside two defaults",
        [
            Text(f"{note} Nothing was chosen on the test set."),
            Table(HEADER, _rows(entries), caption="At full length"),
        ],
    )
    return replace(page, sections=[beside, *page.sections])


def _tell(study: Study, entries: list[Entry], paths: dict[str, str], seconds: float, output: Output) -> None:
    if output.json:
        table = {e.name: {column: e.spread(column) for column in HEADER[1:]} for e in entries}
        output.document({**study.document(), "comparison": table, "files": paths, "seconds": seconds})
        return
    output.lines(answer_lines(study))
    print()
    output.table(HEADER, _rows(entries))
    print()
    output.lines([*paths.items(), ("time", f"{seconds:.0f} s")])
    print(f"next: open {paths['report']}, then: {sys.argv[0]} tune your_script.py:training --steps 2000 -o tuned/")
