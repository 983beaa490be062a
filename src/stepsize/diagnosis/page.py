"""A diagnosis as a page: the verdict first, then what was noticed, the curves it is marked on, and how to know more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from stepsize.diagnosis import words
from stepsize.diagnosis.charts import curve_charts
from stepsize.diagnosis.deciding import proposals, this_command
from stepsize.diagnosis.ranking import HEADER, counts, names, row, worst_first
from stepsize.diagnosis.trace import Trace, trace_of
from stepsize.report import Block, Code, Fact, Page, Section, Table, Text, number
from stepsize.run import Run

if TYPE_CHECKING:
    from stepsize.diagnosis.answer import Diagnosis

# So many runs get a section of their own on a page of many.
SHOWN = 20


def diagnosis_page(diagnosis: Diagnosis) -> Page:
    """The page of a diagnosis."""
    run, trace = diagnosis.run, trace_of(diagnosis.run)
    return Page(
        title=" · ".join(filter(None, ["Learning rate", run.source, run.name])),
        answer=words.headline(diagnosis),
        facts=_facts(diagnosis, trace),
        sections=[section for section in _sections(diagnosis, trace) if section.blocks],
        subtitle=_subtitle(diagnosis),
    )


def runs_page(diagnoses: Sequence[Diagnosis], title: str) -> Page:
    """The page of many runs: a table, the worst first, and the worst ones with their curve.

    Args:
        diagnoses: of the runs, in any order.
        title: where they come from.
    """
    ranked = worst_first(diagnoses)
    called = names(ranked)
    rows = [row(name, it) for name, it in zip(called, ranked, strict=True)]
    left = f" The {SHOWN} worst are shown below." if len(ranked) > SHOWN else ""
    overview = Section("All runs", [Table(HEADER, rows, note=f"The worst first.{left}")])
    shown = [_run_section(name, it) for name, it in zip(called, ranked[:SHOWN], strict=False)]
    return Page(f"Learning rates · {title}", counts(ranked), [], [overview, *shown])


def _run_section(name: str, diagnosis: Diagnosis) -> Section:
    texts = [Text(f"{words.headline(diagnosis)} {_subtitle(diagnosis)}")]
    told = words.leading(diagnosis)  # it stands in the headline
    for index, finding in enumerate(diagnosis.findings, start=1):
        if finding is not told:
            texts.append(Text(f"{index} · {finding.message}\n{finding.advice}".strip()))
    charts = curve_charts(diagnosis.run, diagnosis.findings, most=1)
    charts = [replace(chart, title=f"{chart.title} of {name}") for chart in charts]
    return Section(name, [*texts, *charts, Code(this_command(diagnosis), label="All about this run")])


def _subtitle(diagnosis: Diagnosis) -> str:
    sure = words.sureness(diagnosis)
    finding = words.leading(diagnosis)
    if finding is None:
        return f"{sure}{words.expected(diagnosis)}"
    return f"{finding.advice} {words.verdict_sentence(diagnosis)} {sure}".lstrip()


def _facts(diagnosis: Diagnosis, trace: Trace) -> list[Fact]:
    facts = []
    if likeliest := words.likeliest(diagnosis):
        label = "Likeliest answer" if diagnosis.verdict == "undecided" else "Verdict"
        facts.append(Fact(label, words.plain(likeliest), f"right {words.frequency(diagnosis.confidence)}"))
    if trace.rate > 0:
        facts.append(Fact("Peak rate", number(trace.rate, 3), trace.optimizer))
    if diagnosis.suggestion is not None:
        facts.append(Fact("Try", number(diagnosis.suggestion, 3), words.beside(diagnosis.suggestion, trace.rate)))
    if trace.length:
        facts.append(Fact("Length", f"{trace.length:,}", words.unit(trace)))
    if diagnosis.findings:
        facts.append(Fact("Noticed", str(len(diagnosis.findings)), "marked by number on the curves"))
    return facts


def _sections(diagnosis: Diagnosis, trace: Trace) -> Iterator[Section]:
    run, undecided = diagnosis.run, diagnosis.verdict == "undecided"
    yield from (_finding_section(index, diagnosis) for index in range(len(diagnosis.findings)))
    if undecided:
        yield Section("What would decide", _doubts(diagnosis))
    yield Section("The run", curve_charts(run, diagnosis.findings))
    yield Section("Why it stays undecided" if undecided else "Why this verdict", _why(diagnosis, trace))
    if not undecided:
        yield Section("What would change our mind", _doubts(diagnosis))
    yield Section("The log", [*_log(run)])
    yield Section("Reproduce", [Code(f"{this_command(diagnosis)} -o page.html", label="This page")])


def _finding_section(index: int, diagnosis: Diagnosis) -> Section:
    finding, run = diagnosis.findings[index], diagnosis.run
    details = {
        "How sure": words.certainty(finding),
        "Seen at": words.places(finding, run),
        "Measured": words.evidence(finding),
        "What would change our mind": finding.doubt,
    }
    told = "\n".join(f"{label}: {text}" for label, text in details.items() if text)
    texts = [Text(text) for text in (finding.advice, told) if text]
    return Section(f"{index + 1} · {finding.message}", texts)


def _why(diagnosis: Diagnosis, trace: Trace) -> list[Block]:
    told = [words.odds(diagnosis), words.control(trace)]
    rows = [
        [reason.name.replace("_", " "), number(reason.value), reason.words, f"{reason.weight:+.2f}"]
        for reason in diagnosis.reasons
    ]
    header = ["measured", "value", "what it means here", "speaks for it"]
    note = "Above 0 a measurement speaks for this answer, below 0 against it."
    table = [Table(header, rows, caption="The measurements that carried it", note=note)] if rows else []
    return [*(Text(text) for text in told if text), *table]


def _doubts(diagnosis: Diagnosis) -> list[Block]:
    blocks: list[Block] = []
    for proposal in proposals(diagnosis):
        blocks.append(Text(proposal.words))
        blocks += [Code(proposal.command, label=proposal.label)] if proposal.command else []
    if diagnosis.missing:
        blocks.append(
            Text("\n".join(["Log this, and more can be said:", *(f"– {text}" for text in diagnosis.missing)]))
        )
    return blocks


def _log(run: Run) -> Iterator[Block]:
    if run.notes:
        yield Text("\n".join(f"– {note}" for note in run.notes))
    header = ["column", "counts", "from", "to", "values", "first", "last", "lowest", "NaN or Inf"]
    rows = [_column_row(name, run) for name, column in run.columns.items() if column.step.size]
    if rows:
        yield Table(header, rows, caption="What was read")
    if run.settings:
        yield Table(["setting", "value"], [[name, str(value)] for name, value in run.settings.items()])


def _column_row(name: str, run: Run) -> list[str]:
    column = run.columns[name]
    known = column.value[np.isfinite(column.value)]
    numbers = [column.step[0], column.step[-1], column.value.size, column.value[0], column.value[-1]]
    lowest = float(known.min()) if known.size else np.nan
    cells = [number(float(value)) for value in (*numbers, lowest, column.value.size - known.size)]
    return [name, f"{words.UNITS[column.clock]}s", *cells]
