"""`stepsize watch`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from stepsize.cli.attending import Attended, attend, follow
from stepsize.cli.output import FLAG, Output
from stepsize.diagnosis.kinds import KINDS
from stepsize.errors import InvalidSpace, InvalidTraining, UnreadableRun


def watch(
    *what: str,
    log: Path | None = None,
    steps: int = 0,
    run: str | None = None,
    idle: float = 600.0,
    once: Annotated[bool, FLAG] = False,
    on_finding: str | None = None,
    stop_on: str = "",
    fail_on: str = "",
    record: Path | None = None,
    out: Annotated[Path | None, Parameter(name=["--out", "-o"])] = None,
    quiet_command: Annotated[bool, FLAG] = False,
    output: Output = Output(),  # noqa: B008  # frozen, and what the parser fills in
) -> None:
    """Follow a training while it runs, and say what its learning rate does.

    A command: stepsize watch -- python train.py

    A log that grows: stepsize watch run/log.csv

    It speaks at 10, 25 and 50 % of the planned length (of an unknown one at 100, 200, 400, ... losses), and at once
    of what is certain: a loss that is no number, a divergence, a jump, a fault in the rate. The end is the whole
    diagnosis.

    Exit codes: that of the command, 124 if it was stopped by --stop-on, 127 if there is no such command; 1 if --fail-on
    was seen and the command ended well.

    Parameters
    ----------
    what
        The log, a file or a folder; or after --, a command.
    log
        For a command: the file or folder it writes its numbers to [default: the lines it prints].
    steps
        The planned length, in what the log counts, where the log does not say it.
    run
        Which run, where the log holds several.
    idle
        For a log: seconds without anything new after which it has ended.
    once
        For a log: say what it shows now, and do not follow it.
    on_finding
        A command to run for each finding; it gets the finding as JSON on its stdin, and STEPSIZE_KIND,
        STEPSIZE_MESSAGE, STEPSIZE_CONFIDENCE and STEPSIZE_SOURCE.
    stop_on
        For a command: kinds of findings that end it, such as nan,diverged.
    fail_on
        Kinds of findings, or verdicts, that make the exit code 1.
    record
        A file that keeps all numbers read, as JSON lines.
    out
        A file for the diagnosis as an HTML page.
    quiet_command
        Do not show what the command prints.
    """
    for path in filter(None, (record, out)):
        output.may_write(path)
        if not path.parent.is_dir():
            raise InvalidSpace(f"there is no folder {str(path.parent)!r} for {path}; make it first")
    if steps < 0 or not idle > 0:
        raise InvalidSpace(f"--steps must be 0 or more and --idle above 0 seconds; got {steps} and {idle:g}")
    asked = Attended(
        log,
        steps,
        run,
        idle,
        once,
        on_finding,
        _kinds("--stop-on", stop_on),
        _kinds("--fail-on", fail_on),
        record,
        out,
        output,
    )
    words = _command(what)
    if words is None:
        _only_for_a_command({"--log": log, "--stop-on": stop_on, "--quiet-command": quiet_command})
        raise SystemExit(follow(_path(what), asked))
    raise SystemExit(attend(words, asked, quiet_command))


def _command(what: tuple[str, ...]) -> list[str] | None:
    """The command, if there is one."""
    # What is given after -- is a command even if it is one word; the parser does not tell.
    given = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
    if given or len(what) == 1:
        return given or None
    raise InvalidTraining(
        "give one log to follow, or a command after --"
        + (f": stepsize watch -- {' '.join(what)}" if what else ", as in: stepsize watch -- python train.py")
    )


def _path(what: tuple[str, ...]) -> Path:
    path = Path(what[0])
    if not path.exists():
        raise UnreadableRun(f"there is no log {what[0]!r} yet; a command is given after --")
    return path


def _kinds(option: str, text: str) -> frozenset[str]:
    kinds = frozenset(filter(None, (kind.strip().replace("-", "_") for kind in text.split(","))))
    if unknown := sorted(kinds - KINDS):
        # A slip of the keyboard would be noticed when it is too late.
        raise InvalidSpace(f"{option} knows {', '.join(sorted(KINDS))}; got {', '.join(unknown)}")
    return kinds


def _only_for_a_command(options: dict[str, object]) -> None:
    for option, value in options.items():
        if value:
            raise InvalidSpace(f"{option} {value} is for a command, given after --; to follow a log leave it out")
