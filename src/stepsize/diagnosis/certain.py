"""What a record shows beyond doubt: a loss that is no number, that never fell, that ran away, that jumped for good."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from stepsize.diagnosis.curve import Curve, curve_of, jitter, levels_of, running_median
from stepsize.diagnosis.nonfinite import nan_findings
from stepsize.diagnosis.phrases import place
from stepsize.diagnosis.trace import Trace
from stepsize.finding import Finding, Span
from stepsize.report.digits import number

# A loss that ends at this share of its start, or above, was not learned from.
LEARNED = 0.95
# Fewer points do not tell a start from an end.
FEW = 5
# A loss that has fallen to this share, and ends where it started, has lost what it had learned.
FELL = 0.8
# A loss of both signs has diverged when it rises by so many times its first size.
ASTRAY = 1e3
# Loss of guessing evenly, as people meet it.
GUESSES = {2: "two", 10: "ten", 100: "a hundred", 1000: "a thousand"}
# Scatter of single points, as a share of the loss, in which a start and an end drown.
DROWNED = 0.25
# A tenth of the points must tell the level of the loss to this share.
UNSURE = 0.04
# A jump is so many standard deviations of a level, and so much in the logarithm of the loss.
STANDS_OUT, NOTABLE = 8.0, math.log(1.1)
# So many levels are needed before a jump and after it.
AROUND = 5


def certain_findings(trace: Trace) -> Iterator[Finding]:
    """The certain findings, the gravest first."""
    yield from nan_findings(trace)
    loss = curve_of(trace.loss)
    if loss.size < FEW or not np.isfinite(trace.loss.value[-1]):
        return
    told = list(_constant(trace, loss)) or list(_diverged(trace, loss)) or list(_never_learned(trace, loss))
    yield from told or _jump(trace, loss)


def _constant(trace: Trace, loss: Curve) -> Iterator[Finding]:
    """One value from the first point to the last, or for the last third of the run."""
    moved = np.flatnonzero(loss.y != loss.y[-1])
    since = int(moved[-1]) + 1 if moved.size else 0
    if loss.size - since < max(2 * FEW, loss.size // 3) or loss.y[-1] == 0:
        return
    value, at = float(loss.y[-1]), loss.at(since)
    whole = since == 0
    message = (
        f"The loss is exactly {number(value)} at all {loss.size} points: nothing is learned{_guess(value)}."
        if whole
        else f"From {place(trace.clock, at)} to the end the loss is exactly {number(value)}{_guess(value)}."
    )
    yield Finding(
        "never_learned" if whole else "plateau",
        message,
        1.0,
        f"Check that the loss depends on the weights and that they move; then try {_lower(trace)}.",
        (("value", value), ("points", float(loss.size - since))),
        (Span("loss", at, loss.at(-1), "exactly constant"),),
        "A loss that was logged with too few digits, or a loss that can fall no lower.",
    )


def _diverged(trace: Trace, loss: Curve) -> Iterator[Finding]:
    start, end = loss.first(), loss.last()
    # To have fallen, it must have been low for a while.
    low = float(np.min(levels_of(loss.x, loss.y, max(1, loss.size // 10)).y))
    if not (_ran_away(loss, start, end) or _lost(loss, start, end, low)):
        return
    best = int(np.argmin(loss.y))
    fell = low < FELL * start and loss.positive
    first = best if fell else 0
    before = f"fell to {number(low)} and then ran away" if fell else "ran away"
    yield Finding(
        "diverged",
        f"The loss {before}: it started at {number(start)} and ends at {number(end)}.",
        1.0 if end > 2 * start else 0.95,
        f"Try {_lower(trace)}{f', from before {place(trace.clock, loss.at(best))}' if fell else ''}.",
        (("start", start), ("lowest", low), ("end", end)),
        (Span("loss", loss.at(first), loss.at(-1), "diverged"),),
        "A change of the data, or of what the loss is made of, on the way.",
    )


def _ran_away(loss: Curve, start: float, end: float) -> bool:
    if not loss.positive:
        return end - start > ASTRAY * max(1.0, abs(start), jitter(loss.y))
    # A loss that starts next to 0, as of a policy or a penalty, may grow in health.
    counts = start > 0.05 or end > 1
    # To be far above, a level must be so in spite of the scatter of single points.
    scatter = jitter(loss.scaled) / math.sqrt(max(1, min(loss.size // 20, 50)))
    return counts and math.log(end / start) > math.log(1.2) + 4 * scatter and _above_most(loss, end)


def _above_most(loss: Curve, end: float) -> bool:
    """Whether the end is no higher place on a course that was always so wild."""
    return end > 1.2 * float(np.median(loss.y[: max(1, loss.size // 20)]))


def _lost(loss: Curve, start: float, end: float, low: float) -> bool:
    if not loss.positive or start <= 0.05 or low >= FELL * start or end <= LEARNED * start:
        return False
    # The lowest of ten levels is low by chance, too.
    scatter = jitter(loss.scaled)
    return scatter < DROWNED and math.log(end / low) > STANDS_OUT * scatter / math.sqrt(max(1, loss.size // 20))


def _never_learned(trace: Trace, loss: Curve) -> Iterator[Finding]:
    start, end = loss.first(), loss.last(0.1)
    scatter = jitter(loss.scaled)
    if not loss.positive or not LEARNED * start <= end or scatter > min(DROWNED, UNSURE * math.sqrt(loss.size / 10)):
        return
    epochs = trace.clock != "step" or loss.at(0) > 0.02 * loss.at(-1)
    # The first point of a coarse log is a mean over much of the learning, so it must be level from there.
    if epochs and (end < 0.98 * start or (not _guess(end) and not _flat(loss))):
        return
    if _falls(loss) or _validation_fell(trace):
        return
    yield Finding(
        "never_learned",
        f"The loss never fell: it started at {number(start)} and ends at {number(end)}{_guess(end)}.",
        0.8 if epochs and not _guess(end) else 0.95,
        f"Try {_lower(trace)}, and 10 times higher; if neither falls, it is the model or the data.",
        (("start", start), ("end", end)),
        (Span("loss", loss.at(0), loss.at(-1), "never fell"),),
        "A model that was trained before and is at its best, or a loss that is mostly the noise of its batches.",
    )


def _flat(loss: Curve) -> bool:
    return float(np.ptp(loss.levels.y)) < 0.02


def _falls(loss: Curve) -> bool:
    """Whether the end lies below the start by more than chance."""
    y, tenth = loss.scaled, max(2, loss.size // 10)
    scatter = jitter(y) * math.sqrt(2 / tenth)
    return float(np.mean(y[:tenth]) - np.mean(y[-tenth:])) > max(0.02, 4 * scatter)


def _validation_fell(trace: Trace) -> bool:
    val = curve_of(trace.val_loss)
    return val.size > 2 and val.positive and float(val.y.min()) < LEARNED * float(val.y[0])


def _jump(trace: Trace, loss: Curve) -> Iterator[Finding]:
    levels = loss.levels
    count = levels.y.size
    if count < 4 * AROUND:
        return
    before = np.array([np.median(levels.y[i - AROUND : i]) for i in range(AROUND, count - AROUND + 1)])
    smooth = running_median(levels.y, 3)
    lowest_after = np.minimum.accumulate(smooth[::-1])[::-1][AROUND : count - AROUND + 1]
    at = int(np.argmax(lowest_after - before))
    index, rise = at + AROUND, float(lowest_after[at] - before[at])
    after = float(np.median(levels.y[index : index + AROUND]))
    sudden = levels.y[min(index + 1, count - 1)] - before[at] > 0.7 * (after - before[at])
    scale = NOTABLE if loss.positive else 0.1 * float(np.ptp(levels.y))
    if not sudden or rise < max(scale, STANDS_OUT * max(levels.noise, _wander(levels.y, index))):
        return
    was, now = (math.exp(before[at]), math.exp(after)) if loss.positive else (float(before[at]), after)
    yield Finding(
        "unrecovered_jump",
        f"At {place(trace.clock, levels.x[index])} the loss jumped from {number(was)} to {number(now)}, and it never "
        "came back.",
        0.9,
        f"Go back to before {place(trace.clock, levels.x[index])} and go on with {_lower(trace)}.",
        (("before", was), ("after", now), ("step", float(levels.x[index]))),
        (Span("loss", float(levels.x[index]), loss.at(-1), "jumped"),),
        "A change of the data, of the batch or of the loss at that place.",
    )


def _wander(y: np.ndarray[tuple[int], np.dtype[np.float64]], index: int) -> float:
    """How far neighbouring groups of levels lay apart before, upwards, by their 90th percentile."""
    pairs = y[AROUND:index] - y[: index - AROUND]
    return float(np.quantile(np.maximum(pairs, 0.0), 0.9)) / 3 if pairs.size > AROUND else 0.0


def _guess(value: float) -> str:
    """What a loss equals, if it is that of guessing among so many classes."""
    for classes, word in GUESSES.items():
        if abs(value - math.log(classes)) < 0.01 * math.log(classes):
            return f" ({number(math.log(classes), 3)} is what guessing between {word} classes costs)"
    return ""


def _lower(trace: Trace) -> str:
    return f"a peak of {number(trace.rate / 10, 2)}, 10 times lower" if trace.rate > 0 else "a tenth of the rate"
