"""`Study`: what a search found, on what evidence."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from stepsize._codec import Document, summary
from stepsize.errors import InvalidSpace
from stepsize.finding import Finding
from stepsize.policy import Policy
from stepsize.report import save
from stepsize.run import Run
from stepsize.tuner.evidence import edge, evidence, informative, next_gain, overfitting
from stepsize.tuner.order import Order
from stepsize.tuner.page import study_page
from stepsize.tuner.plan import Decision
from stepsize.tuner.trial import Trial, peak_of

SCHEMA = "stepsize.tune/1"


@final
@dataclass(frozen=True, eq=False)
class Study:
    """The runs of one training, and the policy that they speak for.

    Attributes:
        runs: every run made, in order.
        order: what was searched for.
        decision: what was concluded, with the posterior it rests on.
        source: the ledger; None if the study was kept in memory.
    """

    runs: tuple[Run, ...]
    order: Order
    decision: Decision
    source: Path | None = None

    @property
    def policy(self) -> Policy:
        """The recommended policy, over the full number of steps."""
        return self.order.recipe.policy(self._chosen)

    @property
    def settings(self) -> dict[str, Any]:
        """What the space chose besides the policy, by name."""
        return self.order.recipe.settings(self._chosen)

    @property
    def rate(self) -> float:
        """The peak learning rate of the policy."""
        return peak_of(self.decision.rate)

    @property
    def best(self) -> Run:
        """The longest run made with the recommended rate and settings; of several seeds, the first."""
        tried = [(r.trial, run) for r, run in zip(self.decision.results, self.runs, strict=True)]
        near = [pair for pair in tried if pair[0].settings == self.decision.settings]
        return min(near, key=lambda pair: (-pair[0].steps, abs(pair[0].rate - self.decision.rate), pair[0].seed))[1]

    @property
    def regret(self) -> float:
        """The expected cost of the recommended rate: the share of the gain of training it forgoes."""
        return self.decision.basin.cost_at(self.decision.rate)

    @property
    def range(self) -> tuple[float, float]:
        """The peak rates that are expected to cost less than 1 % of the gain beyond the recommended one."""
        low, high = self.decision.basin.cheap(self.decision.rate, 0.01)
        return 10**low, 10**high

    @property
    def posterior(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Peak rates, and the probability of each that it is the best at full length."""
        return 10**self.decision.basin.rates, self.decision.basin.optimum()

    def interval(self, share: float = 0.8) -> tuple[float, float]:
        """The peak rates between which the best one lies with this probability.

        Raises:
            InvalidSpace: `share` is not between 0 and 1.
        """
        if not isinstance(share, int | float) or not 0 < share < 1:
            raise InvalidSpace(f"share must lie between 0 and 1, such as 0.8; got {summary(share)}")
        outside = (1 - share) / 2
        return 10 ** self.decision.basin.quantile(outside), 10 ** self.decision.basin.quantile(1 - outside)

    @property
    def edge(self) -> float:
        """The probability that the best rate lies outside of what was searched."""
        return edge(self.order, self.decision)

    @property
    def informative(self) -> bool:
        """Whether the runs decide the rate at all."""
        return informative(self.order, self.decision)

    @property
    def next_gain(self) -> float:
        """What one more full run is expected to improve, as a share of the gain of training."""
        return next_gain(self.order, self.decision)

    @property
    def cost(self) -> float:
        """What the search cost, in full-run equivalents."""
        return sum(result.cost for result in self.decision.results)

    def cost_of(self, factor: float) -> float:
        """The expected further cost of a peak `factor` times the recommended one, as a share of the gain.

        Never negative: a rate that nobody ran at full length may be expected to be as good, not better.
        """
        return max(0.0, self.decision.basin.cost_at(self.decision.rate + math.log10(factor)) - self.regret)

    @property
    def evidence(self) -> list[Finding]:
        """What the runs say, in sentences."""
        found = overfitting(self.best, self.order.metric)
        return [*evidence(self.order, self.decision), *([found] if found else [])]

    def document(self) -> Document:
        """The answer and its evidence as a JSON value."""
        low, high = self.range
        return {
            "schema": SCHEMA,
            "policy": self.policy.document(),
            "settings": self.settings,
            "metric": self.order.metric,
            "best": _number(self.best.final(self.order.metric)),
            "rate": self.rate,
            "range": {"low": low, "high": high},
            "interval": dict(zip(("low", "high"), self.interval(), strict=True)) | {"share": 0.8},
            "informative": self.informative,
            "edge": self.edge,
            "next_gain": self.next_gain,
            "regret": self.regret,
            "cost_of_double": self.cost_of(2),
            "cost_of_half": self.cost_of(0.5),
            "confirmed": self.decision.confirmed,
            "cost": self.cost,
            "evidence": [finding.document() for finding in self.evidence],
            "runs": [_run_document(r, run) for r, run in zip(self.decision.results, self.runs, strict=True)],
        }

    def report(self, path: str | os.PathLike[str]) -> Path:
        """Write the study as one self-contained HTML page, and return its path."""
        return save(study_page(self), path)

    def to_optuna(self, storage: Any = None, name: str = "stepsize") -> Any:
        """The runs as the trials of a study of Optuna, which its dashboard shows; needs the extra `tune`.

        A trial has the parameter `lr` and the settings, the metric at the end, the learning curve, and the
        attributes `steps`, `seed`, `horizon`, `cost` and `outcome`. One that diverged is pruned, with its
        `reason`: failed trials are nothing to Optuna's samplers.

        Args:
            storage: as in `optuna.create_study`: a URL such as "sqlite:///study.db", a storage, or None for memory.
            name: of the study in the storage.
        Raises:
            InvalidSpace: the storage holds a study of that name.
            MissingExtra: Optuna is not installed.
        """
        from stepsize.tuner.optuna.write import write_study

        return write_study(self, storage, name)

    @property
    def _chosen(self) -> Trial:
        plan = self.order.plan
        return Trial(self.decision.rate, plan.steps, plan.seed, self.decision.settings)

    def __repr__(self) -> str:
        metric = self.order.metric
        return f"<Study of {len(self.runs)} runs: peak {self.rate:.3g}, {metric} {self.best.final(metric):.4g}>"


@final
@dataclass(frozen=True, eq=False)
class Unfinished:
    """The runs of a search that has not concluded: it is at work, or was stopped."""

    runs: tuple[Run, ...]

    def document(self) -> Document:
        """The runs as a JSON value: for each its highest rate so far, length, seed, outcome and last loss."""
        rows = [
            {
                "rate": max(run["lr"]) if "lr" in run.columns else None,
                "steps": run.steps,
                "seed": run.seed,
                "outcome": run.outcome,
                "loss": _number(run.loss[-1]) if "loss" in run.columns else None,
            }
            for run in self.runs
        ]
        return {"schema": "stepsize.runs/1", "runs": rows}


def _run_document(result: Any, run: Run) -> Document:
    trial = result.trial
    about = {
        "rate": peak_of(trial.rate),
        "steps": trial.steps,
        "seed": trial.seed,
        "settings": dict(trial.settings),
    }
    return {
        **about,
        "loss": _number(result.loss),
        "cost": result.cost,
        "outcome": run.outcome,
        "reason": run.reason,
    }


def _number(value: float) -> float | None:
    """JSON has no infinity: a run that diverged has no value."""
    return value if math.isfinite(value) else None
