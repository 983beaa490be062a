"""What the runs of a search say besides the answer, in sentences."""

from __future__ import annotations

import math

import numpy as np

from stepsize.finding import Finding
from stepsize.run import Run
from stepsize.tuner.order import Order
from stepsize.tuner.plan import Decision

# A posterior of the best rate wider than this many decades decides nothing, nor does one whose recommendation is
# expected to cost this share of the gain.
UNDECIDED, DEAR = 2.0, 0.1
# A rise of validation loss from its lowest, as a share of its whole fall, that is more than noise.
OVERFIT = 0.03
# A fall of the metric by a smaller share of its start is none.
NO_GAIN = 0.02
# The optimum lies beyond a bound of the search with at least this probability.
EDGE = 0.2


def evidence(order: Order, decision: Decision) -> list[Finding]:
    """The findings of a search, the weightiest first."""
    candidates = (
        _no_gain(order, decision),
        _undecided(order, decision),
        *_edges(order, decision),
        _confirmed(order, decision),
        _unseeded(order, decision),
        _shift(order, decision),
        _diverged(order, decision),
        _more(order, decision),
    )
    return [finding for finding in candidates if finding is not None]


def overfitting(run: Run, metric: str) -> Finding | None:
    """Whether a validation metric was clearly lower within the run than at its end."""
    if metric == "loss" or run.outcome != "finished":
        return None
    steps, values = run.column(metric)
    lowest = int(np.argmin(values))
    rise, fall = values[-1] - values[lowest], values[0] - values[lowest]
    if rise < OVERFIT * fall or rise <= NO_GAIN * abs(values[lowest]):
        return None
    return Finding(
        "overfitting",
        f"{metric} was lowest, {values[lowest]:.4g}, after update {steps[lowest]}, "
        f"and rose to {values[-1]:.4g} by the end.",
        advice="Train for fewer steps, or regularise more: this is not the rate's doing.",
        evidence=(("lowest", float(values[lowest])), ("step", float(steps[lowest])), ("end", float(values[-1]))),
    )


def informative(order: Order, decision: Decision) -> bool:
    """Whether the runs decide the rate at all: they learned, and what they say is narrow, cheap and not at an edge."""
    low, high = decision.basin.quantile(0.1), decision.basin.quantile(0.9)
    narrow = high - low <= UNDECIDED and decision.basin.cost_at(decision.rate) <= DEAR
    return _learned(decision) and narrow and edge(order, decision) < 0.5


def searched(order: Order, decision: Decision) -> tuple[float, float]:
    """The bounds in the end, as log10 of the rate: those of the order, or wider where the search left them."""
    tried = [result.trial.rate for result in decision.results]
    return min(order.plan.low, *tried), max(order.plan.high, *tried)


def edge(order: Order, decision: Decision) -> float:
    """The probability that the best rate lies outside of what was searched."""
    low, high = searched(order, decision)
    rates, posterior = decision.basin.rates, decision.basin.optimum()
    return float(posterior[(rates < low - 1e-9) | (rates > high + 1e-9)].sum())


def next_gain(order: Order, decision: Decision) -> float:
    """What one more full run is expected to improve, as a share of the gain of training."""
    low, high = searched(order, decision)
    inside = (decision.basin.rates >= low - 1e-9) & (decision.basin.rates <= high + 1e-9)
    return float(decision.basin.improvement([decision.rate])[inside].max(initial=0.0))


def _learned(decision: Decision) -> bool:
    """Whether any rate made the metric clearly lower than it was before training."""
    starts = [result.start for result in decision.results if math.isfinite(result.start)]
    ends = [result.loss for result in decision.results if math.isfinite(result.loss)]
    if not starts:
        return True
    start = float(np.median(starts))
    return start - min(ends) > NO_GAIN * abs(start)


def _no_gain(order: Order, decision: Decision) -> Finding | None:
    if _learned(decision):
        return None
    return Finding(
        "no_gain",
        f"No rate made {order.metric} clearly lower than it was at the start, so the costs mean nothing.",
        advice="Train for more steps, or check that the training learns at all.",
    )


def _undecided(order: Order, decision: Decision) -> Finding | None:
    if informative(order, decision) or not _learned(decision):
        return None
    low, high = 10 ** decision.basin.quantile(0.1), 10 ** decision.basin.quantile(0.9)
    return Finding(
        "undecided",
        f"The runs do not decide the rate: the best one lies between {low:.2g} and {high:.2g} (80 %).",
        advice="Raise the budget or the number of steps.",
        evidence=(("low", low), ("high", high)),
    )


