"""What the runs of a search say besides the answer, in sentences."""

from __future__ import annotations

import math

import numpy as np

from stepsize.finding import Finding
from stepsize.run import Run
from stepsize.tuner.order import Order
from stepsize.tuner.plan import Decision

# A posterior of the best rate wider than this many decades decides nothing.
UNDECIDED = 2.0
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
        _undecided(decision),
        _edge(order, decision),
        _confirmed(order, decision),
        _unseeded(order, decision),
        _shift(order, decision),
        _diverged(order, decision),
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


def informative(decision: Decision) -> bool:
    """Whether the runs decide the rate at all."""
    if not _learned(decision):
        return False
    low, high = decision.basin.quantile(0.1), decision.basin.quantile(0.9)
    return high - low <= UNDECIDED


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


def _undecided(decision: Decision) -> Finding | None:
    if informative(decision) or not _learned(decision):
        return None
    low, high = 10 ** decision.basin.quantile(0.1), 10 ** decision.basin.quantile(0.9)
    return Finding(
        "undecided",
        f"The runs do not decide the rate: the best one lies between {low:.2g} and {high:.2g} (80 %).",
        advice="Raise the budget or the number of steps.",
        evidence=(("low", low), ("high", high)),
    )


def _edge(order: Order, decision: Decision) -> Finding | None:
    basin, plan = decision.basin, order.plan
    posterior = basin.optimum()
    for beyond, bound, word in (
        (basin.rates > plan.high, plan.high, "above the highest"),
        (basin.rates < plan.low, plan.low, "below the lowest"),
    ):
        probability = float(posterior[beyond].sum())
        if probability >= EDGE:
            return Finding(
                "edge",
                f"The best rate lies {word} one searched, {10**bound:.2g}, with probability {probability:.0%}.",
                confidence=probability,
                advice="Widen the range with low and high.",
                evidence=(("bound", 10**bound),),
            )
    return None


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
            advice="Give a budget of at least 2 to confirm it.",
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
