"""A rate that rises again: a schedule that began anew on resume, or that ran on past its end; not cycles by intent."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from stepsize.diagnosis.curve import Floats
from stepsize.diagnosis.phrases import place, stretch
from stepsize.diagnosis.rate_trace.rates import Rates
from stepsize.finding import Finding, Span
from stepsize.report.digits import number

# A jump is a rise by this factor and by this share of the peak, between two points.
FACTOR, SIZE = 1.15, 0.1
# A cycle by intent is over when the rate is down to this share of the peak.
FLOOR = 0.05
# A decay before a jump has so many points.
RUN = 5
# More jumps than this are cycles, or noise.
MOST = 8
# Cycles by intent are equally long, or each longer by one factor, within this share.
EVEN = 0.05
# A loss that jumps with the rate rises by so much of its logarithm, over its scatter.
RISE, STANDS_OUT = 0.02, 4.0


def restart_findings(rates: Rates) -> Iterator[Finding]:
    """Rises after the peak that nobody can have meant."""
    jumps = _jumps(rates)
    if 0 < jumps.size <= MOST:
        unmeant = [int(index) for index in jumps if _unmeant(rates, int(index))]
        regular = jumps.size > 1 and _regular(rates, jumps)
        if unmeant and not (regular and not any(_told_by_log(rates, index) for index in unmeant)):
            yield _restarts(rates, unmeant)
    elif not jumps.size:
        yield from _runs_on(rates)


def _jumps(rates: Rates) -> Floats:
    """Points before which the rate leaps: up, to where it had been; or down to its start, to warm up once more."""
    v, before = rates.v, np.maximum.accumulate(rates.v)
    fall, leap = np.append(0.0, np.maximum(v[:-2] - v[1:-1], 0.0)), v[1:] - v[:-1]
    # A wave that is logged now and then moves by leaps, too, but by one after the other.
    alone = np.abs(leap) > 3 * fall
    alone[1:] &= v[1:-1] <= v[:-2]
    up = alone & (v[1:] > FACTOR * v[:-1]) & (leap > SIZE * rates.peak)
    up &= (v[:-1] < 0.9 * before[:-1]) & (v[1:] <= 1.05 * before[:-1])
    again = np.zeros(v.size - 1, dtype=bool)
    for index in np.flatnonzero(alone & (v[1:] < 0.5 * v[:-1]) & (v[:-1] > 2 * FLOOR * rates.peak))[:MOST]:
        again[index] = _warms_up_again(rates, int(index) + 1)
    # A warmup logged now and then may leap in two points.
    up[: rates.top] = False
    up[1:] &= ~(up[:-1] | again[:-1])
    return np.flatnonzero(up | again).astype(np.float64) + 1


def _warms_up_again(rates: Rates, index: int) -> bool:
    """Whether the rate repeats from `index` on what it did from the beginning: a warmup, not a cut."""
    warmup = rates.at(rates.top) - rates.at(0)
    after = rates.x[index:] - rates.x[index]
    inside = np.count_nonzero(after <= warmup)
    if rates.top < 3 or inside < 4 or rates.v[0] > 0.5 * rates.peak:
        return False
    then = np.interp(after[:inside], rates.x[: rates.top + 1] - rates.x[0], rates.v[: rates.top + 1])
    return bool(np.max(np.abs(then - rates.v[index : index + inside])) < 0.1 * rates.peak)


def _unmeant(rates: Rates, index: int) -> bool:
    """Whether the jump is out of the middle of a decay, or the log or the loss shows that the training was resumed."""
    told = _told_by_log(rates, index) or _loss_jumps(rates, index)
    return told or (index - rates.top >= RUN and (_in_the_middle(rates, index) or _lands_on_a_slope(rates, index)))


def _in_the_middle(rates: Rates, index: int) -> bool:
    """Whether the decay had some way to go: a cycle by intent is over, or would have been at the next point."""
    last, before = rates.v[index - 1], rates.v[index - 2]
    return bool(last - 1.5 * max(before - last, 0.0) > FLOOR * rates.peak and _moving(rates, index))


def _lands_on_a_slope(rates: Rates, index: int) -> bool:
    """Whether the rate goes on from the middle of a longer decay, below the peak and steeply: no cycle begins so."""
    after = rates.v[index:]
    if after.size < 2 * RUN or after[0] > 0.9 * rates.peak or after[-1] > 0.2 * after[0]:
        return False
    first = float(np.interp(rates.x[index] + 0.1 * (rates.at(-1) - rates.x[index]), rates.x[index:], after))
    # A line falls by a tenth over its first tenth, the crest of a cosine by a fortieth.
    return bool(after[0] - first > 0.12 * (after[0] - after[-1]))


def _moving(rates: Rates, index: int) -> bool:
    """Whether the rate was on its way, not at rest at the end of a cycle."""
    begin = max(rates.top, index - max(4, (index - rates.top) // 10))
    before, span = rates.v[begin:index], rates.x[begin:index]
    if before.size < 3:
        return False
    slope = (before[0] - before[-1]) / max(span[-1] - span[0], 1.0)
    # At its end a cosine has a tenth of its mean slope, and a line to a floor its own: those are told by the floor.
    mean = (rates.peak - before[-1]) / max(span[-1] - rates.at(rates.top), 1.0)
    return bool(slope > 0.3 * mean > 0)


def _told_by_log(rates: Rates, index: int) -> bool:
    near = 3 * rates.spacing + 1
    return bool(np.any(np.abs(rates.again - rates.x[index]) <= near))


def _loss_jumps(rates: Rates, index: int) -> bool:
    """Whether the loss leaps up where the rate does, more than it scatters."""
    loss, at = rates.loss, rates.at(index)
    if loss.size < 20 or not loss.positive:
        return False
    here = int(np.searchsorted(loss.x, at))
    before, after = loss.scaled[max(0, here - 10) : here], loss.scaled[here : here + 10]
    if min(before.size, after.size) < 5:
        return False
    scatter = 1.4826 * float(np.median(np.abs(np.diff(before)))) / np.sqrt(before.size)
    return bool(np.median(after) - np.median(before) > max(RISE, STANDS_OUT * scatter))


def _regular(rates: Rates, jumps: Floats) -> bool:
    places = np.append(rates.at(0), rates.x[jumps.astype(np.int64)])
    gaps = np.diff(places)
    slack = EVEN + 2 * rates.spacing / float(gaps.min())
    ratios = gaps[1:] / gaps[:-1]
    return bool(np.all(np.abs(ratios / ratios[0] - 1) < 2 * slack) and ratios[0] > 1 - 2 * slack)


def _restarts(rates: Rates, at: list[int]) -> Finding:
    first = at[0]
    before, after = float(rates.v[first - 1]), float(rates.v[first : first + 3].max())
    again = after <= before
    sure = any(_told_by_log(rates, index) or _loss_jumps(rates, index) for index in at)
    times = "" if len(at) == 1 else f", and {len(at) - 1} times more"
    what = (
        f"falls from {number(before, 3)} to {number(float(rates.v[first]), 3)} and warms up once more"
        if again
        else f"leaps from {number(before, 3)} back to {number(after, 3)}"
    )
    return Finding(
        "rate_restarts",
        f"At {place(rates.clock, rates.x[first])} the rate {what}{times}: the schedule began anew, as after a resume "
        "that did not restore it.",
        0.95 if sure else 0.85,
        f"Save and restore the scheduler with the weights: at {place(rates.clock, rates.x[first])} the rate should go "
        f"on at {number(before, 3)}.",
        (("step", rates.at(first)), ("before", before), ("after", float(rates.v[first])), ("times", float(len(at)))),
        tuple(Span("lr", rates.at(index - 1), rates.at(index), "begins anew") for index in at),
        "A restart that was meant, or a second stage of the training.",
    )


def _runs_on(rates: Rates) -> Iterator[Finding]:
    """A decay that reaches its end and swings back up, as a cosine does that is asked beyond its length."""
    after = rates.v[rates.top :]
    down = np.flatnonzero(after <= FLOOR * rates.peak)
    if after.size < 2 * MOST or not down.size:
        return
    begin = rates.top + int(down[0])
    rise = np.flatnonzero(rates.v[begin:] > 2 * FLOOR * rates.peak)
    if not rise.size:
        return
    valley = begin + int(np.argmin(rates.v[begin : begin + int(rise[0]) + 1]))
    crest = valley + int(np.argmax(rates.v[valley : _next_valley(rates, begin + int(rise[0]))]))
    fall, climb = rates.at(valley) - rates.at(rates.top), rates.at(crest) - rates.at(valley)
    warmup = rates.at(rates.top) - rates.at(0)
    swings = crest - valley >= 3 and (climb > 0.5 * fall or crest == rates.v.size - 1) and warmup < 0.3 * fall
    if not swings or rates.v[crest] < 0.1 * rates.peak:
        return
    times = rates.length / max(rates.at(valley), 1.0)
    yield Finding(
        "rises_after_end",
        f"The decay ends at {place(rates.clock, rates.x[valley])} of {rates.length:,.0f}, and then the rate rises "
        f"again to {number(float(rates.v[crest]), 3)}: the schedule is {_times(times)} too short for the run.",
        0.85 if rates.planned else 0.75,
        f"Make the schedule {stretch(rates.clock, rates.length)} long; if it is, look for a scheduler that is stepped "
        f"by every one of {max(2, round(times))} processes or micro-batches.",
        (("end", rates.at(valley)), ("length", rates.length), ("times", times)),
        (Span("lr", rates.at(valley), rates.at(crest), "rises again"),),
        "A rate that is meant to swing.",
    )


def _next_valley(rates: Rates, begin: int) -> int:
    """The first point after `begin` at which the rate is down again, or the number of points."""
    again = np.flatnonzero(rates.v[begin:] <= FLOOR * rates.peak)
    return begin + int(again[0]) if again.size else int(rates.v.size)


def _times(times: float) -> str:
    return f"{round(times)} times" if abs(times - round(times)) < 0.05 * times else "much"
