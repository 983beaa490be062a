"""Making the runs of one stack: updates of all lanes, measurements, and lanes that leave when they end."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, final

import numpy as np
import torch

from stepsize._randomness import preserved_randomness
from stepsize.run import Run
from stepsize.torch.data import batches
from stepsize.torch.lanes.chance import Chance
from stepsize.torch.lanes.lane import Lane
from stepsize.torch.lanes.log import Log
from stepsize.torch.lanes.stepper import Batch, Stepper

if TYPE_CHECKING:
    from stepsize.torch.task import Task

# Seconds between two signs of life.
SIGN = 0.1


@final
class Training:
    """A stack under way."""

    def __init__(
        self,
        task: Task,
        lanes: Sequence[Lane],
        watch: Callable[[int, int], None],
        least: int = 0,
        seconds: float = 0.0,
        limit: float = 0.0,
    ) -> None:
        self._task, self._watch = task, watch
        self.lanes = list(lanes)
        self._stepper = Stepper(task.loss, lanes, least, seconds, limit)
        self._bench = copy.deepcopy(self._stepper.stack.model)  # lanes are measured on it, one after another
        self._chance = lanes[0].origin.chance
        self._orders = {
            lane.job.seed: batches(task.train, lane.batch_size, torch.Generator().manual_seed(lane.job.seed))
            for lane in lanes
        }
        self._logs = [Log(lane, len(lanes)) for lane in lanes]
        self._history: list[list[float]] = []  # losses of all lanes, since one left
        self._limits = np.empty(0)
        self._step, self._told = 0, time.perf_counter()

    def runs(self) -> Iterator[tuple[int, Run]]:
        """Every run with the index of its job, when it has ended."""
        while self.lanes:
            with preserved_randomness():  # whoever takes a run finds the generators as they were
                self._chance.restore()
                ended = self._until_some_end()
                self._chance = Chance.now()
            yield from ended

    def _until_some_end(self) -> list[tuple[int, Run]]:
        while True:
            losses = self.update()
            looked_at = self._measure() or not np.all(np.abs(losses) <= self._limits)  # NaN is not
            endings = (
                [log.ending(self._step, loss) for log, loss in zip(self._logs, losses, strict=True)]
                if looked_at
                else []
            )
            self._step += 1
            self._sign()
            if any(endings):
                return self._leave(endings)

    def update(self) -> list[float]:
        """One update of every lane; their losses."""
        found = self._stepper.update(self._step, self._batch())
        self._history.append(found)
        if not self._step:
            self._limits = np.array([log.first(loss) for log, loss in zip(self._logs, found, strict=True)])
        return found

    def _batch(self) -> Batch:
        drawn = {seed: next(order) for seed, order in self._orders.items()}
        device = self._task.device
        if len(drawn) == 1:
            x, y = next(iter(drawn.values()))
            return x.to(device), y.to(device), False
        parts = zip(*(drawn[lane.job.seed] for lane in self._stepper.seated), strict=True)
        x, y = (torch.stack(part).to(device) for part in parts)
        return x, y, True

    def _measure(self) -> bool:
        """Measure the lanes that are due; whether any was, or ends."""
        start: Chance | None = None
        for place, lane, log in zip(self._stepper.places, self.lanes, self._logs, strict=True):
            if self._step in lane.evaluate:  # which its last update is, too
                # Each lane draws what the run it stands for draws.
                start = Chance.now() if start is None else start.again()
                self._stepper.stack.put(place, self._bench)
                parts = [
                    ("val", self._task.val),
                    *([("test", self._task.test)] if self._step == lane.steps - 1 else []),
                ]
                for prefix, data in parts:
                    if data is not None:
                        log.measured(self._step, self._task.measure(self._bench, data, prefix))
        return start is not None

    def _leave(self, endings: Sequence[tuple[str, str] | None]) -> list[tuple[int, Run]]:
        """Take the lanes that have ended out of the stack; their runs."""
        for log, losses in zip(self._logs, np.array(self._history, dtype=np.float64).T, strict=True):
            log.extend(losses)
        self._history = []
        ended = [
            (lane.index, log.run(*end)) for lane, log, end in zip(self.lanes, self._logs, endings, strict=True) if end
        ]
        rows = [row for row, end in enumerate(endings) if not end]
        self.lanes, self._logs = [self.lanes[row] for row in rows], [self._logs[row] for row in rows]
        if rows:
            self._limits = self._limits[rows]
            self._stepper.keep(rows)
        self._orders = {lane.job.seed: self._orders[lane.job.seed] for lane in self._stepper.seated}
        return ended

    def _sign(self) -> None:
        if time.perf_counter() - self._told > SIGN:
            self._told = time.perf_counter()
            for lane in self.lanes:
                self._watch(lane.index, self._step - 1)
