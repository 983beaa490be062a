"""A decay that ends long before the training, that the training ends long before, or that never comes."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from stepsize.diagnosis.phrases import place, share, stretch
from stepsize.diagnosis.rate_trace.horizon import falls_past
from stepsize.diagnosis.rate_trace.rates import TINY, Rates
from stepsize.finding import Finding, Span
from stepsize.report.digits import number
from stepsize.run.column import Clock

# What the end of a decay may take of the run: at next to 0; at a floor above.
NOTHING_LEFT, AT_FLOOR = 0.10, 0.20
# And so much more where only the last digits are left to read.
LAST_DIGITS = 0.06
# Next to 0, as a share of the peak.
NEXT_TO_ZERO = 0.01
# A rate within this factor of its lowest is at its lowest.
SAME = 1.001
# A floor above this share of the peak is no end of a decay.
HALF = 0.5
# So often at most is a schedule stepped too often by processes and micro-batches, as the checks look for it.
MOST_TIMES = 16
# Below this share of the peak a rate that still falls does next to nothing, for more than this share of the run.
VANISHED, VANISHED_FOR = 1e-4, 0.3
# A run of this length usually gains by a decay.
LONG: dict[Clock, int] = {"step": 10_000, "epoch": 50, "row": 10_000}


def decay_findings(rates: Rates) -> Iterator[Finding]:
    """Where the decay lies in the run."""
    after = rates.v[rates.top :]
    if after.size < 2 or np.any(np.diff(after) > TINY * rates.peak) or _rises_again(rates):
        return
    told = list(_ends_early(rates)) or list(_vanishes(rates)) or list(falls_past(rates))
    yield from told or _never(rates)


def _rises_again(rates: Rates) -> bool:
    after = rates.v[rates.top :]
    return bool(np.max(after - np.minimum.accumulate(after)) > 0.05 * rates.peak)


def _ends_early(rates: Rates) -> Iterator[Finding]:
    low = float(rates.v[-1])
    resolution = rates.quantum / 2 + 1e-6 * rates.peak
    lowest = np.flatnonzero(rates.v[rates.top :] > SAME * low + resolution)
    # Stairs end on their last stair, unless that is truly 0; digits too coarse show no end.
    last_stair = rates.staircase and (low > 0 or rates.quantum > 0)
    if not lowest.size or low > HALF * rates.peak or rates.coarse or last_stair:
        return
    end = rates.at(min(rates.top + int(lowest[-1]) + 1, rates.v.size - 1))
    left = rates.after(end)
    shown = left - _end_of_cosine(((SAME - 1) * low + resolution) / (rates.peak - low))
    times = _times(rates, end)
    # In its last digits an exponential decay, too, reads as if it rested.
    rounded = LAST_DIGITS if low <= 3 * rates.quantum else 0.0
    if shown <= rounded + (NOTHING_LEFT if low <= NEXT_TO_ZERO * rates.peak else AT_FLOOR):
        return
    if times > 1:
        yield _too_fast(rates, end, times)
    elif low <= NEXT_TO_ZERO * rates.peak:
        yield _too_early(rates, end, left)
    else:
        yield _flat_tail(rates, end, left)


def _end_of_cosine(part: float) -> float:
    """For how much of its length a cosine is below this part of its height."""
    return 1 - math.acos(max(-1.0, min(1.0, 2 * part - 1))) / math.pi


def _times(rates: Rates, end: float) -> int:
    """How many times the decay fits into the run, where that is a whole number; else 0."""
    ratio = rates.length / max(end, 1.0)
    times = round(ratio)
    slack = 0.03 + rates.spacing / max(end, 1.0)
    return times if 2 <= times <= MOST_TIMES and abs(ratio / times - 1) < slack else 0


def _too_fast(rates: Rates, end: float, times: int) -> Finding:
    low = float(rates.v[-1])
    return Finding(
        "decays_too_early",
        f"The rate reaches its end, {number(low, 3)}, at {place(rates.clock, end)} of {rates.length:,.0f}: "
        f"{times} times too fast.",
        0.9 if rates.planned else 0.75,
        f"Step the scheduler once an update, not once for each of {times} processes or micro-batches, or make it "
        f"{stretch(rates.clock, rates.length)} long.",
        (("end", end), ("length", rates.length), ("times", float(times)), ("last", low)),
        (Span("lr", end, rates.last, "at its end"),),
        "A schedule that is meant to be this short.",
    )


def _too_early(rates: Rates, end: float, left: float) -> Finding:
    low = float(rates.v[-1])
    return Finding(
        "decays_too_early",
        f"The rate is down to {number(low, 3)} at {place(rates.clock, end)} of {rates.length:,.0f}: the last "
        f"{share(left)} of the run teach next to nothing.",
        0.9 if rates.planned else 0.8,
        f"Make the decay end with the run: {stretch(rates.clock, rates.length)}.",
        (("end", end), ("length", rates.length), ("left", left), ("last", low)),
        (Span("lr", end, rates.last, "next to 0"),),
        "A run that was meant to end there.",
    )


def _flat_tail(rates: Rates, end: float, left: float) -> Finding:
    low = float(rates.v[-1])
    return Finding(
        "flat_tail",
        f"From {place(rates.clock, end)} on, for {share(left)} of the run, the rate stays at its floor, "
        f"{number(low, 3)} or {share(low / rates.peak)} of the peak.",
        0.7,
        f"Make the decay end with the run, at {stretch(rates.clock, rates.length)}, or set no floor.",
        (("end", end), ("length", rates.length), ("left", left), ("floor", low)),
        (Span("lr", end, rates.last, "at the floor"),),
        "A last stretch at the floor by intent.",
    )


def _vanishes(rates: Rates) -> Iterator[Finding]:
    """A rate that never rests but is long too small to matter."""
    gone = np.flatnonzero(rates.v[rates.top :] > 0.99 * VANISHED * rates.peak)
    at = rates.at(min(rates.top + int(gone[-1]) + 1, rates.v.size - 1))
    left = rates.after(at)
    if left > VANISHED_FOR and not rates.quantum > VANISHED * rates.peak:
        yield _too_early(rates, at, left)


def _never(rates: Rates) -> Iterator[Finding]:
    low, length = float(rates.v[-1]), rates.reached
    held = rates.last - rates.at(rates.top)
    if rates.cut or low < (1 - TINY) * rates.peak or length + rates.spacing < LONG[rates.clock] or held < 0.5 * length:
        return
    yield Finding(
        "never_decays",
        f"The rate stays at {number(low, 3)} to the end, {place(rates.clock, rates.last)}; it never decays.",
        0.7 if rates.planned else 0.6,
        f"Let it fall to 0 over the last {stretch(rates.clock, round(0.2 * length))}: on long runs that is usually "
        "worth 1 to 4 % of the loss.",
        (("rate", low), ("length", length)),
        (Span("lr", rates.at(rates.top), rates.at(-1), "constant"),),
        "A schedule-free optimizer or averaged weights, which need no decay"
        + ("." if rates.planned else ", or a run that goes on."),
    )
