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
from stepsize.tuner import Study
from stepsize.tuner.page import study_page

SCHEMA = "stepsize.find/1"


@final
@dataclass(frozen=True, eq=False)
class Range:
    """The learning rates a training can use.

    Attributes:
        low: the lowest usable rate: training is expected to lose a tenth of its gain there, or, of a range test,
            the loss begins to fall; NaN if not informative.
        high: the highest: the same loss above, or where the loss has turned up; NaN if not informative.
        suggestion: the rate to use, between the two; NaN if not informative.
        spread: the factor between the ends of the interval that the best rate lies in (80 %), or, of a range test,
            by which the seeds' own suggestions differ.
        informative: whether the runs say anything; a `tune` with more budget does where they do not.
        evidence: why, in sentences.
        ramps: of a range test, the smoothed curve of each seed.
        runs: the runs behind it.
        study: the short runs as a search; None for a range test.
    """

    low: float
    high: float
    suggestion: float
    spread: float
    informative: bool
    evidence: tuple[Finding, ...]
    ramps: tuple[Ramp, ...]
    runs: tuple[Run, ...]
    study: Study | None = None

    def document(self) -> Document:
        """The range as a JSON value; what is not known is null."""
        numbers = {name: getattr(self, name) for name in ("low", "high", "suggestion", "spread")}
        known = {name: value if math.isfinite(value) else None for name, value in numbers.items()}
        evidence = [finding.document() for finding in self.evidence]
        cost = {} if self.study is None else {"cost": self.study.cost}
        return {"schema": SCHEMA, **known, "informative": self.informative, **cost, "evidence": evidence}

    def report(self, path: str | os.PathLike[str]) -> Path:
        """Write it as one self-contained HTML page, and return its path."""
        return save(_page(self) if self.study is None else study_page(self.study), path)

    def __str__(self) -> str:
        if not self.informative:
            return "not informative"
        agree = "seeds agree" if self.study is None else "80 % sure"
        agree = f"{agree} within ×{self.spread:.2g}"
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
