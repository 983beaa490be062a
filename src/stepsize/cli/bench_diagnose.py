"""`stepsize bench-diagnose`: how often the verdict is right, measured anew on labelled runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from stepsize.cli.output import Output
from stepsize.diagnosis.bench.corpora import labelled_runs
from stepsize.diagnosis.bench.evaluation import SCHEMA, Row, evaluate
from stepsize.diagnosis.bench.labelled import ACTIONS
from stepsize.diagnosis.bench.measure import interval
from stepsize.diagnosis.bench.table import table_of
from stepsize.diagnosis.grading import model

HEADER = ("log", "way", "runs", "right (95 %)", "wrong way", "surest 60 %", "answered", "of these right", "calibration")


def bench_diagnose(
    data: Path,
    /,
    *,
    left_out: Literal["", "task", "source"] = "",
    recorded: Path | None = None,
    output: Output = Output(),  # noqa: B008  # frozen, and what the parser fills in
) -> None:
    """Measure how often the verdict of `diagnose`, and the rules people use, are right on labelled runs.

    Example: stepsize bench-diagnose DATA --left-out task

    Parameters
    ----------
    data
        A folder of labelled runs: the small runs as Parquet, DeepOBS, or recordings of benchmarks.diagnosis.record.
    left_out
        Learn the verdict anew without each task, or each source, before it is judged. Without it the installed one
        is judged, which knows the tasks that it was learned from.
    recorded
        A folder of recordings to learn from as well, with --left-out.
    """
    runs = labelled_runs(data)
    output.say(f"{len(runs)} labelled runs of {len({run.task for run in runs})} tasks; measuring their features ...")
    if left_out:
        others = labelled_runs(recorded) if recorded is not None else []
        table = table_of([*runs, *others], as_logged_by_others=True)
    else:
        table = table_of(runs)
    if left_out:
        output.say(f"learning anew without each {left_out} ...")
    rows = evaluate(table, left_out)
    known = sorted({run.task for run in runs} & set(_learned()))
    if output.json:
        about = {"schema": SCHEMA, "left_out": left_out, "tasks_learned_from": [] if left_out else known}
        output.document({**about, "rows": [row.document() for row in rows]})
        return
    output.table(HEADER, [_cells(row) for row in rows])
    for row in rows:
        print(_confusion(row))
    if known and not left_out:
        output.say(f"The installed verdict was learned from {', '.join(known)}: --left-out task measures without them.")


def _learned() -> list[str]:
    return [task for source in model().learned_from.values() for task in source["tasks"]]


def _cells(row: Row) -> tuple[str, ...]:
    it = row.measure
    low, high = interval(it.accuracy, it.runs)
    return (
        row.log,
        row.way,
        str(it.runs),
        f"{it.accuracy:.3f} ({low:.3f}–{high:.3f})",
        f"{100 * it.wrong_way:.1f} %",
        *(_number(value) for value in (it.answered, row.given, row.given_right, it.calibration)),
    )


def _number(value: float) -> str:
    return f"{value:.3f}" if value == value else "–"


def _confusion(row: Row) -> str:
    """What was said, for each thing that should have been."""
    told: list[Any] = [
        f"should {right}: " + ", ".join(f"{count} {said}" for said, count in zip(ACTIONS, line, strict=True))
        for right, line in zip(ACTIONS, row.measure.confusion.tolist(), strict=True)
    ]
    return f"{row.way}, {row.log}: " + "; ".join(told)
