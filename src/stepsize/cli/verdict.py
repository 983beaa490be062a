"""A diagnosis on stdout: for a terminal with its curve and wrapped, for a pipe one named value a line."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from io import TextIOWrapper

import numpy as np
from rich.console import Console
from rich.text import Text

from stepsize.cli.output import Output
from stepsize.cli.records import Records
from stepsize.cli.sparkline import curve, scale
from stepsize.diagnosis import Diagnosis, words
from stepsize.diagnosis.deciding import proposals
from stepsize.diagnosis.ranking import HEADER, counts, names, row, worst_first
from stepsize.diagnosis.trace import Trace, trace_of
from stepsize.diagnosis.view import Numbers, view_of
from stepsize.finding import Finding
from stepsize.run import Column

Lines = Iterator[tuple[str, str]]
STYLES = {"diverged": "bold red", "too_high": "bold red", "too_low": "bold yellow", "good": "bold green"}
# The widest text and picture, lines of the loss, and characters beside it.
WIDEST, TALL, BESIDE = 110, 6, 16
# Measurements that are told; the page has them all.
REASONS = 4
COMMAND = "command"


def print_diagnosis(diagnosis: Diagnosis) -> None:
    """The verdict, what was noticed, why, and what would decide."""
    _replace_what_cannot_be_shown()
    pairs = [pair for pair in _lines(diagnosis) if pair[1]]
    if not sys.stdout.isatty():
        width = max(len(name) for name, _ in pairs)
        for name, text in pairs:
            print(f"{name:<{width}}  {text}", flush=True)
        return
    console = Console(highlight=False)
    room = min(WIDEST, console.width)
    for name, text in pairs:
        if name == "run":
            _draw(console, diagnosis, room)
        _hang(console, name, text, room, STYLES.get(diagnosis.verdict, "bold") if name == "verdict" else "")


def print_diagnoses(found: Records, output: Output) -> None:
    """Many runs, the worst first."""
    _replace_what_cannot_be_shown()
    ranked = worst_first(found.diagnoses)
    # A script that reads the table opens the files; a person tells them apart.
    called = names(ranked) if sys.stdout.isatty() else [_whole(it) for it in ranked]
    output.table(HEADER, [row(name, it) for name, it in zip(called, ranked, strict=True)])
    output.say(counts(ranked))
    for reason in found.unreadable:
        output.say(f"left out: {reason}")


def _replace_what_cannot_be_shown() -> None:
    """Let a terminal without Unicode show a mark in place of what it does not know, instead of failing."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def _whole(diagnosis: Diagnosis) -> str:
    return " · ".join(filter(None, [diagnosis.run.source, diagnosis.run.name]))


def _lines(diagnosis: Diagnosis) -> Lines:
    run, trace = diagnosis.run, trace_of(diagnosis.run)
    yield "verdict", f"{words.verdict_sentence(diagnosis)} {words.sureness(diagnosis)}"
    yield "advice", words.advice(diagnosis)
    yield "run", ", ".join(filter(None, [run.source, run.name, words.length(trace) if trace.length else ""]))
    for index, finding in enumerate(diagnosis.findings, start=1):
        yield from _finding_lines(index, finding, diagnosis)
    yield "odds", words.odds(diagnosis)
    for reason in diagnosis.reasons[:REASONS]:
        side = "for it" if reason.weight >= 0 else "against it"
        yield "because", f"{reason.words} ({side})"
    yield "control", words.control(trace)
    for proposal in proposals(diagnosis):
        yield ("decide" if diagnosis.verdict == "undecided" else "test it"), proposal.words
        yield f"  {COMMAND}", proposal.command
    for text in diagnosis.missing:
        yield "to log", text
    for text in run.notes:
        yield "note", text


def _finding_lines(index: int, finding: Finding, diagnosis: Diagnosis) -> Lines:
    yield f"finding {index}", f"{finding.message} {words.certainty(finding)}"
    yield "  kind", finding.kind
    yield "  advice", finding.advice
    yield "  seen at", words.places(finding, diagnosis.run)
    yield "  measured", words.evidence(finding)
    yield "  unless", finding.doubt


def _hang(console: Console, name: str, text: str, room: int, style: str) -> None:
    """A named text, wrapped beside its name; a command stays in one piece, so that it can be copied."""
    label = f"{name:<10} "
    lines = [Text(text, style)]
    if name.strip() != COMMAND:
        lines = list(lines[0].wrap(console, max(20, room - len(label))))
    for index, line in enumerate(lines):
        line.rstrip()
        head = label if index == 0 else " " * len(label)
        console.print(Text.assemble((head, "dim"), line), soft_wrap=True)


def _draw(console: Console, diagnosis: Diagnosis, room: int) -> None:
    """The loss and the rate over the run, and under the loss where the findings are."""
    trace = trace_of(diagnosis.run)
    wide, ascii_only = room - BESIDE - 1, console.options.ascii_only
    if wide < 20 or trace.loss.step.size < 2:
        return
    console.print()
    last = max(float(trace.loss.step[-1]), 1.0)
    _print_curve(console, "loss", trace.loss, last, (wide, TALL), ascii_only)
    if marks := _marks(diagnosis.findings, trace, last, wide, ascii_only):
        console.print(Text(" " * (BESIDE + 1)).append(marks, "yellow"), no_wrap=True)
    for name, column in (("val_loss", trace.val_loss), ("lr", trace.lr)):
        if column.step.size > 1 and column.clock == trace.clock:
            _print_curve(console, name, column, last, (wide, 2), ascii_only)
    console.print()


def _print_curve(
    console: Console, name: str, column: Column, last: float, size: tuple[int, int], ascii_only: bool
) -> None:
    known = np.isfinite(column.value)
    if not known.any():
        return
    step, value = column.step[known], column.value[known]
    labels = [
        f"{name} {column.value[-1]:.4g}",
        f"max {value.max():.4g}",
        *[""] * (size[1] - 3),
        f"min {value.min():.4g}",
    ]
    step, value = _joined(step, value, 8 * size[0])
    rows = curve(step / last, scale(_within(name, value)), *size, ascii_only)
    for index, drawn in enumerate(rows):
        label = labels[index] if size[1] > 2 or index == 0 else ""
        console.print(Text.assemble((label[:BESIDE].ljust(BESIDE + 1), "dim"), (drawn, "cyan")), soft_wrap=True)


def _joined(step: Numbers, value: Numbers, points: int) -> tuple[Numbers, Numbers]:
    """With what a line through the points would show, where they are too few to be one."""
    if step.size >= points:
        return step, value
    between = np.linspace(step[0], step[-1], points)
    return between, np.interp(between, step, value)


def _within(name: str, value: Numbers) -> Numbers:
    """The values up to the limits of a view that spikes do not flatten; rates have none."""
    limits = None if name == "lr" else view_of([value]).limits
    return value if limits is None else np.clip(value, *limits)


def _marks(findings: Sequence[Finding], trace: Trace, last: float, wide: int, ascii_only: bool) -> str:
    """A line with the number of each finding where it is on the loss; empty where none is."""
    line = [" "] * wide
    for index, finding in reversed(list(enumerate(findings, start=1))):
        for span in [span for span in finding.spans if span.column in ("loss", "lr")]:
            first, end = (round(min(max(at / last, 0.0), 1.0) * (wide - 1)) for at in (span.first, span.last))
            line[first : end + 1] = ["-" if ascii_only else "─"] * (end + 1 - first)
            line[first] = str(index)[-1]
    return "".join(line).rstrip()
