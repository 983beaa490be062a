"""Which namespace evaluates a schedule, told from what it is asked with; no framework is named here."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from stepsize._codec import summary


def namespace(step: Any) -> tuple[Any, Any]:
    """`step` as the array to evaluate at, and the namespace of array functions that goes with it.

    Raises:
        TypeError: it is no array.
    """
    if isinstance(step, np.ndarray | np.generic | list | tuple | range):
        array = np.asarray(step)
        if array.dtype.kind in "iuf" or not array.size:
            return array.astype(np.float64, copy=False), np
    if hasattr(step, "__array_namespace__"):
        return step, step.__array_namespace__()
    module = sys.modules.get(type(step).__module__.partition(".")[0])
    if hasattr(step, "dtype") and all(hasattr(module, name) for name in ("where", "cos", "searchsorted")):
        tensors = Tensors(module, step)
        return tensors.like, tensors
    raise TypeError(f"a schedule is asked at a step number or an array of them, got {summary(step)}")


class Tensors:
    """The array functions of a framework whose tensors have no array namespace yet.

    Whole numbers become float64, so that no step is too large for its neighbours to differ.
    """

    def __init__(self, module: Any, like: Any) -> None:
        self._module = module
        self._make = getattr(module, "as_tensor", None) or module.convert_to_tensor
        if "int" in str(like.dtype):
            like = like.to(module.float64) if hasattr(like, "to") else module.cast(like, module.float64)
        self.like = like

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)  # cos, sin, sqrt, tanh, ...

    def asarray(self, value: Any, dtype: Any = None) -> Any:
        if isinstance(value, type(self.like)):
            return value
        device = {"device": self.like.device} if hasattr(self._module, "as_tensor") else {}
        return self._make(value, dtype=dtype or self.like.dtype, **device)

    def where(self, condition: Any, one: Any, other: Any) -> Any:
        return self._module.where(condition, self.asarray(one), self.asarray(other))

    def minimum(self, one: Any, other: Any) -> Any:
        return self._module.minimum(*self._alike(one, other))

    def maximum(self, one: Any, other: Any) -> Any:
        return self._module.maximum(*self._alike(one, other))

    def _alike(self, one: Any, other: Any) -> tuple[Any, Any]:
        dtype = getattr(one, "dtype", None) or getattr(other, "dtype", None)
        return self.asarray(one, dtype), self.asarray(other, dtype)

    def searchsorted(self, table: Any, values: Any, side: str) -> Any:
        found = self._module.searchsorted(table, self._module.reshape(values, [-1]), side=side)
        return self._module.reshape(found, values.shape)

    def take(self, table: Any, index: Any) -> Any:
        return (getattr(self._module, "take", None) or self._module.gather)(table, index)

    def astype(self, values: Any, dtype: Any) -> Any:
        return values.to(dtype) if hasattr(values, "to") else self._module.cast(values, dtype)
