"""Checks of the rate as it was logged: faults of a schedule that need no look at the loss."""

from __future__ import annotations

from collections.abc import Iterator

from stepsize.diagnosis.trace import Trace
from stepsize.finding import Finding


def rate_findings(trace: Trace) -> Iterator[Finding]:
    """What is wrong with the rate itself."""
    yield from ()
