"""Findings in the light of the verdict: the gravest first, and no advice that goes against it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from stepsize.diagnosis.grading import Grade
from stepsize.diagnosis.kinds import GRAVE, REMARKS
from stepsize.finding import Finding
from stepsize.report.digits import number

CLIP = "Clip the gradient's norm, or look at the batches at those places"
# What each finding advises in place of another change of the rate, by verdict.
ADVICE: dict[str, dict[str, str]] = {
    "good": {
        "loss_spikes": f"{CLIP}: the rate itself looks right.",
        "oscillation": "Look at the order of the data: the rate itself looks right.",
    },
    "too_low": {
        "loss_spikes": f"{CLIP}: the rate itself looks too low, not too high.",
        "oscillation": "Look at the order of the data: the rate itself looks too low, not too high.",
        "unrecovered_jump": "Look at the batches at that place: the rate itself looks too low, not too high.",
        "plateau": "Try the higher rate first; if the loss is level there too, let the rate fall.",
        "not_converged": "Try the higher rate first: it may come as far in this time.",
    },
    "too_high": {
        "loss_spikes": "Try the lower rate first; if it spikes there too, clip the gradient's norm.",
        "oscillation": "Try the lower rate first; if it swings there too, look at the order of the data.",
        "warmup_needed": "Try the lower rate first: where the rate is too high altogether, a warmup only delays it.",
        "not_converged": "Try the lower rate first, and then a longer run.",
        "plateau": "Try the lower rate first, or let the rate fall from there on.",
    },
    "diverged": {
        "loss_spikes": "Try the lower rate first; if it spikes there too, clip the gradient's norm.",
        "oscillation": "Try the lower rate first; if it swings there too, look at the order of the data.",
        "warmup_needed": "Try the lower rate and a warmup.",
    },
}


def agreeing(findings: Iterable[Finding], verdict: str, grade: Grade | None, rate: float) -> tuple[Finding, ...]:
    """The findings, the grave ones first and remarks last, with advice that goes together with the verdict.

    Args:
        findings: as they were noticed.
        verdict: on the run.
        grade: of the model, where there is one.
        rate: the peak rate of the run; NaN where it is not known.
    """
    told = [_with_advice(finding, verdict, grade, rate) for finding in findings]
    return tuple(sorted(told, key=lambda finding: (finding.kind not in GRAVE, finding.kind in REMARKS)))


def _with_advice(finding: Finding, verdict: str, grade: Grade | None, rate: float) -> Finding:
    if finding.kind == "never_learned" and grade is not None and verdict in ("too_low", "too_high"):
        return replace(finding, advice=_once_more(grade.factor, rate))
    advice = ADVICE.get(verdict, {}).get(finding.kind)
    return finding if advice is None else replace(finding, advice=advice)


def _once_more(factor: float, rate: float) -> str:
    """A loss that never fell may need a higher rate or a lower one: the verdict says which."""
    much, way = max(factor, 1 / factor), "higher" if factor > 1 else "lower"
    peak = f", {number(rate * factor, 2)}" if rate > 0 else ""
    return f"Try a rate {much:.0f} times {way}{peak}; if that does not fall either, it is the model or the data."
