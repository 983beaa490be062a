"""Spikes of the loss: how many, whether it came back at once, slowly or not, and what rose before it.

What counts as one is not a fixed factor. The loss is compared, in its logarithm where it has one, with its running
median, in units of its own scatter there; the tail of that scatter tells which height chance does not reach in a run
of this length (peaks over a threshold: Pickands, Annals of Statistics 1975).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, final

import numpy as np

from stepsize.diagnosis.curve import SIGMA, Curve, Floats, crests_of, curve_of, levels_of, running_median
from stepsize.diagnosis.phrases import place, stretch
from stepsize.diagnosis.trace import Trace
from stepsize.finding import Finding, Span
from stepsize.report.digits import number
from stepsize.run import Column

Recovery = Literal["fast", "slow", "not"]
# Fewer points show no scatter to compare with.
FEW = 60
# The chance that scatter alone makes a spike in a run.
CHANCE = 1e-3
# A spike worth a sentence raises the loss by this, in the logarithm, and by this share of all it has fallen.
HEIGHT, SHARE = 0.1, 0.05
# The start is left out: there the loss finds its feet (see `warmup_needed`).
START = 0.05
# Recovered within so many points is at once.
FAST = 10
# So many spikes are drawn on the curve.
DRAWN = 20
# What rises before a spike does so within so many points, by so many of its own standard deviations.
LEAD_WITHIN, LEAD_BY = 20, 6.0
LEADERS = {"update_ratio": "size of the updates", "grad_norm": "gradient norm"}


@final
@dataclass(frozen=True)
class Spike:
    """One rise of the loss above its course, by indices into the curve."""

    first: int
    peak: int
    back: int
    recovery: Recovery


def spike_findings(trace: Trace) -> Iterator[Finding]:
    """The spikes of the training's loss, as one finding."""
    loss = crests_of(trace.loss)
    spikes = spikes_of(loss)
    if not spikes:
        return
    top = max(spikes, key=lambda spike: loss.y[spike.peak])
    kinds = Counter(spike.recovery for spike in spikes)
    clock = trace.loss.clock
    before = float(np.median(loss.y[max(0, top.first - FAST) : max(1, top.first)]))
    leader, lead = _leader(trace, loss, spikes)
    rose = f" The {LEADERS[leader]} rose first, {stretch(clock, lead)} before the loss." if leader else ""
    times = "once" if len(spikes) == 1 else f"{len(spikes)} times"
    yield Finding(
        "loss_spikes",
        f"The loss spikes {times}, at most from {number(before, 3)} to {number(float(loss.y[top.peak]), 3)} at "
        f"{place(clock, loss.at(top.peak))}; {_recoveries(kinds, len(spikes))}.{rose}",
        0.9,
        _advice(trace),
        (
            ("spikes", float(len(spikes))),
            *((f"recovered_{kind}", float(kinds[kind])) for kind in ("fast", "slow", "not") if kinds[kind]),
            ("before", before),
            ("highest", float(loss.y[top.peak])),
            *((("lead", lead),) if leader else ()),
        ),
        tuple(
            Span("loss", loss.at(spike.first), loss.at(spike.back), f"{spike.recovery} recovery")
            for spike in sorted(spikes, key=lambda spike: -loss.y[spike.peak])[:DRAWN]
        ),
        "Batches of bad data at those places, which a lower rate does not repair.",
    )


def spikes_of(loss: Curve) -> list[Spike]:
    """The spikes of a loss, in order."""
    if loss.size < FEW or not np.ptp(loss.y):
        return []
    above, scatter = _residual(loss)
    high = above > scatter * _beyond_chance(above / scatter)
    fallen = float(np.max(loss.levels.y) - np.min(loss.levels.y))
    high &= above > max(SHARE * fallen, HEIGHT if loss.positive else HEIGHT * fallen)
    high[: max(FAST, int(START * loss.size))] = False
    return [_spike(loss, scatter, first, last) for first, last in _groups(np.flatnonzero(high))]


