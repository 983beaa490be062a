"""`Diagnosis`: the verdict on a run's learning rate, how often such a verdict is right, and the findings beside it."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, final

from stepsize._codec import Document
from stepsize.diagnosis import words
from stepsize.diagnosis.deciding import proposals
from stepsize.diagnosis.page import diagnosis_page
from stepsize.diagnosis.reasons import Reason
from stepsize.finding import Finding
from stepsize.report import save
from stepsize.run import Run

Verdict = Literal["diverged", "too_high", "good", "too_low", "undecided"]
SCHEMA = "stepsize.diagnosis/1"


@final
@dataclass(frozen=True, eq=False)
class Diagnosis:
    """What a run says of its learning rate.

    Attributes:
        verdict: "diverged", "too_high", "good", "too_low" or "undecided".
        confidence: how often this verdict is right on labelled runs like this one, from 0 to 1; of "undecided", how
            often the likeliest answer would have been.
        chances: of `too_low`, `good` and `too_high`; they sum to 1, and are empty where no loss was logged.
        findings: what was noticed, the surest and gravest first.
        reasons: the measured features that carried the verdict.
        missing: what to log to be told more, the most useful first; a sentence each.
        suggestion: the peak rate to try next, or None.
        factor: by which to multiply the rate; 1 where nothing is to be tried.
        gain: what the best rate would still have gained, as a share of what training gained; the median of labelled
            runs with this verdict, and 0 where none is expected.
        run: the record.
    """

    verdict: Verdict
    confidence: float
    chances: dict[str, float]
    findings: tuple[Finding, ...]
    run: Run
    reasons: tuple[Reason, ...] = ()
    missing: tuple[str, ...] = ()
    suggestion: float | None = None
    factor: float = 1.0
    gain: float = 0.0

    def document(self) -> Document:
        """The diagnosis as a JSON value."""
        return {
            "schema": SCHEMA,
            "source": self.run.source,
            "name": self.run.name,
            "verdict": self.verdict,
            "confidence": self.confidence,
            "chances": self.chances,
            "suggestion": self.suggestion,
            "factor": self.factor,
            "gain": self.gain,
            "message": f"{words.verdict_sentence(self)} {words.sureness(self)}",
            "advice": words.advice(self),
            "findings": [finding.document() for finding in self.findings],
            "reasons": [asdict(reason) for reason in self.reasons],
            "missing": list(self.missing),
            "experiments": [asdict(proposal) for proposal in proposals(self)],
            "notes": list(self.run.notes),
        }

    def report(self, path: str | os.PathLike[str]) -> Path:
        """Write the diagnosis as one self-contained HTML page, and return its path."""
        return save(diagnosis_page(self), path)

    def __str__(self) -> str:
        verdict = " ".join(filter(None, [words.verdict_sentence(self), words.sureness(self), words.advice(self)]))
        return "\n".join([verdict, *map(str, self.findings)])
