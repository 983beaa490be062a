"""`Stepper`: makes the updates of a stack in the way that is quickest for as many lanes as are left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

from stepsize.torch.lanes.compiled import Update, compiled, pays
from stepsize.torch.lanes.lane import Lane, Unfit
from stepsize.torch.lanes.stack import Stack
from stepsize.torch.lanes.step import Loss, apart, apply, named, together
from stepsize.torch.lanes.table import Table

# Inputs, targets, whether they are one batch a lane.
Batch = tuple[Any, Any, bool]


@final
class Stepper:
    """A stack, and how it is stepped.

    Attributes:
        stack: the lanes' tensors.
        seated: the lane of each row of the stack.
        places: the rows of the lanes that are left. A compiled update is of so many rows, so a lane that leaves
            it leaves a row of no meaning, until half of them are.
    """

    def __init__(self, loss: Loss, lanes: Sequence[Lane], least: int, seconds: float, limit: float) -> None:
        self._loss, self._least, self._seconds, self._limit = loss, least, seconds, limit
        self.stack, self.seated = Stack(lanes), list(lanes)
        self.places = list(range(len(lanes)))
        self._rule = lanes[0].rule
        self._table = Table(lanes, next(iter(self.stack.params.values())))
        self._fast: Update | None = None
        self._undecided = True

    def update(self, step: int, batch: Batch) -> list[float]:
        """Make update `step` of every lane; the losses of those that are left."""
        if self._undecided and step:  # the first update may be the last of those that diverge
            self._decide(step, batch)
        x, y, _ = batch
        losses = self._fast(x, y, self._table.row(step)) if self._fast else self._plain(step, batch)
        found: list[float] = losses.tolist()
        return found if len(found) == len(self.places) else [found[place] for place in self.places]

    def keep(self, rows: Sequence[int]) -> None:
        """Leave out all lanes but these, counted among those that are left."""
        self.places = [self.places[row] for row in rows]
        if self._fast and 2 * len(self.places) > self.stack.size:
            return
        self._seconds *= len(self.places) / self.stack.size
        self.seated = [self.seated[place] for place in self.places]
        self.stack.keep(self.places)
        self._table.keep(self.places)
        self.places = list(range(len(self.places)))
        if self._limit:  # which no plain update reaches
            self._least, self._limit = self.stack.size, 0.0
        self._fast, self._undecided = None, True

    def _plain(self, step: int, batch: Batch) -> Any:
        slopes = together if self.stack.size > self._least else apart
        losses, gradients = slopes(self.stack, self._loss, *batch)
        apply(self._rule, self.stack, gradients, named(self._table.names, self._table.row(step)))
        return losses

    def _decide(self, step: int, batch: Batch) -> None:
        """Compile what is left to do, if that pays.

        Raises:
            Unfit: only compiled are lanes worth it, and they are not.
        """
        self._undecided = False
        left = max(lane.steps for lane in self.seated) - step
        if self.stack.size > self._least and pays(self.stack, self._seconds, left):
            row, limit = self._table.row(step), self._limit * self.stack.size
            self._fast = compiled(self.stack, self._rule, self._table.names, self._loss, batch, row, limit)
        if self._limit and self._fast is None:
            raise Unfit(f"side by side, compiled or not, an update of a run takes more than {1e3 * self._limit:.3g} ms")
