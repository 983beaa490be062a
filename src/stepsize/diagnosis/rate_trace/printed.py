"""Rates that read 0, or that were printed with too few digits to be told apart."""

from __future__ import annotations

from collections.abc import Iterator

from stepsize.diagnosis.phrases import place, share
from stepsize.diagnosis.rate_trace.rates import Rates
from stepsize.finding import Finding, Span
from stepsize.report.digits import number

# With so few heights between 0 and the peak a decay cannot be seen.
HEIGHTS = 5
# A loss that ends below this share of its start was trained at some rate.
LEARNED = 0.9
DIGITS = "Log the rate with its exponent, as {:.4e}."


def printed_findings(rates: Rates) -> Iterator[Finding]:
    """What the digits hide."""
    yield from _zero(rates) if rates.peak == 0 else _rounded(rates)
    yield from _first_epoch(rates)


def _zero(rates: Rates) -> Iterator[Finding]:
    learned = rates.loss.size > 1 and rates.loss.positive and rates.loss.last() < LEARNED * rates.loss.first()
    yield Finding(
        "rate_zero",
        f"The rate is logged as 0 at all {rates.v.size:,} points"
        + (", yet the loss fell: it was printed with too few digits." if learned else ": nothing could be learned."),
        1.0,
        DIGITS if learned else "Look at what sets the rate: a schedule of length 0, or a warmup that never advances.",
        (("points", float(rates.v.size)),),
        (Span("lr", rates.at(0), rates.at(-1), "0"),),
        "" if learned else "A rate that was printed with too few digits.",
    )


def _rounded(rates: Rates) -> Iterator[Finding]:
    zeros = rates.v == 0
    heights = rates.peak / rates.quantum if rates.quantum else HEIGHTS + 1
    if heights > HEIGHTS or not rates.coarse or zeros.sum() < 2:
        return
    yield Finding(
        "rate_rounded",
        f"The rate is printed in steps of {number(rates.quantum)}, so it reads 0 at {share(zeros.mean())} of the "
        "points: how it decays cannot be seen.",
        0.9,
        DIGITS,
        (("digit", rates.quantum), ("zeros", float(zeros.sum()))),
        (Span("lr", float(rates.x[zeros][0]), float(rates.x[zeros][-1]), "reads 0"),),
        "A rate that is truly 0 there.",
    )


def _first_epoch(rates: Rates) -> Iterator[Finding]:
    """A warmup by epochs that begins at 0 gives a whole epoch away."""
    if rates.clock != "epoch" or rates.v[0] != 0 or rates.v[1] == 0 or rates.quantum > 0.01 * rates.peak:
        return
    yield Finding(
        "zero_first_update",
        f"The rate is 0 in {place('epoch', rates.x[0])}, so that epoch changes nothing.",
        0.8,
        f"Start the warmup at {number(rates.v[1] / 2, 2)}, or let it advance with every update.",
        (("next", float(rates.v[1])),),
        (Span("lr", rates.at(0), rates.at(0), "0"),),
        "A log that notes the rate once, before the epoch, while it moves within it.",
    )
