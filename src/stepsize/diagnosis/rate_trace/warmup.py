"""A warmup that never ends, or that takes most of the training."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from stepsize.diagnosis.phrases import place, share, stretch
from stepsize.diagnosis.rate_trace.rates import TINY, Rates
from stepsize.finding import Finding, Span
from stepsize.report.digits import number

# A warmup of more than this share of the training is long; one cycle up and down takes half.
LONG = 0.55
# The share of a training that warmups usually take.
USUAL = 0.02
# A rise is one that begins below this share of the peak and has so many points.
LOW, POINTS = 0.5, 10
# A range test multiplies its rate by as much in every step, over so many powers of ten.
DECADES = 2.0
# A rise is still under way when it reaches this share of the log; a rate has come down at this share of its peak.
STILL, DOWN = 0.9, 0.2
# So long a log, where none says how long it was to be, tells a run from its first minutes.
ENOUGH = {"step": 1_000, "epoch": 10, "row": 50}


def warmup_findings(rates: Rates) -> Iterator[Finding]:
    """A rise that takes too much of the training."""
    rise = rates.v[: rates.top + 1]
    low = rise.size < POINTS or rise[0] > LOW * rates.peak
    if low or np.any(np.diff(rise) < -TINY * rates.peak) or _range_test(rise[rise > 20 * rates.quantum]):
        return
    until, long = rates.at(rates.top), rates.at(rates.top) - rates.at(0)
    if long <= LONG * rates.length or (rates.ruined and not rates.planned):
        return
    rises = rates.v[-1] >= (1 - TINY) * rates.peak and until >= STILL * rates.last
    if rises and (rates.planned or rates.reached >= ENOUGH[rates.clock]):
        yield _never_ends(rates)
    # Without a plan, only a rate that came down again shows that the log is whole.
    elif not rises and (rates.planned or rates.v[-1] <= DOWN * rates.peak):
        yield _too_long(rates, until)


def _range_test(rise: np.ndarray[tuple[int], np.dtype[np.float64]]) -> bool:
    """Whether the rate grows by factors over decades, as a search for the largest usable rate lets it."""
    if rise.size < POINTS or not rise[0] > 0 or np.log10(rise[-1] / rise[0]) < DECADES:
        return False
    powers = np.log(rise)
    straight = np.linspace(powers[0], powers[-1], powers.size)
    return bool(np.max(np.abs(powers - straight)) < 0.1 * (powers[-1] - powers[0]))


def _never_ends(rates: Rates) -> Finding:
    aim = max(1.0, round(USUAL * rates.length))
    known = rates.planned > 0
    return Finding(
        "warmup_longer_than_run",
        f"The rate still rises at {place(rates.clock, rates.last)}"
        + (f" of {rates.planned:,}: the warmup does not end." if known else ", where the log ends."),
        0.95 if known else 0.6,
        f"Shorten the warmup to {share(USUAL)} of the run, {stretch(rates.clock, aim)}.",
        (("first", float(rates.v[0])), ("last", float(rates.v[-1])), ("length", rates.length)),
        (Span("lr", rates.at(0), rates.at(-1), "still rising"),),
        "A rate that is meant to rise throughout." if known else "A log that was cut off before its planned end.",
    )


def _too_long(rates: Rates, until: float) -> Finding:
    part, aim = until / rates.length, max(1.0, round(USUAL * rates.length))
    return Finding(
        "warmup_too_long",
        f"The warmup takes {share(part)} of the run, until {place(rates.clock, until)} of {rates.length:,.0f}.",
        0.9 if rates.planned else 0.7,
        f"Shorten it to {share(USUAL)} of the run, {stretch(rates.clock, aim)}; the peak is {number(rates.peak, 3)}.",
        (("until", until), ("share", part), ("length", rates.length)),
        (Span("lr", rates.at(0), until, "warmup"),),
        "A log that was cut off before its planned end." if not rates.planned else "A rate that is meant to rise.",
    )
