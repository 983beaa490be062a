"""The whole update of all lanes as one compiled function, where a compiler is at hand and it pays."""

from __future__ import annotations

import shutil
import time
import warnings
from collections.abc import Callable, Collection
from importlib.util import find_spec
from types import FunctionType
from typing import Any, cast

import torch
from torch import Tensor
from torch.func import functional_call, grad_and_value, vmap

from stepsize.torch.lanes.rules import Rule
from stepsize.torch.lanes.stack import Stack, Tensors
from stepsize.torch.lanes.step import Loss, apply, named, together

# Inputs, targets, whether they are one batch a lane, coefficients -> losses.
Update = Callable[[Any, Any, Tensor], Tensor]
# Seconds that compiling is expected to take, and the share of an update's time that it then saves.
EXPECTED, SAVED = 15.0, 0.35
BACKEND = "inductor"
# How far a compiled update may be from the same one that is not.
ROUNDING = {torch.float32: 1e-3, torch.float64: 1e-8}
TIMED = 5


def pays(stack: Stack, seconds: float, updates: int) -> bool:
    """Whether to compile updates that take so many seconds each."""
    return seconds * updates * SAVED > EXPECTED and not stack.buffers and _has_compiler(stack)


def _has_compiler(stack: Stack) -> bool:
    if next(iter(stack.params.values())).is_cuda:
        return find_spec("triton") is not None
    return any(shutil.which(name) for name in ("g++", "clang++"))


def compiled(
    stack: Stack, rule: Rule, names: tuple[str, ...], loss: Loss, batch: Any, row: Tensor, limit: float = 0.0
) -> Update | None:
    """The update as a compiled function of `batch` and `row`; None where it cannot be compiled or is not quicker.

    Args:
        stack: what it will write to; as it was before, on return.
        rule: how the lanes step.
        names: of the coefficients.
        loss: of the task.
        batch: inputs, targets and whether they are one batch a lane, such as all the batches to come.
        row: of coefficients.
        limit: seconds that it may take at most; by default what the plain update takes.
    """
    kept = stack.copy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of compilers, about themselves
        try:
            return _checked(stack, rule, names, loss, batch, row, limit)
        except Exception:  # of the compiler: many models are beyond it
            return None
        finally:
            stack.set(kept)


def _checked(
    stack: Stack, rule: Rule, names: tuple[str, ...], loss: Loss, batch: Any, row: Tensor, limit: float
) -> Update | None:
    x, y, own = batch

    def plain(x: Any, y: Any, row: Tensor) -> Tensor:
        losses, slopes = together(stack, loss, x, y, own)
        apply(rule, stack, slopes, named(names, row))
        return losses

    start = stack.copy()
    _, slopes = together(stack, loss, x, y, own)
    live = [name for name in stack.members if slopes.get(name) is not None]
    expected = plain(x, y, row), stack.copy()
    stack.set(start)
    update = _compiled(stack, rule, names, loss, live, own)
    found = update(x, y, row), stack.copy()
    if not _near(found[0], expected[0]) or not all(_near(found[1][0][k], expected[1][0][k]) for k in live):
        return None
    return update if _seconds(update, x, y, row) < (limit or _seconds(plain, x, y, row)) else None


def _compiled(stack: Stack, rule: Rule, names: tuple[str, ...], loss: Loss, live: Collection[str], own: bool) -> Update:
    axes = (0, 0, None if stack.shares_frozen else 0, *(0 if own else None for _ in range(2)))

    def one(params: Tensors, others: Tensors, frozen: Tensors, x: Any, y: Any) -> Tensor:
        value: Tensor = loss(functional_call(stack.model, {**params, **others, **frozen}, (x,)), y).reshape(())
        return value

    def update(
        params: Tensors, others: Tensors, frozen: Tensors, state: dict[str, Tensors], x: Any, y: Any, row: Tensor
    ) -> Tensor:
        slopes, losses = vmap(grad_and_value(one), in_dims=axes)(params, others, frozen, x, y)
        groups = named(names, row)
        for name, p in params.items():
            flat = {key: tensor.view(tensor.shape[0], -1) for key, tensor in state[name].items()}
            rule.apply(
                p.view(p.shape[0], -1),
                slopes[name].reshape(p.shape[0], -1),
                flat,
                groups[stack.members[name]],
                stack.flags,
            )
        return cast(Tensor, losses)

    # A code object of its own: the compiler's memory, and its limit, are kept by code object.
    own_code = FunctionType(update.__code__.replace(), globals(), "update", None, update.__closure__)
    fast = torch.compile(own_code, fullgraph=True, dynamic=False, backend=BACKEND)

    def call(x: Any, y: Any, row: Tensor) -> Tensor:
        params = {name: stack.params[name] for name in live}
        others = {name: p for name, p in stack.params.items() if name not in live}
        with torch.no_grad():
            made: Tensor = fast(params, others, stack.frozen, {n: stack.state[n] for n in live}, x, y, row)
        return made

    return call


def _near(one: Tensor, other: Tensor) -> bool:
    rows = other.isfinite().reshape(other.shape[0], -1).all(1) if other.ndim else other.isfinite()
    one, other = one[rows], other[rows]
    return bool((one - other).norm() <= ROUNDING[other.dtype] * (other.norm() + 1e-6))


def _seconds(update: Update, x: Any, y: Any, row: Tensor) -> float:
    times = []
    for _ in range(TIMED):
        begun = time.perf_counter()
        update(x, y, row).tolist()
        times.append(time.perf_counter() - begun)
    return min(times)
