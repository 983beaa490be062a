"""`Scheduler`: writes the values of schedules into an optimizer's parameter groups."""

from __future__ import annotations

import os
import weakref
from collections.abc import Collection, Mapping
from typing import Any, final

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from stepsize._codec import summary
from stepsize.errors import InvalidPolicy, InvalidSchedule
from stepsize.request import Cooldown
from stepsize.schedule import Schedule
from stepsize.schedule.algebra import BLOCK
from stepsize.schedule.node import whole_steps
from stepsize.torch.cooldown import check_together, complain, cooled
from stepsize.torch.groups import Binding, copied
from stepsize.torch.resume import OnChange, check_choice, documents, position_of, resumed
from stepsize.torch.slots import Name, slots_of
from stepsize.torch.updates import PREVIEW, Updates, hook_into, release
from stepsize.torch.watch import Watch


@final
class Scheduler(LRScheduler):
    """An `LRScheduler` whose values are `schedule(k)`, for any hyperparameter of any parameter group.

    Update k, counted from 0, uses `schedule(k)`. Call `step()` after `optimizer.step()`; after a
    resume, whatever the groups held, the values are right at once.

    **What counts.** A call of `step()` advances by one if the optimizer has made an update since
    the call before, and not otherwise: an update that the AMP scaler skipped, a micro-batch of an
    accumulated gradient, or a call that Accelerate repeats for each process leave the values as they
    are. Only while no gradient has been seen at all does every call advance, so that a plain loop
    over `step()` previews the schedule. `step(k)` always goes to update k. Updates that
    PyTorch cannot see, because a CUDA graph replays them, are taken for made: then every call counts.

    **Groups.** A group with an `lr_scale` has that multiple of the learning rate. Groups added
    later follow from their first update on. A rate that is a tensor stays the same tensor, filled
    in place, so that compiled code and CUDA graphs see it change; if groups share one, each gets its own.

    Args:
        optimizer: its groups get the values, at once and at every step.
        on_change: what a loaded state does if other schedules were planned in it: "refuse" (an error
            that tells the difference), "keep", "adopt", "stretch" or "anneal", as in
            `Schedule.replan`; or a dict with one of these for a key.
        watch: a file to look at about once a second; `stepsize.request.write_request` writes into it
            that the decay shall start. In a distributed training the request must say at which update.
        later: names or indices of groups that will be added, so that a dict may name them now.
        schedules: by the key of the groups, `lr`, `weight_decay`, `momentum`, `betas`, ...; each a
            Schedule in optimizer updates, or a number that holds for ever; or a list of them, one for
            each group; or a dict of them by the group's `name` or index, the other groups keeping
            their own values. For `betas` each is a pair.
    Raises:
        InvalidPolicy: no schedule at all, a key or group that is not there, or a negative learning rate.

    >>> import torch, stepsize as ss
    >>> optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = Scheduler(optimizer, lr=ss.linear(0.1, 0.3, 2))
    >>> for _ in range(2):
    ...     optimizer.step(); scheduler.step()
    >>> scheduler.get_last_lr()
    [0.3]
    """

    # Accelerate counts its own micro-batches in here.
    _step_count = 0
    # The optimizer's list of groups that the values are bound to, and how many it held then.
    _groups: list[dict[str, Any]]
    _count: int
    # The updates whose values are computed.
    _begin: int

    def __init__(
        self,
        optimizer: Optimizer,
        *,
        on_change: OnChange = "refuse",
        watch: str | os.PathLike[str] | Watch | None = None,
        later: Collection[Name] = (),
        **schedules: Any,
    ) -> None:
        # The parent's constructor is not called: it patches the user's optimizer and replays a step.
        if not isinstance(optimizer, Optimizer):
            raise InvalidPolicy(f"optimizer must be a torch.optim.Optimizer, got {summary(optimizer)}")
        if not schedules:
            raise InvalidPolicy("Scheduler needs at least one schedule, for example lr=...")
        check_choice(on_change)
        self.optimizer = optimizer
        self._on_change = on_change
        self._watch = watch if watch is None or isinstance(watch, Watch) else Watch(watch)
        self._planned = slots_of(optimizer.param_groups, schedules, later)
        self._running = dict(self._planned)
        self._obeyed: Cooldown | None = None
        self.base_lrs = [copied(group.get("lr")) for group in optimizer.param_groups]
        self.last_epoch = 0
        self._attach(Updates())

    def _attach(self, updates: Updates) -> None:
        self._updates = updates
        handles = hook_into(self.optimizer, updates, self)
        weakref.finalize(self, release, handles).atexit = False
        self.refresh()

    def step(self, epoch: int | None = None) -> None:
        """Advance to the next update if one was made; with `epoch`, go to that update instead."""
        updates = self._updates
        made, position = updates.made, self.last_epoch + 1
        offset = position % BLOCK
        # The usual case, as short as it can be: the value is in the present block, and an update was made. In a
        # training, groups that came or were replaced have been noticed before the update; in a preview, not.
        usual = offset and epoch is None and self._watch is None
        if usual and made is True:
            updates.made = False
        elif not (usual and made is PREVIEW and len(self._groups) == self._count):
            self._go(self._position(epoch))
            return
        self.last_epoch = position
        for key, values, targets in self._rows:
            value = values[offset]
            for group in targets:
                group[key] = value
        for write in self._others:
            write(offset)

    def _position(self, epoch: int | None) -> int:
        """Where a call of `step` leads."""
        if epoch is None:
            return self.last_epoch + self._updates.counts()
        self._updates.forget()
        return whole_steps(epoch, "epoch", least=0)

    def _go(self, position: int) -> None:
        if self._watch is not None:
            self._look(self._watch, position)
        self._prepare(position)
        self.last_epoch = position
        self._write(position - self._begin)

    def _write(self, offset: int) -> None:
        for key, values, targets in self._rows:
            value = values[offset]
            for group in targets:
                group[key] = value
        for write in self._others:
            write(offset)

    def _prepare(self, position: int) -> None:
        """Groups and values as `position` needs them."""
        groups = self.optimizer.param_groups
        if groups is not self._groups or len(groups) != self._count:
            self._groups, self._count, self._begin = groups, len(groups), position + 1
            self._binding = Binding(groups, self._running)
        if not self._begin <= position < self._begin + BLOCK:
            # Blocks begin at the same updates in every run, so that a resumed one has the same bits.
            self._begin = position - position % BLOCK
            self._values = self._binding.values(self._begin)
            self._rows, self._others = self._binding.writes(self._values)

    def refresh(self) -> None:
        """Read the groups anew, as after a change of `lr_scale`, and write the values of the next update."""
        self._groups = []
        self._prepare(self.last_epoch)
        self._write(self.last_epoch - self._begin)

    def follow(self) -> None:
        """Give groups that came since the last step their values; done before each update by itself."""
        groups = self.optimizer.param_groups
        if groups is not self._groups or len(groups) != self._count:
            self.refresh()

    @property
    def schedules(self) -> dict[str, Schedule]:
        """What is followed, by name: `lr`, or `lr['head']` and `lr[1]` of single groups, `betas.0` of a pair."""
        return {str(slot): schedule for slot, schedule in self._running.items()}

    def at(self, update: int, key: str = "lr") -> list[Any]:
        """The values that update number `update` uses, one for each group; nothing is stepped or written.

        Args:
            update: `last_epoch` is the next one, `last_epoch - 1` the last that was made.
            key: the hyperparameter; groups that follow no schedule for it give what they hold.

        >>> import torch, stepsize as ss
        >>> optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
        >>> Scheduler(optimizer, lr=ss.linear(0, 1, 4)).at(3)
        [0.75]
        """
        self.follow()
        update = whole_steps(update, "update", least=0)
        begin = update - update % BLOCK
        values = self._values if begin == self._begin else self._binding.values(begin)
        return self._binding.held(key, values, update - begin)

    def get_last_lr(self) -> list[Any]:
        """The learning rates of the next update, one for each group; of the last one: `at(last_epoch - 1)`.

        They are floats even where the groups hold tensors, so asking for them waits for no device.
        """
        return self.at(self.last_epoch)

    def get_lr(self) -> list[Any]:
        """The same as `get_last_lr`."""
        return self.get_last_lr()

    def cooldown(self, steps: int, end: float = 0.0, shape: str = "1-sqrt", at: int | None = None) -> None:
        """Start the decay: leave the learning rate's schedule and fall to `end`, in all groups that follow one.

        Args:
            steps: updates the decay takes.
            end: the learning rate after it.
            shape: a name as for `Schedule.cooldown`.
            at: the update it starts at; by default the next one. In a distributed training call it
                in every process alike.
        Raises:
            InvalidSchedule: `at` has passed, or no such decay is possible.
            InvalidPolicy: the learning rate follows no schedule.

        >>> import torch, stepsize as ss
        >>> optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
        >>> scheduler = Scheduler(optimizer, lr=ss.linear(0, 1.0, 10) >> ss.constant(1.0))
        >>> scheduler.cooldown(100, at=500)
        >>> [scheduler.at(k)[0] for k in (5, 499, 500, 525, 600)]
        [0.5, 1.0, 1.0, 0.5, 0.0]
        """
        self._running = cooled(self._running, Cooldown(steps, end, shape, at), self.last_epoch)
        self.refresh()

    def _look(self, watch: Watch, position: int) -> None:
        request = watch.poll()
        if request is None or request == self._obeyed:
            return
        try:
            check_together(request)
            self._running = cooled(self._running, request, position)
        except (InvalidPolicy, InvalidSchedule) as error:
            complain(f"{watch.path} was not followed: {error}; the training goes on as before")
            return
        self._obeyed, self._groups = request, []

    def state_dict(self) -> dict[str, Any]:
        """The number of the next update, the schedules followed and those planned at first: plain JSON values."""
        obeyed = {} if self._obeyed is None else {"obeyed": self._obeyed.document()}
        running, planned = documents(self._running), documents(self._planned)
        return {"last_epoch": self.last_epoch, "schedules": running, "planned": planned, **obeyed}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from a saved state: its position, and its schedules if they were planned as they are now.

        Raises:
            InvalidSchedule: other schedules were planned, and `on_change` is "refuse".
            InvalidPolicy: `state_dict` holds no position.
        """
        position = position_of(state_dict)
        running = resumed(state_dict, self._planned, self._on_change)
        request = state_dict.get("obeyed")
        self._obeyed = None if request is None else Cooldown.from_document(request)
        self._running, self.last_epoch = running, position
        self._updates.forget()
        self.refresh()

    def __getstate__(self) -> dict[str, Any]:
        kept = {name: value for name, value in vars(self).items() if name not in DERIVED}
        return {**kept, "_seen": (self._updates.made, self._updates.preview)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        updates = Updates()
        updates.made, updates.preview = state.pop("_seen")
        vars(self).update(state)
        self._attach(updates)


# Made anew for a copy: its optimizer is another one.
DERIVED = ("_updates", "_groups", "_count", "_begin", "_binding", "_values", "_rows", "_others")
