"""Checks of the rate as it was logged: faults of a schedule that need no look at the loss."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from stepsize.diagnosis.rate_trace.decay import decay_findings
from stepsize.diagnosis.rate_trace.printed import printed_findings
from stepsize.diagnosis.rate_trace.rates import Rates, rates_of
from stepsize.diagnosis.rate_trace.restart import restart_findings
from stepsize.diagnosis.rate_trace.rule import rule_findings
from stepsize.diagnosis.rate_trace.warmup import warmup_findings
from stepsize.diagnosis.trace import Trace
from stepsize.finding import Finding

# The first that says something explains the trace; what follows would misread it.
CHECKS: tuple[Callable[[Rates], Iterator[Finding]], ...] = (
    printed_findings,
    restart_findings,
    warmup_findings,
    decay_findings,
)


def rate_findings(trace: Trace) -> Iterator[Finding]:
    """What is wrong with the rate itself, the gravest first."""
    rates = rates_of(trace)
    if rates is None:
        return
    yield from next((told for check in CHECKS if (told := list(check(rates)))), [])
    yield from rule_findings(trace, rates)
