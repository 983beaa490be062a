"""The cheap experiment that decides where a log cannot: short runs at the rate, above it and below it.

Each branch is a short run from the start with the whole schedule shrunk into it, so that it ends as the full run ends;
a full run cut off after a tenth would favour other rates. Still a short run likes a larger rate than a long one does:
on small networks half a decade larger, which is one branch. So a branch above that wins is no proof; the curve through
the branches has to fall on nearly as steeply as before. A branch below that wins needs no such caution.

Measured by `python benchmarks/try_experiment.py` on 28 small trainings at 280 rates: "too low" was right 89 times of
99, "too high" 72 of 73, "good" 53 of 85, and the wrong way was shown once. What passed for good was mostly too high for
the full run only: a short run does not overfit. 23 rates stayed undecided.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, final

import numpy as np
from numpy.typing import NDArray

from stepsize._codec import Document
from stepsize.diagnosis.trace import trace_of
from stepsize.errors import EngineError, InvalidSpace
from stepsize.finding import Finding
from stepsize.loop import drive, rate_bound, whole_updates
from stepsize.report.digits import number
from stepsize.run import Run
from stepsize.schedule import Schedule
from stepsize.schedule.stairs import piecewise_linear

Answer = Literal["too_low", "good", "too_high", "undecided"]
SCHEMA = "stepsize.experiment/1"
# By how much the branches differ, the share of a full run that each has, and the seeds of each.
FACTOR, SHARE, SEEDS = 3.0, 0.1, 3
# A branch has at least so many updates, where the run has.
LEAST = 50
# A step up the rate must still gain this share of what the step before it gained: then the best rate of the short
# runs is two steps up or more (of a parabola, two), and so much the long run's best does not lie lower.
KEEPS = 0.6
# A difference counts from so many standard errors of its mean over the seeds on.
ERRORS = 2.0
# The share of a short run whose updates make up its last training loss.
TAIL = 0.2
# Logged rates that make up a schedule, and how many of them its copy has at most.
DENSE, KNOTS = 8, 100
# A schedule: places in the run from 0 to 1, and the rates there.
Shape = tuple[NDArray[np.float64], NDArray[np.float64]]
CONSTANT: Shape = (np.array([0.0, 1.0]), np.ones(2))
# How often each answer was right at full length, of 99, 85 and 73: benchmarks/try_experiment.py.
RIGHT: Mapping[str, float] = {"too_low": 0.9, "good": 0.62, "too_high": 0.97, "undecided": 0.0}


@final
@dataclass(frozen=True, eq=False)
class Experiment:
    """What short runs at three rates say of a rate.

    Attributes:
        verdict: "too_low", "good", "too_high", or "undecided" where the seeds differ more than the branches.
        confidence: how often such an answer was right at full length, from 0 to 1.
        suggestion: the rate to go on with; None where nothing was decided.
        rate: the peak rate that was asked about.
        losses: where the branches ended, by factor of the rate: one loss a seed, infinite where it diverged.
        metric: which loss that is.
        steps: updates of a branch.
        cost: of all branches, in full runs.
        finding: the answer in a sentence.
    """

    verdict: Answer
    confidence: float
    suggestion: float | None
    rate: float
    losses: dict[float, tuple[float, ...]]
    metric: str
    steps: int
    cost: float
    finding: Finding

    def document(self) -> Document:
        """The experiment as a JSON value; a loss that is not finite is null."""
        return {
            "schema": SCHEMA,
            "verdict": self.verdict,
            "confidence": self.confidence,
            "suggestion": self.suggestion,
            "rate": self.rate,
            "branches": [
                {"rate": factor * self.rate, "losses": [loss if math.isfinite(loss) else None for loss in ends]}
                for factor, ends in self.losses.items()
            ],
            "metric": self.metric,
            "steps": self.steps,
            "cost": self.cost,
            "finding": self.finding.document(),
        }


def try_rates(
    training: Any,
    run_or_rate: Run | float,
    *,
    steps: int,
    factor: float = FACTOR,
    share: float = SHARE,
    seeds: int = SEEDS,
    metric: str = "",
    seed: int = 0,
) -> Experiment:
    """Train shortly at a rate, above it and below it, and say from that whether the rate is right.

    Args:
        training: a generator function or a Task, as for `tune`.
        run_or_rate: the run that is in question, whose peak rate and schedule are used where it logged them densely;
            or a peak rate, which is kept constant.
        steps: optimizer updates of a full run.
        factor: by how much the branches differ (above 1).
        share: of a full run that a branch has, in (0, 1]; but at least 50 updates.
        seeds: of each branch (at least 2); the branches share them, so that chance is the same in all.
        metric: what to compare at the end; by default `val_loss` where it is reported, else `loss`.
        seed: the first of the seeds.
    Raises:
        InvalidSpace: an argument makes no sense, or the run logged no rate.
        InvalidTraining: the training cannot be started.
        EngineError: the training failed in every branch, or did not report the metric.

    >>> import stepsize as ss
    >>> def training(seed):
    ...     x, lr = 1.0 + seed / 100, (yield)
    ...     while True:
    ...         x -= lr * x
    ...         lr = yield x * x
    >>> found = try_rates(training, 1e-4, steps=1000)
    >>> found.verdict, round(found.suggestion, 6), round(found.cost, 3)
    ('too_low', 0.0003, 0.9)
    """
    rate, shape = _plan(run_or_rate)
    full, count = whole_updates(steps), max(2, whole_updates(seeds, "seeds"))
    if not factor > 1:
        raise InvalidSpace(f"factor must be above 1, got {factor}")
    if not 0 < share <= 1:
        raise InvalidSpace(f"share must be above 0 and at most 1, got {share}")
    short = min(full, max(LEAST, round(share * full)))
    plan = _shrunk(shape, short)
    factors = (1 / factor, 1.0, factor)
    runs = {at: [drive(training, plan * (at * rate), short, seed=seed + k) for k in range(count)] for at in factors}
    everything = [run for branch in runs.values() for run in branch]
    metric = metric or _reported(everything)
    losses = {at: tuple(_end(run, metric) for run in branch) for at, branch in runs.items()}
    cost = sum(run.updates for run in everything) / full
    return _answered(rate, factor, losses, metric, short, cost)


def _plan(run_or_rate: Run | float) -> tuple[float, Shape]:
    """The peak rate, and the schedule."""
    if not isinstance(run_or_rate, Run):
        return rate_bound(run_or_rate, "the rate"), CONSTANT
    trace = trace_of(run_or_rate)
    if not trace.rate > 0 or not math.isfinite(trace.rate):
        raise InvalidSpace("the run logged no learning rate: give it as a number")
    logged, rates = trace.lr
    if logged.size < DENSE or not np.isfinite(rates).all() or rates.min() < 0:
        return trace.rate, CONSTANT
    end = max(int(logged[-1]) + 1, trace.planned if trace.clock == trace.lr.clock else 0)
    return trace.rate, ((logged + 0.5) / end, rates)


def _shrunk(shape: Shape, steps: int) -> Schedule:
    """The schedule over `steps` updates, with a peak of 1."""
    places = np.unique(np.round(np.linspace(0, max(1, steps - 1), KNOTS)).astype(int))
    values = np.interp((places + 0.5) / steps, *shape)
    values = values / values.max() if values.max() > 0 else np.ones(places.size)
    return piecewise_linear(list(zip(places.tolist(), values.tolist(), strict=True)))


def _reported(runs: list[Run]) -> str:
    """The validation loss where every run that ended well reported it."""
    well = [run for run in runs if run.outcome in ("finished", "stopped")]
    return "val_loss" if well and all("val_loss" in run.columns for run in well) else "loss"


def _end(run: Run, metric: str) -> float:
    """Where a branch ended; a training loss is averaged over the last fifth, for its noise is what disturbs most."""
    if run.outcome == "failed":
        raise EngineError(f"the training failed: {run.reason}")
    if run.outcome == "diverged":
        return math.inf
    if metric not in run.columns:
        raise EngineError(f"the training reported no {metric!r} in {run.steps} updates")
    values = run.column(metric).value
    if metric != "loss":
        return run.final(metric)
    end = float(np.mean(values[-max(1, round(TAIL * values.size)) :]))
    return end if math.isfinite(end) else math.inf


def _answered(
    rate: float, factor: float, losses: dict[float, tuple[float, ...]], metric: str, steps: int, cost: float
) -> Experiment:
    low, mid, high = (np.array(ends) for ends in losses.values())
    verdict = _verdict(low, mid, high)
    to = {"too_low": rate * factor, "good": rate, "too_high": rate / factor}.get(verdict)
    confidence = RIGHT[verdict]
    return Experiment(
        verdict,
        confidence,
        to,
        rate,
        losses,
        metric,
        steps,
        cost,
        Finding(
            verdict,
            _message(verdict, rate, factor, losses, metric, steps),
            confidence,
            "" if to is None or verdict == "good" else f"Go on with {number(to, 2)}.",
            tuple((f"{metric} at {number(rate * at, 2)}", float(np.mean(ends))) for at, ends in losses.items()),
        ),
    )


def _verdict(low: NDArray[np.float64], mid: NDArray[np.float64], high: NDArray[np.float64]) -> Answer:
    """What losses at the end, one a seed, say of the rate in the middle."""
    if not np.isfinite(mid).all():
        return "too_high"
    if not np.isfinite(low).all():  # by chance, then, whatever the rate
        return "undecided"
    below = mid - low
    if _sure(below):
        return "too_high"
    if not np.isfinite(high).all():
        return "good" if _sure(-below) else "undecided"
    above = mid - high
    if _sure(above) and _sure(above + KEEPS * below):
        return "too_low"
    return "good" if _sure(-below) or _sure(-above) else "undecided"


def _sure(gains: NDArray[np.float64]) -> bool:
    """Whether paired gains are above 0 beyond what the seeds explain."""
    error = float(np.std(gains, ddof=1)) / math.sqrt(gains.size)
    return bool(np.mean(gains) > ERRORS * error)


WORDS: Mapping[str, str] = {
    "too_low": "the rate is too low: the loss falls on as the rate rises",
    "good": "the rate is about right",
    "too_high": "the rate is too high: a lower one ends lower even in a short run",
    "undecided": "no answer: the branches differ no more than the seeds do",
}


def _message(
    verdict: Answer, rate: float, factor: float, losses: dict[float, tuple[float, ...]], metric: str, steps: int
) -> str:
    ends = [f"{number(float(np.mean(ends)))} at {number(rate * at, 2)}" for at, ends in losses.items()]
    count = len(losses[1.0])
    return (
        f"In short runs of {steps:,} updates, {count} seeds each, {metric} ended at {', '.join(ends[:-1])} and "
        f"{ends[-1]}; {WORDS[verdict]}."
    )
