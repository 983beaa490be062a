"""Carries a search out: asks the strategy, then the ledger, and only then the engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any, final

from stepsize._codec import Document
from stepsize.engine import Engine
from stepsize.errors import EngineError
from stepsize.job import Job
from stepsize.run import Run
from stepsize.run.store import Ledger
from stepsize.tuner.order import Order
from stepsize.tuner.plan import Decision, Result
from stepsize.tuner.progress import Progress
from stepsize.tuner.strategy import search
from stepsize.tuner.trial import Trial

# A metric first seen after this share of the run says nothing of what was before training.
LATE = 0.05


@final
class Conductor:
    """Makes the trials a search asks for, a round at a time; a run is kept as soon as it has ended.

    The strategy is answered in the order in which it asked, whatever order the engine worked in, so the same
    results lead to the same decisions on every engine.
    """

    def __init__(self, asked: Order, ledger: Ledger, progress: Progress, training: Any, engine: Engine) -> None:
        self.order, self.runs = asked, list[Run]()
        self._ledger, self._progress, self._training, self._engine = ledger, progress, training, engine

    def conduct(self) -> Decision:
        """Every trial the strategy asks for, to the decision."""
        searching = search(self.order.plan)
        try:
            trials = next(searching)
            while True:
                trials = searching.send(self._round(trials))
        except StopIteration as end:
            decision: Decision = end.value
        self._ledger.write_note("conclusion", _conclusion(decision))
        return decision

    def _round(self, trials: Sequence[Trial]) -> tuple[Result, ...]:
        """The results of these trials, in their order."""
        keys = [self.order.recipe.key(trial) for trial in trials]
        known = {index: run for index, key in enumerate(keys) if (run := self._ledger.find(key)) is not None}
        for index, run in known.items():
            self._tell(trials[index], run, reused=True)
        runs = known | self._made(trials, keys, [index for index in range(len(trials)) if index not in known])
        return tuple(self._accepted(trial, runs[index]) for index, trial in enumerate(trials))

    def _made(self, trials: Sequence[Trial], keys: Sequence[str], missing: Sequence[int]) -> dict[int, Run]:
        """The runs of those that are missing, each in the ledger as soon as it has ended."""
        if not missing:
            return {}
        jobs = [self._job(trials[index]) for index in missing]
        runs: dict[int, Run] = {}

        def watch(place: int, step: int) -> None:
            # Told in the trial's own updates, of which there are as many as were asked for, whatever the batches.
            trial = trials[missing[place]]
            self._progress.training(trial, round(self.order.recipe.spent(trial, step + 1)) - 1)

        failed: dict[int, Run] = {}
        for place, run in self._engine.runs(self._training, jobs, watch):
            index = missing[place]
            if run.outcome == "stopped":
                raise EngineError(_ended(trials[index], run))
            (failed if run.outcome == "failed" else runs)[index] = run
            if run.outcome != "failed":
                self._keep(trials[index], keys[index], run)
        # A failure beside runs that finished counts as a divergence; alone it says nothing of rates.
        if failed and not any(known.outcome == "finished" for known in (*self.runs, *runs.values())):
            index = min(failed)
            raise EngineError(_ended(trials[index], failed[index]))
        for index, run in failed.items():
            self._keep(trials[index], keys[index], run)
        if lost := len(missing) - len(runs) - len(failed):
            raise EngineError(f"the engine gave no run for {lost} of {len(missing)} trials; resume the study")
        return runs | failed

    def _keep(self, trial: Trial, key: str, run: Run) -> None:
        self._settle_metric(run)
        run.final(self.order.metric or "loss")  # which says what was reported, where the metric was not
        self._ledger.append(key, run)
        self._tell(trial, run, reused=False)

    def _job(self, trial: Trial) -> Job:
        recipe = self.order.recipe
        return Job(recipe.policy(trial), recipe.steps(trial), trial.seed, recipe.settings(trial))

    def _tell(self, trial: Trial, run: Run, reused: bool) -> None:
        self._settle_metric(run)
        self._progress.ended(result_of(self.order, trial, run), self.order.metric, reused)

    def _settle_metric(self, run: Run) -> None:
        """A metric nobody named is settled by the first run that reported something."""
        if self.order.metric or not {"val_loss", "loss"} & run.columns.keys():
            return
        self.order = replace(self.order, metric="val_loss" if "val_loss" in run.columns else "loss")
        self._ledger.write_note("order", self.order.document())

    def _accepted(self, trial: Trial, run: Run) -> Result:
        self.runs.append(run)
        return result_of(self.order, trial, run)


def _ended(trial: Trial, run: Run) -> str:
    return f"the run at lr {10**trial.rate:.3g} {run.outcome}: {run.reason}"


def result_of(asked: Order, trial: Trial, run: Run) -> Result:
    """What a run says to the search that asked for it."""
    made = trial.steps if run.outcome == "finished" else min(trial.steps, asked.recipe.spent(trial, run.updates))
    return Result(trial, run.final(asked.metric), _start(run, asked.metric), made / asked.plan.steps)


def _start(run: Run, metric: str) -> float:
    """The metric before training: its first value, or the first loss where the metric came late."""
    for column in (run.columns.get(metric), run.columns.get("loss")):
        if column is not None and column.step.size and column.step[0] <= LATE * run.steps:
            return float(column.value[0])
    return float("nan")


def _conclusion(decision: Decision) -> Document:
    trials = [asdict(result.trial) for result in decision.results]
    return {"trials": trials, "settings": decision.settings}
