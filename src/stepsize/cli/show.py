"""`stepsize show`: whatever stepsize writes or reads, for a person to look at."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from cyclopts import Parameter

from stepsize.cli.kept import draw_picture, draw_so_far
from stepsize.cli.load import load
from stepsize.cli.output import Output
from stepsize.cli.schedules import (
    COMPAT,
    evaluated,
    print_difference,
    print_schedule,
    schedule_document,
    schedule_page,
)
from stepsize.cli.tune import answer_lines
from stepsize.errors import InvalidSchedule, UnreadableRun
from stepsize.policy import SCHEMA as POLICY_SCHEMA
from stepsize.policy import Policy
from stepsize.report import Chart, Page, Section, Series, save
from stepsize.run import Run
from stepsize.schedule import Schedule
from stepsize.schedule.algebra import SCHEMA as SCHEDULE_SCHEMA
from stepsize.schedule.picture import sparkline
from stepsize.tuner import Study, Unfinished, read_kept

SQLITE = b"SQLite format 3\0"
Thing = Schedule | Policy | Study | Unfinished | Run


def show(
    what: str,
    /,
    *arguments: str,
    against: str | None = None,
    steps: int | None = None,
    out: Annotated[Path | None, Parameter(name=["--out", "-o"])] = None,
    output: Output = Output(),  # noqa: B008  # frozen, and what the parser fills in
) -> None:
    """Show a schedule, a policy, a study or the record of a run.

    Example: stepsize show "warmup_cosine(1e-3, 10_000, 500)"

    Parameters
    ----------
    what
        An expression, a policy.json, a schedule as JSON, a study.db, a log of a run (CSV or JSON
        lines), file.py:name, or another library's schedule as compat:LIBRARY:NAME.
    arguments
        Of that library's schedule, as name=value: compat:torch:StepLR base_lr=0.1 step_size=30
    against
        A second schedule, in any of these forms, from which the first is told apart.
    steps
        Updates of the training, for the check of a schedule and for its durations in percent.
    out
        Also write one HTML page to this file.
    """
    thing = recognised(what, arguments)
    if isinstance(thing, Schedule | Policy):
        thing = _over(thing, steps)
    other = None if against is None else _other(thing, against, steps)
    if out is not None:
        output.may_write(out)
        _write_page(thing, out, what, steps, other)
    if output.json:
        output.document(_document(thing, steps, other))
    elif isinstance(thing, Schedule) and other is not None:
        print_difference(other, thing, output)
    elif isinstance(thing, Schedule):
        print_schedule(thing, output, steps)
    else:
        _print(thing, output, steps)


def _over(thing: Schedule | Policy, steps: int | None) -> Schedule | Policy:
    """Durations are put over the training, whose length must be given then."""
    schedules = thing.schedules.values() if isinstance(thing, Policy) else [thing]
    if all(schedule.node.resolved for schedule in schedules):
        return thing
    if steps is None:
        raise InvalidSchedule(f"{thing!r} has durations that depend on the run; give --steps, its updates")
    return thing.over(steps)


def _other(thing: Thing, against: str, steps: int | None) -> Schedule:
    other = recognised(against)
    if isinstance(other, Schedule):
        other = _over(other, steps)
    if isinstance(thing, Schedule) and isinstance(other, Schedule):
        return other
    raise InvalidSchedule(f"--against compares two schedules, got {type(thing).__name__} and {type(other).__name__}")


def recognised(what: str, arguments: tuple[str, ...] = ()) -> Thing:
    """What `what` names, by its content.

    Raises:
        StepsizeError: it is nothing stepsize knows, or it is damaged.
    """
    path = Path(what)
    if path.is_file():
        return _read(path)
    if ".py:" in what:
        thing = load(what)
        if isinstance(thing, Schedule | Policy | Study | Run):
            return thing
        raise InvalidSchedule(f"{what} is {type(thing).__name__}; show takes a Schedule, Policy, Study or Run")
    if path.suffix and "(" not in what and not what.startswith(COMPAT):
        raise UnreadableRun(f"there is no file {what!r}")
    return evaluated(what, arguments)


def _read(path: Path) -> Thing:
    with path.open("rb") as file:
        if file.read(len(SQLITE)) == SQLITE:
            return read_kept(path)
    schema = _schema(path)
    if schema == POLICY_SCHEMA:
        return Policy.load(path)
    if schema == SCHEDULE_SCHEMA:
        return Schedule.from_json(path.read_text(encoding="utf-8"))
    return Run.read(path)


def _schema(path: Path) -> Any:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        return None
    return document.get("schema") if isinstance(document, dict) else None


def _print(thing: Policy | Study | Unfinished | Run, output: Output, steps: int | None) -> None:
    if isinstance(thing, Policy):
        output.lines([("optimizer", str(thing.optimizer)), *((n, str(v)) for n, v in thing.constants.items())])
        for name, schedule in thing.schedules.items():
            print(name)
            print_schedule(schedule, output, steps)
    elif isinstance(thing, Study):
        output.lines(answer_lines(thing))
        if sys.stdout.isatty():
            draw_picture(thing)
        rows = [_run_row(thing, result) for result in thing.decision.results]
        output.table(["peak rate", "updates", "seed", "settings", thing.order.metric, "cost"], rows)
    elif isinstance(thing, Unfinished):
        output.say(f"the search has not ended: {len(thing.runs)} runs so far; tune with --resume goes on")
        if sys.stdout.isatty():
            draw_so_far(thing)
            return
        rows = [[_cell(value) for value in row.values()] for row in thing.document()["runs"]]
        output.table(["peak rate", "updates", "seed", "outcome", "last loss"], rows)
    else:
        _print_run(thing, output)


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _run_row(study: Study, result: Any) -> list[str]:
    trial = result.trial
    settings = ", ".join(f"{name} {value}" for name, value in trial.settings)
    loss = f"{result.loss:.4g}" if math.isfinite(result.loss) else "diverged"
    return [f"{10**trial.rate:.3g}", str(trial.steps), str(trial.seed), settings, loss, f"{result.cost:.3f}"]


def _print_run(run: Run, output: Output) -> None:
    pairs: list[tuple[str, str]] = [("outcome", run.outcome)] if run.policy else []
    for name, column in run.columns.items():
        few = column.value[np.linspace(0, column.value.size - 1, min(40, column.value.size)).astype(int)]
        few = few[np.isfinite(few)]
        curve = sparkline(few) if few.size else "no finite value"
        pairs.append((name, f"{curve}  {column.value[0]:.4g} to {column.value[-1]:.4g} over {int(column.step[-1])}"))
    output.lines(pairs)


def _document(thing: Thing, steps: int | None, other: Schedule | None) -> dict[str, Any]:
    if isinstance(thing, Policy | Study | Unfinished):
        return thing.document()
    if isinstance(thing, Schedule):
        return schedule_document(thing, steps, other)
    columns = {name: {"step": c.step.tolist(), "value": c.value.tolist()} for name, c in thing.columns.items()}
    return {"schema": "stepsize.run/1", "outcome": thing.outcome, "columns": columns}


def _write_page(thing: Thing, out: Path, what: str, steps: int | None, other: Schedule | None) -> None:
    if isinstance(thing, Unfinished):
        raise UnreadableRun(f"{what}: the search has not ended, so there is no page yet; resume it first")
    out.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(thing, Study):
        thing.report(out)
    elif isinstance(thing, Run):
        charts = [Chart(name, "update", name, [Series(name, c.step, c.value)]) for name, c in thing.columns.items()]
        save(
            Page(
                what,
                f"{len(charts)} quantities over {thing.updates} updates.",
                [],
                [Section("Curves", charts)],
            ),
            out,
        )
    else:
        schedules = thing.schedules if isinstance(thing, Policy) else {"value": thing}
        save(schedule_page(what, repr(thing), schedules, steps, other), out)
