"""`diagnose`: the verb."""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np

from stepsize.diagnosis.agreeing import agreeing
from stepsize.diagnosis.answer import Diagnosis, Verdict
from stepsize.diagnosis.certain import certain_findings
from stepsize.diagnosis.grading import grade
from stepsize.diagnosis.lacking import lacking
from stepsize.diagnosis.rate_trace import rate_findings
from stepsize.diagnosis.shape import shape_findings
from stepsize.diagnosis.spikes import spike_findings
from stepsize.diagnosis.trace import Trace, trace_of
from stepsize.finding import Finding, Span
from stepsize.run import Run

# Findings after which nothing need be weighed.
LOST = ("nan", "diverged")
# A loss that broke may have other causes than the rate: faulty data, a faulty loss.
SURE = 0.97


def diagnose(run: Run | str | os.PathLike[str]) -> Diagnosis:
    """Say of a run, or of the record at a path, whether its learning rate was right, and how sure that is.

    The loss alone tells a fault of a decade or more; a validation loss, the rate and the optimizer make finer ones
    visible. What cannot be told is "undecided". How often the verdicts are right is measured on labelled runs of tasks
    that were not learned from: see the page "How often is it right?" of the documentation.

    Args:
        run: a Run, or the path of a record in any format `Run.read` knows.
    Raises:
        UnreadableRun: the record cannot be read, or holds several runs.

    >>> import stepsize as ss
    >>> def training(seed):
    ...     w, lr = 1.0, (yield)
    ...     while True:
    ...         lr = yield 0.5 * w * w
    ...         w -= lr * w
    >>> ss.diagnose(ss.drive(training, ss.constant(2.5), steps=200)).verdict
    'diverged'
    """
    it = run if isinstance(run, Run) else Run.read(run)
    trace = trace_of(it)
    graded = grade(trace)
    findings = (
        *certain_findings(trace),
        *rate_findings(trace),
        *spike_findings(trace),
        *shape_findings(trace),
    )
    findings = (*_ended(it, findings), *findings)
    lost = next((finding for finding in findings if finding.kind in LOST and _for_good(finding, trace)), None)
    if lost is not None:
        return _diverged(it, trace, agreeing(findings, "diverged", graded, trace.rate), lost)
    verdict: Verdict = graded.answer if graded is not None and graded.given else "undecided"
    findings = agreeing(findings, verdict, graded, trace.rate)
    if graded is None:
        return Diagnosis(verdict, 0.0, {}, findings, it, missing=lacking(trace))
    return Diagnosis(
        verdict,
        graded.confidence,
        graded.chances,
        findings,
        it,
        graded.reasons,
        lacking(trace),
        _next_rate(trace.rate, graded.factor) if graded.given else None,
        graded.factor if graded.given else 1.0,
        graded.gain if graded.given else 0.0,
    )


def _ended(run: Run, findings: tuple[Finding, ...]) -> Iterator[Finding]:
    """What the record itself says of its end, where no check has said it."""
    if run.outcome == "diverged" and not any(finding.kind in LOST for finding in findings):
        last = float(max((column.step[-1] for column in run.columns.values() if column.step.size), default=0))
        spans = (Span("loss", 0.0, last, "diverged"),) if "loss" in run.columns else ()
        reason = f": {run.reason}" if run.reason else ""
        advice = "Try a tenth of the rate, or a longer warmup."
        yield Finding("diverged", f"The training was ended because it diverged{reason}.", 1.0, advice, (), spans)


def _for_good(finding: Finding, trace: Trace) -> bool:
    """Whether the training was lost by it: a NaN that passes, or one elsewhere than in the loss, is not the end."""
    ends = trace.loss.value[-1:]
    return finding.kind == "diverged" or (ends.size > 0 and not np.isfinite(ends[0]))


def _diverged(run: Run, trace: Trace, findings: tuple[Finding, ...], lost: Finding) -> Diagnosis:
    sure = min(lost.confidence, SURE)
    return Diagnosis(
        "diverged",
        sure,
        {"too_low": (1 - sure) / 2, "good": (1 - sure) / 2, "too_high": sure},
        findings,
        run,
        suggestion=_next_rate(trace.rate, 0.1),
        factor=0.1,
    )


def _next_rate(rate: float, factor: float) -> float | None:
    """A rate in two digits; None where the present one is not known."""
    return float(f"{rate * factor:.2g}") if rate > 0 and factor != 1 else None
