"""What a record shows beyond doubt: a loss that is no number, that never fell, that ran away, that jumped for good."""

from __future__ import annotations

from collections.abc import Iterator

from stepsize.diagnosis.trace import Trace
from stepsize.finding import Finding


def certain_findings(trace: Trace) -> Iterator[Finding]:
    """The certain findings, the gravest first."""
    yield from ()
