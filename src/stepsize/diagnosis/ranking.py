"""Many runs at once: the worst first, a row each."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from stepsize.diagnosis import words
from stepsize.diagnosis.kinds import GRAVE
from stepsize.diagnosis.trace import trace_of
from stepsize.report.digits import number

if TYPE_CHECKING:
    from stepsize.diagnosis.answer import Diagnosis

HEADER = ("verdict", "run", "right", "peak rate", "try", "first finding")
# Characters of a name.
LONGEST = 40
GRAVITY = ("diverged", "too_high", "too_low", "undecided", "good")


def worst_first(diagnoses: Sequence[Diagnosis]) -> list[Diagnosis]:
    """By the gravity of the verdict, then those with grave findings, then those with any, then the surest."""
    return sorted(diagnoses, key=_rank)


def _rank(diagnosis: Diagnosis) -> tuple[int, bool, bool, float]:
    grave = any(finding.kind in GRAVE for finding in diagnosis.findings)
    return GRAVITY.index(diagnosis.verdict), not grave, not diagnosis.findings, -diagnosis.confidence


def names(diagnoses: Sequence[Diagnosis]) -> list[str]:
    """Short names that tell the runs apart: without the folders that all share, and without what need not be said."""
    sources = [it.run.source for it in diagnoses]
    for shorter in (_within, _folders, _ends):
        sources = _if_apart(shorter(sources), sources)
    return [" · ".join(filter(None, [name, it.run.name])) for name, it in zip(sources, diagnoses, strict=True)]


def _if_apart(shorter: list[str], sources: list[str]) -> list[str]:
    return shorter if len(set(shorter)) == len(set(sources)) else sources


def _within(sources: list[str]) -> list[str]:
    """Relative to the folder that all are in."""
    folders = {os.path.dirname(source) for source in sources}
    if len({os.path.isabs(folder) for folder in folders}) != 1:
        return sources
    shared = os.path.commonpath(folders)
    return [os.path.relpath(source, shared) if shared else source for source in sources]


def _folders(sources: list[str]) -> list[str]:
    """The folder alone where the file is called as others are: `a/log.csv`, `b/log.csv`."""
    files = Counter(map(os.path.basename, sources))
    return [os.path.dirname(it) or it if files[os.path.basename(it)] > 1 else it for it in sources]


def _ends(sources: list[str]) -> list[str]:
    return [source if len(source) <= LONGEST else f"…{source[1 - LONGEST :]}" for source in sources]


def row(name: str, diagnosis: Diagnosis) -> list[str]:
    """One run under `HEADER`."""
    rate, tried = trace_of(diagnosis.run).rate, diagnosis.suggestion
    judged = diagnosis.chances or diagnosis.verdict != "undecided"
    return [
        words.plain(diagnosis.verdict),
        name,
        words.frequency(diagnosis.confidence).replace(" times", "") if judged else "–",
        number(rate, 3),
        "–" if tried is None else number(tried, 3),
        diagnosis.findings[0].message if diagnosis.findings else "–",
    ]


def counts(diagnoses: Sequence[Diagnosis]) -> str:
    """How many runs have which verdict, in one sentence."""
    verdicts = [it.verdict for it in diagnoses]
    told = [f"{verdicts.count(verdict)} {words.plain(verdict)}" for verdict in GRAVITY if verdict in verdicts]
    return f"{len(verdicts)} runs: {', '.join(told)}."
