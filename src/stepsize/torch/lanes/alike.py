"""Whether two modules differ in nothing but the values of their parameters and buffers.

A stack has one module for all of its lanes, so what else a model holds, a dropout's share or an option, must be
the same in all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import FunctionType
from typing import Any

import torch
from torch import Tensor, nn

# What a module holds that a stack holds for it.
STACKED = ("_parameters", "_buffers")
PLAIN = (str, int, float, complex, bool, bytes, type(None), torch.dtype, torch.device, type, set, frozenset)


def alike(one: nn.Module, other: nn.Module) -> bool:
    """Whether they are the same but for tensors that a stack holds; what cannot be compared is not."""
    try:
        return _alike(one, other)
    except Exception:  # a comparison of the user's own, or a module that holds its parent
        return False


def _alike(one: Any, other: Any) -> bool:
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, nn.Module):
        return _alike_modules(one, other)
    if isinstance(one, Tensor):
        return _same_form(one, other) and bool(torch.equal(one, other))
    if isinstance(one, Mapping):
        return list(one) == list(other) and all(_alike(one[name], other[name]) for name in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(_alike, one, other))
    if isinstance(one, FunctionType):
        return one.__code__ is other.__code__ and not one.__closure__ and one.__defaults__ == other.__defaults__
    return isinstance(one, PLAIN) and bool(one == other)


def _alike_modules(one: nn.Module, other: nn.Module) -> bool:
    mine, theirs = vars(one), vars(other)
    if mine.keys() != theirs.keys():
        return False
    stacked = all(_same_forms(mine[name], theirs[name]) for name in STACKED)
    return stacked and all(_alike(mine[name], theirs[name]) for name in mine if name not in STACKED)


def _same_forms(mine: Mapping[str, Tensor | None], theirs: Mapping[str, Tensor | None]) -> bool:
    return list(mine) == list(theirs) and all(_same_form(mine[name], theirs[name]) for name in mine)


def _same_form(one: Tensor | None, other: Tensor | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.shape == other.shape and one.dtype == other.dtype and one.requires_grad == other.requires_grad