def _edges(order: Order, decision: Decision) -> list[Finding]:
    """What there is to say of the bounds: that the search left them, or that the best rate may lie beyond."""
    plan, (low, high) = order.plan, searched(order, decision)
    rates, posterior = decision.basin.rates, decision.basin.optimum()
    found = []
    for bound, asked, beyond, word in (
        (high, plan.high, rates > high + 1e-9, "above the highest"),
        (low, plan.low, rates < low - 1e-9, "below the lowest"),
    ):
        if bound != asked:
            found.append(_widened(10**asked, 10**bound))
        probability = float(posterior[beyond].sum())
        if probability >= EDGE:
            found.append(_beyond(10**bound, probability, word))
    return found


def _widened(asked: float, bound: float) -> Finding:
    return Finding(
        "widened",
        f"The best rate seemed to lie beyond {asked:.2g}, so rates up to {bound:.2g} were tried."
        if bound > asked
        else f"The best rate seemed to lie below {asked:.2g}, so rates down to {bound:.2g} were tried.",
        evidence=(("bound", asked), ("tried", bound)),
    )


def _beyond(bound: float, probability: float, word: str) -> Finding:
    return Finding(
        "edge",
        f"The best rate lies {word} one searched, {bound:.2g}, with probability {probability:.0%}.",
        confidence=probability,
        advice="Widen the range with low and high.",
        evidence=(("bound", bound),),
    )


def _more(order: Order, decision: Decision) -> Finding | None:
    """What more budget would buy."""
    if not _learned(decision):
        return None
    gain = next_gain(order, decision)
    return Finding(
        "more_budget",
        f"One more full run is expected to improve {order.metric} by {gain:.2%} of what training gains.",
        evidence=(("share_of_gain", gain), ("metric", gain * decision.basin.gain)),
    )


def _full_losses(order: Order, decision: Decision) -> list[float]:
    chosen = (decision.rate, decision.settings, order.plan.steps)
    return [r.loss for r in decision.results if (r.trial.rate, r.trial.settings, r.trial.steps) == chosen]


def _unseeded(order: Order, decision: Decision) -> Finding | None:
    losses = _full_losses(order, decision)
    if len(losses) < 2 or len(set(losses)) > 1:
        return None
    return Finding(
        "unseeded",
        "Two seeds gave exactly the same result.",
        confidence=0.5,
        advice="If anything in the training is random, make it follow the seed it is given.",
    )


def _confirmed(order: Order, decision: Decision) -> Finding:
    if not decision.confirmed:
        return Finding(
            "not_confirmed",
            "The recommended rate was not run at full length.",
            advice="Go on with more budget to confirm it.",
        )
    losses = _full_losses(order, decision)
    values = " and ".join(f"{loss:.4g}" for loss in losses)
    seeds = "one seed" if len(losses) == 1 else f"{len(losses)} seeds"
    return Finding(
        "confirmed",
        f"At full length the recommended rate reached {order.metric} {values} ({seeds}).",
        evidence=tuple((f"seed_{order.plan.seed + i}", loss) for i, loss in enumerate(losses)),
    )


def _shift(order: Order, decision: Decision) -> Finding | None:
    lengths = {r.trial.steps for r in decision.results if r.trial.settings == decision.settings}
    if len(lengths) < 2:
        return None
    mean, spread = decision.basin.shift
    share = min(lengths) / order.plan.steps
    factor = 10 ** (mean * -math.log10(share))
    return Finding(
        "horizon_shift",
        f"From runs of {min(lengths)} updates to {order.plan.steps}, the best rate moves by a factor of {factor:.2g} "
        f"({10 ** (-math.log10(share) * (mean - spread)):.2g} to {10 ** (-math.log10(share) * (mean + spread)):.2g}).",
        evidence=(("decades_per_decade", mean), ("spread", spread)),
    )


def _diverged(order: Order, decision: Decision) -> Finding | None:
    lost = [r for r in decision.results if not math.isfinite(r.loss)]
    if not lost:
        return None
    lowest = min(10**r.trial.rate for r in lost)
    cost = float(np.sum([r.cost for r in lost]))
    return Finding(
        "diverged",
        f"{len(lost)} of {len(decision.results)} runs diverged, at rates from {lowest:.2g} up, "
        f"for {cost:.2g} full runs.",
        evidence=(("lowest", lowest), ("runs", float(len(lost)))),
    )
