"""`Observer`: hooks of an optimizer that see each update, at which rates it was made, and now and then measure it."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Any, final

import torch
from torch import Tensor
from torch.compiler import is_dynamo_compiling
from torch.optim import Optimizer

from stepsize.recorder import Pace
from stepsize.torch.facts import captured, made_before, rates
from stepsize.torch.later import Scalar
from stepsize.torch.meter import Meter


@final
class Observer:
    """What a recorder knows of updates. It knows no recorder, so that hooks keep none alive.

    Where an update is not measured, a hook does as good as nothing: it runs in every update of a training.

    Args:
        optimizer: whose updates are seen.
        pace: at which updates to measure.
        start: the number of the next update; None asks the optimizer, of which Adam and its kin know, or takes 0.
        clipped: what is measured in an update is the norm of a clipped gradient.

    Attributes:
        next: the number of the next update.
        made: updates since somebody set it to 0.
        rates: those of the last update.
        found: the number of the update measured last, and what was measured.
        blind: updates happen where no hook sees them, as in the replay of a CUDA graph.
    """

    def __init__(self, optimizer: Optimizer, pace: Pace, start: int | None = None, clipped: bool = False) -> None:
        self.next, self.made, self.blind = start or 0, 0, False
        self.rates: dict[str, Scalar] = {}
        self.found: tuple[int, dict[str, Any]] | None = None
        self._optimizer, self._pace, self._clipped = optimizer, pace, clipped
        self._cuda = torch.cuda.is_available()
        self._meter: Meter | None = Meter(optimizer)
        self._asks = start is None
        self._due: bool | None = None  # of the next update; None where nobody has asked
        self._measuring = self._measures_update = False
        self._unclipped: dict[str, Any] = {}
        self._spent = 0.0

    def hook_in(self) -> list[Any]:
        """Listen to the optimizer; returns the handles that undo it."""
        return [
            self._optimizer.register_step_pre_hook(self._before),
            self._optimizer.register_step_post_hook(self._after),
            self._optimizer.register_load_state_dict_post_hook(self._loaded),
        ]

    def go_on(self, update: int) -> None:
        """Number the next update."""
        self.next, self.made, self._asks = update, 0, False
        self._pace.left = 0

    def gradients(self) -> None:
        """Look at the gradients now, if the next update is measured."""
        if self._is_due():
            self._measure(lambda meter: self._unclipped.update(meter.gradients()))

    def look(self) -> None:
        """Take note of an update that no hook has seen."""
        self.rates = rates(self._optimizer)
        self.next += 1

    def _before(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        """What is true only now: the rates, and on a measured update the gradients and parameters."""
        if is_dynamo_compiling() or (self._cuda and captured()):
            self.blind = True
            return
        self.rates = rates(optimizer)
        # A fused optimizer leaves the update out by itself.
        made = (found_inf := getattr(optimizer, "found_inf", None)) is None or not bool(found_inf)
        if self._pace.left and self._due is None:
            self._pace.left -= 1
        elif self._is_due():
            # The optimizer itself is the first of its arguments.
            closure = (*args[1:], kwargs.get("closure"))[0] is not None
            self._measuring, self._measures_update = True, made
            self._measure(lambda meter: meter.before(closure))
        self._due = None
        if made:
            self.made += 1
            self.next += 1

    def _after(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        if self._measuring:
            self._measure(self._keep)
            self._pace.spend(self._spent)
            self._measuring, self._spent, self._unclipped = False, 0.0, {}

    def _is_due(self) -> bool:
        """Whether the next update is measured; asked twice, it says the same."""
        if self._asks:
            self._asks = False
            self.next = max(made_before(self._optimizer), self.next)
        if self._due is None and self._pace.left:
            self._pace.left -= 1
            self._due = False
        elif self._due is None:
            self._due = self._meter is not None and self._pace.due(self.next)
        return self._due is True

    def _keep(self, meter: Meter) -> None:
        found = meter.after()
        if self._measures_update:
            named = {_as_clipped(name): value for name, value in found.items()} if self._clipped else found
            every = {**named, **self._unclipped}
            self.found = (self.next - 1, {name: _now(value) for name, value in every.items()})

    def _measure(self, measurement: Callable[[Meter], None]) -> None:
        if (meter := self._meter) is None:
            return
        begun = time.perf_counter()
        try:
            measurement(meter)
        except Exception as error:  # whatever an exotic optimizer or tensor does to it: the training goes on
            self._meter = self.found = None
            warnings.warn(
                f"the recorder measures no more, only writes: {type(error).__name__}: {error}",
                RuntimeWarning,
                stacklevel=4,
            )
        self._spent += time.perf_counter() - begun + meter.unseen / 2  # before, and after

    def _loaded(self, optimizer: Optimizer) -> None:
        if self.next == 0:
            self._asks, self._due, self._pace.left = True, None, 0


def _as_clipped(name: str) -> str:
    return name.replace("grad_norm", "grad_norm/clipped")


def _now(value: Any) -> Any:
    """A number where reading it waits for nothing."""
    return value.item() if isinstance(value, Tensor) and value.device.type == "cpu" else value
