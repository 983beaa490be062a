"""What the course of the loss shows besides its level: an unready start, a plateau, an end too soon, swings."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from stepsize.diagnosis.curve import Curve, Floats, curve_of, jitter, levels_of
from stepsize.diagnosis.overfitting import overfitting_findings
from stepsize.diagnosis.phrases import place, share, stretch
from stepsize.diagnosis.trace import Trace
from stepsize.finding import Finding, Span
from stepsize.report.digits import number

# Fewer points show no course.
FEW = 40
# A start that needs a warmup: within this share of the run the loss rises by this, in its logarithm, over its scatter.
EARLY, RISES, STANDS_OUT = 0.05, math.log(1.3), 6.0
# A plateau takes this share of the run, and the loss on it is level within this share of its fall.
HALF, LEVEL = 0.5, 0.01
# A plateau worth a sentence is one at this share of the first loss, or above: lower, most of the work is done.
STUCK = 0.3
# A rate at this share of its peak is still high.
HIGH = 0.5
# The last tenth of an unfinished run still brings this much of the loss, over its scatter.
STILL, TENTH = 0.03, 0.1
# Swings: so many turns, each by this much in the logarithm and so many deviations of a level.
TURNS, SWING = 8, math.log(1.25)


def shape_findings(trace: Trace) -> Iterator[Finding]:
    """What the curves show of the course of the training."""
    told = list(overfitting_findings(trace))
    yield from told
    loss = curve_of(trace.loss)
    if loss.size < FEW or not loss.positive or not np.isfinite(trace.loss.value[-1]):
        return
    yield from _needs_warmup(trace, loss)
    swings = list(_oscillates(trace, loss))
    yield from swings
    if not told and not swings:
        yield from list(_not_converged(trace, loss)) or list(_plateau(trace, loss))


def _needs_warmup(trace: Trace, loss: Curve) -> Iterator[Finding]:
    """A loss that first rises well above its start, without a warmup, and then learns."""
    length = max(loss.at(-1), trace.planned)
    head = loss.scaled[: max(FEW // 2, int(np.searchsorted(loss.x, EARLY * length)))]
    rates = curve_of(trace.lr)
    warmed = rates.size < 2 or rates.y[0] < 0.9 * rates.y.max() or rates.x[0] > EARLY * length
    if warmed or loss.first() <= loss.last() or head.size > 0.5 * loss.size:
        return
    start, points = math.log(loss.first()), max(3, head.size // 10)
    levels = levels_of(loss.x[: head.size], head, points)
    top = int(np.argmax(levels.y))
    rise = float(levels.y[top]) - start
    if top == 0 or rise < max(RISES, STANDS_OUT * jitter(loss.scaled)):
        return
    warmup = EARLY * length
    yield Finding(
        "warmup_needed",
        f"Without a warmup the loss first rises from {number(loss.first(), 3)} to "
        f"{number(math.exp(levels.y[top]), 3)} at {place(trace.clock, levels.x[top])} before it falls.",
        0.7,
        f"Warm the rate up over the first {stretch(trace.clock, _two_digits(warmup))}, "
        f"{share(warmup / max(length, 1))} of the run.",
        (("start", loss.first()), ("highest", math.exp(levels.y[top])), ("step", float(levels.x[top]))),
        (Span("loss", loss.at(0), float(levels.end[-1]), "rises at the start"),),
        "A rate that is too high altogether: then a warmup only delays it.",
    )


def _oscillates(trace: Trace, loss: Curve) -> Iterator[Finding]:
    """Slow swings of the loss itself, far over the scatter of its levels, and its gradients with it."""
    points = max(5, loss.size // 100)
    levels = levels_of(loss.x, loss.scaled, points)
    y = levels.y[levels.y.size // 5 :]
    turns = _turns(y, max(SWING, STANDS_OUT * jitter(loss.scaled) / math.sqrt(points)))
    norms = curve_of(trace.grad_norm)
    wild = norms.size >= FEW and float(np.quantile(norms.y, 0.99)) > 10 * float(np.median(norms.y))
    if len(turns) < TURNS or not wild:
        return
    low, high = float(np.exp(np.quantile(y, 0.1))), float(np.exp(np.quantile(y, 0.9)))
    yield Finding(
        "oscillation",
        f"The loss swings between about {number(low, 3)} and {number(high, 3)}, {len(turns)} turns far beyond its "
        "scatter, and the gradient norm leaps with it.",
        0.7,
        f"Try a peak of {number(trace.rate / 3, 2)}, 3 times lower." if trace.rate > 0 else "Try a third of the rate.",
        (("turns", float(len(turns))), ("low", low), ("high", high)),
        (Span("loss", float(levels.x[levels.y.size // 5]), loss.at(-1), "swings"),),
        "Data that comes in an order, so that the loss follows it.",
    )


def _turns(y: Floats, least: float) -> list[int]:
    """Where a course turns, after it has gone at least so far the other way (zigzag)."""
    turns: list[int] = []
    extreme, direction = 0, 0
    for index in range(1, y.size):
        moved = float(y[index] - y[extreme])
        if direction * moved >= 0 and direction:
            extreme = index
        elif abs(moved) > least:
            if direction:
                turns.append(extreme)
            direction, extreme = (1 if moved > 0 else -1), index
    return turns


def _not_converged(trace: Trace, loss: Curve) -> Iterator[Finding]:
    """A training that ended while a high rate still lowered its loss."""
    rates = curve_of(trace.lr)
    low_rate = rates.size > 1 and rates.y[-1] < HIGH * rates.y.max()
    if trace.cut_short or low_rate or trace.planned == 0:
        return
    # By the clock, not by points: some logs write more often at the start.
    before, since = np.searchsorted(loss.x, [(1 - 2 * TENTH) * loss.at(-1), (1 - TENTH) * loss.at(-1)])
    now, then = loss.scaled[since:], loss.scaled[before:since]
    if min(now.size, then.size) < FEW // 8:
        return
    fall = float(np.median(then) - np.median(now))
    scatter = 1.25 * jitter(loss.scaled[before:]) * math.sqrt(1 / now.size + 1 / then.size)
    if fall < max(STILL, STANDS_OUT * scatter):
        return
    # A course that falls by as much for every doubling gains about this much from as long again.
    more = fall * math.log(2) / math.log(1 / (1 - TENTH))
    more = min(more, max(0.0, math.log(loss.first() / loss.last())))
    yield Finding(
        "not_converged",
        f"The loss still falls at the end: by {share(1 - math.exp(-fall))} over the last tenth of the run.",
        0.8,
        f"Train longer: {stretch(trace.clock, 2 * (loss.at(-1) + 1))} would bring it from {number(loss.last(), 3)} to "
        f"about {number(loss.last() * math.exp(-more), 3)}, roughly.",
        (("fall", fall), ("end", loss.last())),
        (Span("loss", loss.at(before), loss.at(-1), "still falling"),),
        "A validation loss that has stopped falling.",
    )


def _plateau(trace: Trace, loss: Curve) -> Iterator[Finding]:
    """A long level stretch under a rate that was never cut."""
    levels, rates = loss.levels, curve_of(trace.lr)
    high = rates.size > 1 and rates.y[-1] >= HIGH * rates.y.max() > 0
    fallen = float(levels.y[0] - np.min(levels.y))
    half = int(np.searchsorted(levels.x, HALF * loss.at(-1)))
    if not high or trace.cut_short or fallen < 0.2 or levels.y.size - half < FEW // 4:
        return
    y = levels.y[half:]
    quarter = y.size // 2
    drift = abs(float(np.median(y[:quarter]) - np.median(y[quarter:])))
    if drift > max(LEVEL * fallen, 2 * levels.noise / math.sqrt(quarter)) or drift > 0.02 or levels.noise > 0.1:
        return
    if math.exp(float(np.median(y))) < STUCK * loss.first():
        return
    yield Finding(
        "plateau",
        f"From {place(trace.clock, levels.x[half])} on the loss stays at about {number(math.exp(np.median(y)), 3)} "
        "while the rate stays high.",
        0.6,
        f"Let the rate fall from {place(trace.clock, levels.x[half])} on: by 10 times, to "
        f"{number(float(rates.y[-1]) / 10, 2)}, would show whether there is more to gain.",
        (("level", math.exp(float(np.median(y)))), ("since", float(levels.x[half]))),
        (Span("loss", float(levels.x[half]), loss.at(-1), "level"),),
        "A loss that can fall no lower on this data.",
    )


def _two_digits(value: float) -> float:
    return float(f"{max(1.0, value):.1e}")
