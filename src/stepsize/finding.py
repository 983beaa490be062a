"""`Finding`: a judgement with its evidence, its confidence and what to do about it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import final

from stepsize._codec import Document


@final
@dataclass(frozen=True)
class Span:
    """A stretch of a run that carries a finding: a column, and where on its clock from the first to the last."""

    column: str
    first: float
    last: float
    label: str = ""


@final
@dataclass(frozen=True)
class Finding:
    """One judgement.

    Attributes:
        kind: what it is about, in a word: "edge", "diverged", "horizon_shift", ...
        message: one sentence.
        confidence: from 0 to 1.
        advice: what to do, or empty.
        evidence: numbers that carry it, by name.
        spans: where on the run it can be seen.
        doubt: what would change this judgement, or empty.
    """

    kind: str
    message: str
    confidence: float = 1.0
    advice: str = ""
    evidence: tuple[tuple[str, float], ...] = ()
    spans: tuple[Span, ...] = ()
    doubt: str = ""

    def __str__(self) -> str:
        return f"{self.message} {self.advice}".strip()

    def document(self) -> Document:
        """The finding as a JSON value."""
        return {**asdict(self), "evidence": dict(self.evidence)}