def _residual(loss: Curve) -> tuple[Floats, Floats]:
    """How far each point lies above the running median, and the scatter there."""
    y = loss.scaled
    points = max(5, -(-loss.size // 200))
    positions = np.arange(loss.size, dtype=np.float64)
    levels = levels_of(positions, y, points)
    centres = (levels.x + levels.end) / 2
    above = y - np.interp(positions, centres, running_median(levels.y, 5))
    spread = levels_of(positions, np.abs(above), points)
    local = SIGMA * running_median(spread.y, 9)
    floor = max(0.2 * float(np.median(local)), 1e-6 * float(np.ptp(y)))
    return above, np.interp(positions, centres, np.maximum(local, floor))


def _beyond_chance(scores: Floats) -> float:
    """The height that scatter with an exponential tail like this one's exceeds in one run of a thousand."""
    low, high = np.quantile(scores, (0.9, 0.99))
    tail = scores[(scores > low) & (scores <= high)] - low
    # The mean of an exponential variable cut off at its 90th percentile is 0.744 of its scale.
    scale = float(np.mean(tail)) / 0.744 if tail.size else 0.0
    return float(low) + max(scale, 1.0) * math.log(0.1 * scores.size / CHANCE)


def _groups(found: np.ndarray[tuple[int], np.dtype[np.intp]]) -> list[tuple[int, int]]:
    """First and last of each stretch of indices that lie close together."""
    if not found.size:
        return []
    breaks = np.flatnonzero(np.diff(found) > FAST)
    firsts, lasts = found[np.append(0, breaks + 1)], found[np.append(breaks, found.size - 1)]
    return [(int(first), int(last)) for first, last in zip(firsts, lasts, strict=True)]


def _spike(loss: Curve, scatter: Floats, first: int, last: int) -> Spike:
    y = loss.scaled
    peak = first + int(np.argmax(y[first : last + 1]))
    before = float(np.median(y[max(0, first - FAST) : first]))
    level = before + max(2 * float(scatter[first]), 0.1 * float(y[peak] - before))
    later = y[peak : peak + max(10 * FAST, loss.size // 5)]
    down = np.flatnonzero(running_median(later, 3) <= level)
    if not down.size:
        ends_down = bool(np.median(y[-max(3, loss.size // 50) :]) <= level)
        return Spike(first, peak, min(peak + later.size, loss.size) - 1, "slow" if ends_down else "not")
    return Spike(first, peak, peak + int(down[0]), "fast" if down[0] <= FAST else "slow")


def _recoveries(kinds: Counter[Recovery], total: int) -> str:
    words: dict[Recovery, str] = {"fast": "quickly", "slow": "slowly", "not": "not at all"}
    if len(kinds) == 1:
        return f"{'it' if total == 1 else 'each'} recovers {words[next(iter(kinds))]}".replace(
            "recovers not at all", "does not recover"
        )
    return "recovered: " + ", ".join(f"{kinds[kind]} {words[kind]}" for kind in words if kinds[kind])


def _leader(trace: Trace, loss: Curve, spikes: list[Spike]) -> tuple[str, float]:
    """What rose at least one logged point before most of the spikes, and by how long; empty where nothing did."""
    starts = loss.x[[spike.first for spike in spikes]]
    for name, column in (("update_ratio", trace.update_ratio), ("grad_norm", trace.grad_norm)):
        leads = _leads(column, starts)
        ahead = leads[leads > 0]
        if leads.size and ahead.size > 0.5 * leads.size:
            return name, float(np.median(ahead))
    return "", 0.0


def _leads(column: Column, starts: Floats) -> Floats:
    """How long before each place the column had begun to stand out; 0 where it had not."""
    seen = crests_of(column)
    if seen.size < FEW or not seen.positive:
        return np.empty(0)
    return np.array([_lead(seen, start) for start in starts])


def _lead(seen: Curve, start: float) -> float:
    end = int(np.searchsorted(seen.x, start))
    begin = max(0, end - LEAD_WITHIN)
    usual, near = seen.scaled[max(0, begin - 10 * LEAD_WITHIN) : begin], seen.scaled[begin:end]
    if usual.size < LEAD_WITHIN or not near.size:
        return 0.0
    middle = float(np.median(usual))
    spread = max(SIGMA * float(np.median(np.abs(usual - middle))), 0.01)
    quiet = np.flatnonzero(near <= middle + LEAD_BY * spread)
    since = int(quiet[-1]) + 1 if quiet.size else 0
    return float(start - seen.x[begin + since]) if since < near.size else 0.0


def _advice(trace: Trace) -> str:
    norms = curve_of(trace.grad_norm)
    clip = f"Clip the gradient's norm at {number(float(np.quantile(norms.y, 0.9)), 2)}" if norms.size >= FEW else ""
    lower = f"try a peak of {number(trace.rate / 2, 2)}, 2 times lower" if trace.rate > 0 else "try half the rate"
    return f"{clip}, or {lower}." if clip else f"{lower[0].upper()}{lower[1:]}, or clip the gradient's norm."
