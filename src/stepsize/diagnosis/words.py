"""A diagnosis in sentences: the same words in a terminal, on the page and in `str`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from stepsize.diagnosis.grading import model
from stepsize.diagnosis.kinds import GRAVE
from stepsize.diagnosis.trace import Trace, trace_of
from stepsize.diagnosis.usual import USUAL
from stepsize.finding import Finding, Span
from stepsize.report.digits import number
from stepsize.run import Run
from stepsize.run.column import Clock

if TYPE_CHECKING:
    from stepsize.diagnosis.answer import Diagnosis

ANSWERS = {"too_low": "too low", "good": "about right", "too_high": "too high"}
UNITS: dict[Clock, str] = {"step": "update", "epoch": "epoch", "row": "row"}
# Runs that lost so much of what there was to learn broke: what they would gain says nothing of one that learned.
ALL = 0.95
# A verdict that is right at least so often is stated with so much reserve.
RESERVE = ((0.9, "is very likely"), (0.7, "is probably"), (0.0, "may be"))


def frequency(share: float) -> str:
    """A probability as a person counts: never all, and never none.

    >>> frequency(0.94), frequency(0.999), frequency(0.001)
    ('94 times in 100', 'more than 99 times in 100', 'less than once in 100')
    """
    if share > 0.995:
        return "more than 99 times in 100"
    if share < 0.005:
        return "less than once in 100"
    times = min(max(round(100 * share), 1), 99)
    return "once in 100" if times == 1 else f"{times} times in 100"


def plain(verdict: str) -> str:
    """A verdict in words: "too high", "about right"."""
    return ANSWERS.get(verdict, verdict)


def verdict_sentence(diagnosis: Diagnosis) -> str:
    """The verdict."""
    rate, verdict = rate_words(trace_of(diagnosis.run)), diagnosis.verdict
    if verdict == "diverged":
        return f"The training diverged at a {rate}." if rate else "The training diverged."
    if verdict == "undecided":
        return f"This log does not decide whether the {rate or 'learning rate'} was right."
    reserve = next(words for least, words in RESERVE if diagnosis.confidence >= least)
    return f"The {rate or 'learning rate'} {reserve} {ANSWERS[verdict]}."


def sureness(diagnosis: Diagnosis) -> str:
    """How often such a verdict is right."""
    often = frequency(diagnosis.confidence)
    if diagnosis.verdict == "diverged":
        return f"Of trainings that end so, the rate was too high {often}."
    if diagnosis.verdict != "undecided":
        return f"On runs like this, that verdict is right {often}."
    if "loss" not in diagnosis.run.columns:
        return "It holds no training loss."
    if not diagnosis.chances:
        return "It holds too few values of the training loss."
    if diagnosis.confidence > model().threshold:
        return "It holds too little of the run: what the learning rate does at its peak, or later, is still to come."
    return f"The likeliest answer, {plain(likeliest(diagnosis))}, would be right only {often} on runs like this."


def likeliest(diagnosis: Diagnosis) -> str:
    """The verdict, or the answer that comes nearest to one; empty where there is none."""
    if diagnosis.verdict != "undecided":
        return diagnosis.verdict
    return max(diagnosis.chances, key=lambda answer: diagnosis.chances[answer], default="")


def advice(diagnosis: Diagnosis) -> str:
    """What to do about the rate, and what there is to be gained by it."""
    return f"{action(diagnosis)}{expected(diagnosis)}"


def action(diagnosis: Diagnosis) -> str:
    """What to do about the rate."""
    rate, tried = trace_of(diagnosis.run).rate, diagnosis.suggestion
    if tried is not None and not math.isclose(tried, rate, rel_tol=1e-3):
        apart = beside(tried, rate)
        return f"Try a peak of {number(tried, 3)}{f', {apart}' if apart else ''}."
    if diagnosis.factor != 1:
        much, way = max(diagnosis.factor, 1 / diagnosis.factor), "higher" if diagnosis.factor > 1 else "lower"
        return f"Try one {number(much, 2)}× {way}."
    return {
        "too_high": "Try a third of it.",
        "too_low": "Try three times as much.",
        "diverged": "Try a tenth of it, or a longer warmup.",
        "good": "Keep it.",
    }.get(diagnosis.verdict, "")


def expected(diagnosis: Diagnosis) -> str:
    """What there is to be gained; empty where that is next to nothing, or not known: most runs like this broke."""
    if not 0.01 <= diagnosis.gain < ALL:
        return ""
    share = f"{100 * diagnosis.gain:.0f} %"
    return f" On runs with such a verdict the best rate gained a further {share} of what there was to learn (median)."


def beside(tried: float, rate: float) -> str:
    """How far the rate to try is from the one that was used: "3× lower"; empty where that is not known."""
    if not rate > 0:
        return ""
    factor = max(tried / rate, rate / tried)
    return f"{number(factor, 2)}× {'higher' if tried > rate else 'lower'}"


def odds(diagnosis: Diagnosis) -> str:
    """All three answers as counts; empty where there are none."""
    if not diagnosis.chances:
        return ""
    shares = sorted(diagnosis.chances.items(), key=lambda pair: -pair[1])
    counted = zip(shares, hundredths([share for _, share in shares]), strict=True)
    told = [f"{plain(answer)} {frequency(count / 100).removesuffix(' in 100')}" for (answer, _), count in counted]
    return f"Of 100 runs like this the rate was {', '.join(told[:-1])} and {told[-1]}."


def hundredths(shares: Sequence[float]) -> list[int]:
    """Shares that sum to 1, the largest first, as whole hundredths that sum to 100; the first is rounded as ever.

    >>> hundredths([0.9349, 0.063, 0.0021]), hundredths([0.986, 0.007, 0.007])
    ([93, 7, 0], [99, 1, 0])
    """
    whole = [round(100 * share) for share in shares]
    while over := sum(whole) - 100:
        step = 1 if over > 0 else -1
        # Of the others, the one that was rounded that way the most; of equal ones the smallest stays so.
        gone = {place: step * (whole[place] - 100 * shares[place]) for place in range(1, len(whole))}
        least = max(gone, key=lambda place: (round(gone[place], 6), step * place))
        whole[least] -= step
    return whole


def headline(diagnosis: Diagnosis) -> str:
    """What a reader in a hurry takes away: the verdict and what to do, or, without a verdict, a grave finding."""
    if (finding := leading(diagnosis)) is not None:
        return finding.message
    return f"{verdict_sentence(diagnosis)} {action(diagnosis)}".rstrip()


def leading(diagnosis: Diagnosis) -> Finding | None:
    """The finding that says more than an undecided verdict, if there is one."""
    grave = (finding for finding in diagnosis.findings if finding.kind in GRAVE)
    return next(grave, None) if diagnosis.verdict == "undecided" else None


def rate_words(trace: Trace) -> str:
    """`learning rate of 0.03`, or empty where the log does not tell it."""
    if not trace.rate > 0:
        return ""
    known = trace.lr.value[np.isfinite(trace.lr.value)]
    moves = known.size > 0 and known.min() < 0.99 * known.max()
    return f"{'peak ' if moves else ''}learning rate of {number(trace.rate, 3)}"


def control(trace: Trace) -> str:
    """Where the best rates of other trainings lay, which needs no curve; empty for an optimizer we do not know."""
    usual = USUAL.get(trace.optimizer)
    if usual is None:
        return ""
    low, high = number(usual.low, 2), number(usual.high, 2)
    place = ""
    if trace.rate > 0:
        place = " This one is above." if trace.rate > usual.high else " This one is within."
        place = " This one is below." if trace.rate < usual.low else place
    return (
        f"For comparison, without a look at the curves: on {usual.tasks} small tasks with {usual.optimizer} the best "
        f"peak lay between {low} and {high} in 8 of 10.{place}"
    )


def certainty(finding: Finding) -> str:
    """How sure a finding is."""
    return "Read off the log." if finding.confidence >= 1 else f"Right {frequency(finding.confidence)}."


def evidence(finding: Finding) -> str:
    """The numbers that carry a finding."""
    return ", ".join(f"{name.replace('_', ' ')} {number(value)}" for name, value in finding.evidence)


def places(finding: Finding, run: Run) -> str:
    """Where on the run a finding can be seen."""
    return "; ".join(_place(span, run) for span in finding.spans)


def _place(span: Span, run: Run) -> str:
    column = run.columns.get(span.column)
    unit = UNITS[column.clock] if column is not None else "update"
    label = f" ({span.label})" if span.label else ""
    if span.first == span.last:
        return f"{span.column}, {unit} {number(span.first)}{label}"
    return f"{span.column}, {unit}s {number(span.first)} to {number(span.last)}{label}"


def length(trace: Trace) -> str:
    """How far the training went, and how far it was to go: "800 updates of 1,000 planned"."""
    return f"{trace.length:,} {unit(trace)}"


def unit(trace: Trace) -> str:
    """What its length counts: "updates of 1,000 planned"."""
    planned = f" of {trace.planned:,} planned" if trace.planned > trace.length else ""
    return f"{UNITS[trace.clock]}{'' if trace.length == 1 else 's'}{planned}"
