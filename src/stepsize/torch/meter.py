"""`Meter`: the norm of the gradient, and what an update changed, read off an optimizer; it changes nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, final

import torch
from torch import Tensor
from torch.optim import Optimizer

from stepsize.torch.later import Ratio

# So many weights are copied to see what an update changes; of more, every n-th is looked at.
COPIED = 1 << 24
# What a device reads in a second at the least, for the time that cannot be seen from here.
BYTES_PER_SECOND = 2e11


@final
class Meter:
    """Measures one update: `before` it, `after` it.

    Args:
        optimizer: its groups are measured, each and all together; parameters without a gradient are left out.
        copied: as many weights at most are copied.

    Attributes:
        unseen: seconds that a device works on a measurement, at the most, while the process goes on.
    """

    def __init__(self, optimizer: Optimizer, copied: int = COPIED) -> None:
        self.optimizer = optimizer
        self.unseen = 0.0
        self._copied = copied
        self._groups: list[list[Tensor]] = []
        self._stride = 1
        self._kept: list[list[Tensor]] = []
        self._values: dict[str, Any] = {}
        self._asks_again = False

    @torch.no_grad()
    def before(self, closure: bool) -> None:
        """Look at gradients and parameters; `closure` says that gradients are computed in the update itself."""
        groups = self.optimizer.param_groups
        self._groups = [
            [p for p in group["params"] if p.grad is not None or (closure and p.requires_grad)] for group in groups
        ]
        count = sum(p.numel() for group in self._groups for p in group)
        self._stride = max(1, -(-count // self._copied))
        moved = sum(p.numel() * p.element_size() for group in self._groups for p in group if p.device.type != "cpu")
        self.unseen = moved / BYTES_PER_SECOND
        self._keep([self._views(group) for group in self._groups])
        self._asks_again = closure
        self._values = {} if closure else self.gradients()

    @torch.no_grad()
    def after(self) -> dict[str, Any]:
        """What was measured, by the name of its column."""
        values = self.gradients() if self._asks_again else self._values
        changes, sizes = [], []
        for group, kept in zip(self._groups, self._kept, strict=True):
            sizes.append(self._norm(group, kept))
            if kept:
                torch._foreach_sub_(kept, self._views(group))
            changes.append(self._norm(group, kept))
        self._groups = []
        return {**values, **_ratios(labels(self.optimizer.param_groups), changes, sizes)}

    @torch.no_grad()
    def gradients(self) -> dict[str, Any]:
        """The norms of the gradients that are there."""
        # A fused optimizer is given scaled gradients, and their scale.
        scale = getattr(self.optimizer, "grad_scale", None)
        groups = self.optimizer.param_groups
        norms = [_norm([dense(p.grad) for p in group["params"] if p.grad is not None]) for group in groups]
        if isinstance(scale, Tensor):
            norms = [None if norm is None else norm / scale.to(norm.device).reshape(()) for norm in norms]
        return _named("grad_norm", labels(groups), norms)

    def _keep(self, views: list[list[Tensor]]) -> None:
        """Copy what the update will change; the memory is got once, as that takes longer than the copying."""
        if _layouts(self._kept) != _layouts(views):
            self._kept = [[torch.empty_like(view) for view in group] for group in views]
        for kept, group in zip(self._kept, views, strict=True):
            if group:
                torch._foreach_copy_(kept, group)

    def _views(self, group: Iterable[Tensor]) -> list[Tensor]:
        whole = [local(p) for p in group]
        return whole if self._stride == 1 else [p.reshape(-1)[:: self._stride] for p in whole]

    def _norm(self, group: Sequence[Tensor], seen: list[Tensor]) -> Tensor | None:
        if self._stride == 1:
            return _norm(seen)
        shares = [math.sqrt(local(p).numel() / max(view.numel(), 1)) for p, view in zip(group, seen, strict=True)]
        return _norm(seen, shares)


def _layouts(groups: Sequence[Sequence[Tensor]]) -> list[list[Any]]:
    return [[(tensor.shape, tensor.dtype, tensor.device) for tensor in group] for group in groups]


def labels(groups: Sequence[dict[str, Any]]) -> list[str]:
    """What the columns of groups end in: `/name` or `/index`; nothing where there is one group."""
    if len(groups) == 1:
        return [""]
    return [f"/{group.get('name', index)}" for index, group in enumerate(groups)]


def local(tensor: Tensor) -> Tensor:
    """The tensor, or the part of it that is here: to ask for all of it, every process would have to."""
    here: Tensor = tensor.to_local() if hasattr(tensor, "to_local") else tensor
    return here.detach()


def dense(gradient: Tensor) -> Tensor:
    """What a gradient holds; of a sparse one, its values, each row once."""
    here = local(gradient)
    return here.coalesce().values() if here.is_sparse else here


def _named(quantity: str, names: Sequence[str], norms: Sequence[Tensor | None]) -> dict[str, Any]:
    found = {quantity + name: norm for name, norm in zip(names, norms, strict=True) if norm is not None}
    return found if len(names) == 1 or not found else {quantity: _together(list(found.values())), **found}


def _ratios(names: Sequence[str], changes: Sequence[Tensor | None], sizes: Sequence[Tensor | None]) -> dict[str, Any]:
    above, below = _named("update_ratio", names, changes), _named("update_ratio", names, sizes)
    return {name: Ratio(change, below[name]) for name, change in above.items()}


def _norm(tensors: list[Tensor], factors: Sequence[float] | None = None) -> Tensor | None:
    """The norm of all together; each counted `factors` times. None of nothing."""
    if not tensors:
        return None
    kinds = {tensor.dtype for tensor in tensors}
    # Half precision overflows where its sum of squares does.
    wide = None if len(kinds) == 1 and kinds <= {torch.float32, torch.float64} else _wide(tensors)
    norms = list(torch._foreach_norm(tensors, 2, dtype=wide))
    if factors is not None:
        norms = [norm * factor for norm, factor in zip(norms, factors, strict=True)]
    return _together(norms)


def _wide(tensors: Iterable[Tensor]) -> torch.dtype | None:
    kinds = [tensor.dtype for tensor in tensors]
    if any(kind.is_complex for kind in kinds):
        return None
    return torch.float64 if torch.float64 in kinds else torch.float32


def _together(norms: Sequence[Tensor]) -> Tensor:
    first = norms[0]
    if len(norms) == 1:
        return first
    alike = [norm.to(device=first.device, dtype=first.dtype) for norm in norms]
    together: Tensor = torch.linalg.vector_norm(torch.stack(alike))
    return together
