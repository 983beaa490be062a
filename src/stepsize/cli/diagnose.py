"""`stepsize diagnose`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from stepsize._codec import Document
from stepsize.cli.hook import run_hook
from stepsize.cli.output import Output
from stepsize.cli.records import STDIN, Records, diagnosed
from stepsize.cli.trying import print_experiment, tried
from stepsize.cli.verdict import print_diagnoses, print_diagnosis
from stepsize.diagnosis import Diagnosis
from stepsize.diagnosis.experiment import Experiment
from stepsize.diagnosis.kinds import KINDS
from stepsize.diagnosis.page import runs_page
from stepsize.diagnosis.ranking import worst_first
from stepsize.errors import InvalidSpace
from stepsize.report import save

SCHEMA = "stepsize.diagnoses/1"
# A verdict or a finding that was asked for with --fail-on is there.
FOUND = 1


def diagnose(
    *logs: Annotated[str, Parameter(allow_leading_hyphen=True)],  # - is standard input
    run: str | None = None,
    out: Annotated[Path | None, Parameter(name=["--out", "-o"])] = None,
    on_finding: str | None = None,
    fail_on: str | None = None,
    try_: Annotated[str | None, Parameter(name="--try")] = None,
    steps: int | None = None,
    rate: float | None = None,
    seed: int = 0,
    output: Output = Output(),  # noqa: B008  # frozen, and what the parser fills in
) -> None:
    """Say from the log of a training whether its learning rate was right, and how sure that is.

    Example: stepsize diagnose runs/log.csv -o page.html

    Parameters
    ----------
    logs
        Logs in any format that stepsize reads, folders of them, or - for one that is piped in.
    run
        Which run, where a log holds several; by default all of them.
    out
        Also write one HTML page to this file.
    on_finding
        A shell command, run once for each finding: as JSON on its standard input, and as STEPSIZE_KIND,
        STEPSIZE_MESSAGE, STEPSIZE_ADVICE, STEPSIZE_CONFIDENCE and STEPSIZE_SOURCE in its environment.
    fail_on
        Exit with 1 where one of these is a verdict or the kind of a finding: nan,diverged,too_high
    try_
        A training as file.py:name, a generator or a Task: short runs of it at three times the rate of the log, at
        that rate and at a third of it say which way to go.
    steps
        For --try: optimizer updates of a full run, where neither the training nor the log says.
    rate
        For --try: the peak rate to ask about, in place of the one in the log.
    seed
        For --try: the first seed of the short runs.
    """
    if out is not None:
        output.may_write(out)
    kinds = _kinds(fail_on)
    found = diagnosed(_places(logs), run)
    if out is not None:
        _write(found.diagnoses, logs, out)
    experiment = None if try_ is None else tried(try_, found.diagnoses, steps, rate, seed, output)
    _tell(found, output, experiment)
    if out is not None:
        output.say(f"page: {out}")
    for diagnosis in found.diagnoses if on_finding else ():
        for finding in diagnosis.findings:
            run_hook(str(on_finding), finding, diagnosis.run.source)
    if any(kinds & _named(diagnosis) for diagnosis in found.diagnoses):
        raise SystemExit(FOUND)


def _places(logs: Sequence[str]) -> Sequence[str]:
    """The logs, where all of them can be some.

    Raises:
        InvalidSpace: there is none, or an option that there is not.
    """
    for option in logs:
        if option.startswith("-") and option != STDIN:
            raise InvalidSpace(f"there is no option {option}; stepsize diagnose --help lists them")
    if not logs:
        raise InvalidSpace("a log is missing: give its path, or - for one that is piped in")
    return logs


def _kinds(asked: str | None) -> set[str]:
    """The kinds asked for with --fail-on.

    Raises:
        InvalidSpace: none is named, or one that there is not.
    """
    if asked is None:
        return set()
    kinds = {kind.strip().replace("-", "_") for kind in asked.split(",")}
    if unknown := sorted(kinds - KINDS):
        raise InvalidSpace(f"--fail-on knows no {', '.join(map(repr, unknown))}; it knows {', '.join(sorted(KINDS))}")
    return kinds


def _named(diagnosis: Diagnosis) -> set[str]:
    return {diagnosis.verdict, *(finding.kind for finding in diagnosis.findings)}


def _write(diagnoses: Sequence[Diagnosis], logs: Sequence[str], out: Path) -> None:
    if len(diagnoses) == 1:
        diagnoses[0].report(out)
    else:
        save(runs_page(diagnoses, " ".join(logs)), out)


def _tell(found: Records, output: Output, experiment: Experiment | None) -> None:
    one = len(found.diagnoses) == 1 and not found.unreadable
    if output.json:
        told = {} if experiment is None else {"experiment": experiment.document()}
        output.document({**(found.diagnoses[0].document() if one else _all(found)), **told})
        return
    if one:
        print_diagnosis(found.diagnoses[0])
    else:
        print_diagnoses(found, output)
    if experiment is not None:
        print_experiment(experiment)


def _all(found: Records) -> Document:
    return {
        "schema": SCHEMA,
        "diagnoses": [it.document() for it in worst_first(found.diagnoses)],
        "unreadable": list(found.unreadable),
    }
