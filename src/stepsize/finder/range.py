"""`Range`: the usable learning rates of a training, with their uncertainty, or the word that none is known."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import final

from stepsize._codec import Document
from stepsize.finder.ramp import Ramp
from stepsize.finding import Finding
from stepsize.report import Chart, Fact, Page, Section, Series, Text, rate_color, save
from stepsize.run import Run

SCHEMA = "stepsize.find/1"


@final
@dataclass(frozen=True, eq=False)
class Range:
    """What a range test found.

    Attributes:
        low: the rate at which the loss begins to fall; NaN if not informative.
        high: the rate at which it has turned up or diverged; NaN if not informative.
        suggestion: a rate to start from, between the two; NaN if not informative.
        spread: the factor by which the seeds' own suggestions differ.
        informative: whether the test says anything; a short `tune` does where it does not.
        evidence: why, in sentences.
        ramps: the smoothed curve of each seed.
        runs: the runs behind them.
    """

    low: float
    high: float
    suggestion: float
    spread: float
    informative: bool
    evidence: tuple[Finding, ...]
    ramps: tuple[Ramp, ...]
    runs: tuple[Run, ...]

    def document(self) -> Document:
        """The range as a JSON value; what is not known is null."""
        numbers = {name: getattr(self, name) for name in ("low", "high", "suggestion", "spread")}
        known = {name: value if math.isfinite(value) else None for name, value in numbers.items()}
        evidence = [finding.document() for finding in self.evidence]
        return {"schema": SCHEMA, **known, "informative": self.informative, "evidence": evidence}

    def report(self, path: str | os.PathLike[str]) -> Path:
        """Write the test as one self-contained HTML page, and return its path."""
        return save(_page(self), path)

    def __str__(self) -> str:
        if not self.informative:
            return "not informative"
        agree = f"seeds agree within ×{self.spread:.2g}"
        return f"{self.low:.2g} to {self.high:.2g}, start from {self.suggestion:.2g} ({agree})"


def _page(found: Range) -> Page:
    series = [
        Series(f"seed {run.seed}", 10**ramp.rates, ramp.losses, color=rate_color((i + 0.5) / len(found.ramps)))
        for i, (ramp, run) in enumerate(zip(found.ramps, found.runs, strict=True))
    ]
    tops = [float(ramp.losses[: max(3, ramp.losses.size // 4)].max()) for ramp in found.ramps]
    bottoms = [float(ramp.losses.min()) for ramp in found.ramps]
    reach = max(tops) - min(bottoms)
    chart = Chart(
        "Loss while the rate rises",
        "learning rate",
        "loss (smoothed)",
        series,
        log_x=True,
        y_range=(min(bottoms) - 0.05 * reach, max(tops) + 0.5 * reach),
        markers=[(found.suggestion, "suggestion")] if found.informative else [],
        spans=[(found.low, found.high, "usable")] if found.informative else [],
    )
    return Page(
        title="Learning-rate range test",
        answer=f"Usable learning rates: {found}." if found.informative else "The range test is not informative.",
        facts=[Fact(name, f"{getattr(found, name):.2g}") for name in ("low", "suggestion", "high")],
        sections=[Section("Evidence", [Text(" ".join(map(str, found.evidence))), chart])],
    )
