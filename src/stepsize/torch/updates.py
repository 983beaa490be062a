"""Whether an optimizer has made an update: asked of its own hooks, so that skipped ones do not count."""

from __future__ import annotations

import warnings
from functools import partial
from itertools import islice
from typing import Any, final
from weakref import ref

import torch
from torch import Tensor
from torch.optim import Optimizer

# So many calls of `step` without any update are no accumulation of gradients.
PATIENCE = 1_000
# An update before which no hook could look whether groups have changed, so that `step` has to.
COMPILED = 1
# No gradient has been seen yet, so nobody trains, and every call of `step` counts.
PREVIEW = 2


@final
class Updates:
    """What is known of an optimizer's updates. Its hooks only set these; `Scheduler.step` reads them.

    Attributes:
        made: True after an update, False when that has been counted; PREVIEW before all training. The
            tensor by which a fused optimizer tells of infinite gradients, if a scaler gave it one.
        preview: whether no gradient has been seen yet.
        blind: updates happen where no hook sees them, as in the replay of a CUDA graph.
    """

    def __init__(self) -> None:
        self.made: bool | int | Tensor = PREVIEW
        self.preview = True
        self.blind = False
        self.idle = 0

    def counts(self) -> bool:
        """Whether a call of `step` advances; an update that has been counted does not count again."""
        made = self.made
        self.forget()
        if isinstance(made, Tensor):
            made = not bool(made)  # a fused optimizer leaves the update out by itself
        if made or self.blind:
            self.idle = 0
            return True
        self._wait()
        return False

    def forget(self) -> None:
        """Count no update made before now."""
        self.made = PREVIEW if self.preview else False

    def _wait(self) -> None:
        self.idle += 1
        if self.idle == PATIENCE:
            warnings.warn(
                f"Scheduler.step() was called {PATIENCE} times, and its optimizer has made no update, so the values "
                "stay as they are. If updates are made without optimizer.step(), call scheduler.step(k) "
                "with the number of the next one",
                UserWarning,
                stacklevel=5,
            )

    def note(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        """The hook after an update. It may be compiled with it, and then only sets what is never read there."""
        if torch.compiler.is_compiling():
            self.made = COMPILED
            return
        if self.preview:
            self.preview = all(p.grad is None for group in optimizer.param_groups for p in group["params"])
        self.made = PREVIEW if self.preview else True

    def note_carefully(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        """The same, where a CUDA graph may be captured or a fused optimizer leave updates out."""
        if torch.compiler.is_compiling():
            self.made = COMPILED
            return
        before = self.made
        self.note(optimizer, args, kwargs)
        found_inf = getattr(optimizer, "found_inf", None)
        if isinstance(found_inf, Tensor) and (isinstance(before, Tensor) or before is PREVIEW or not before):
            # Not read here, so that nothing waits for the device before the scheduler has to know.
            self.made = found_inf * before if isinstance(before, Tensor) else found_inf
        if torch.cuda.is_initialized() and torch.cuda.is_current_stream_capturing():
            self.blind = True

    def note_gradient(self, handle: list[Any], parameter: Tensor) -> None:
        """The hook of one parameter's first gradient, which comes before an update of it; it removes itself."""
        self.preview = self.made = False
        while handle:
            handle.pop().remove()


def hook_into(optimizer: Optimizer, updates: Updates, follower: Any) -> list[Any]:
    """Listen to an optimizer; returns the handles that undo it.

    Args:
        updates: is told of each update.
        follower: its `follow()` is called before an update and after a loading, so that groups which
            came meanwhile have the right values. It is held weakly.
    """
    optimizer = innermost(optimizer)
    if not hasattr(optimizer, "_optimizer_step_post_hooks"):
        updates.blind = True
        return []
    careful = torch.cuda.is_available() or getattr(optimizer, "_step_supports_amp_scaling", False)
    me = ref(follower)
    return [
        optimizer.register_step_post_hook(updates.note_carefully if careful else updates.note),
        optimizer.register_step_pre_hook(partial(_before, me)),
        optimizer.register_load_state_dict_post_hook(partial(_changed, me)),
        *_on_first_gradient(optimizer, updates),
    ]


def release(handles: list[Any]) -> None:
    """Undo `hook_into`."""
    for handle in handles:
        handle.remove()


def innermost(optimizer: Any) -> Any:
    """Some wrappers, as that of Accelerate, have no hooks of their own."""
    inner = getattr(optimizer, "optimizer", None)
    return innermost(inner) if isinstance(inner, Optimizer) else optimizer


def _on_first_gradient(optimizer: Optimizer, updates: Updates) -> list[Any]:
    """A scaler may skip the very first updates, and their gradients be cleared before anyone looks."""
    leaves = (p for group in optimizer.param_groups for p in group["params"] if p.requires_grad and p.is_leaf)
    handles: list[Any] = []
    for parameter in islice(leaves, 1):
        handles.append(parameter.register_post_accumulate_grad_hook(partial(updates.note_gradient, handles)))
    return list(handles)


def _before(me: ref[Any], optimizer: Optimizer, args: Any, kwargs: Any) -> None:
    if not torch.compiler.is_compiling():
        _changed(me, optimizer)


def _changed(me: ref[Any], optimizer: Optimizer) -> None:
    if (follower := me()) is not None:
        follower.follow()
