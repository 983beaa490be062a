"""Clipping gradients by a bound that changes: what Keras does by its own numbers, before the update."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from keras import ops

Gradients = list[Any]


def _clip_each(grads: Sequence[Any], bound: Any) -> Gradients:
    return [_shortened(g, _norm([g]), bound) for g in grads]


def _clip_together(grads: Sequence[Any], bound: Any) -> Gradients:
    norm = _norm(grads)
    return [_shortened(g, norm, bound) for g in grads]


def _clip_values(grads: Sequence[Any], bound: Any) -> Gradients:
    return [None if g is None else ops.clip(g, -ops.cast(bound, g.dtype), ops.cast(bound, g.dtype)) for g in grads]


def _norm(grads: Sequence[Any]) -> Any:
    return ops.sqrt(sum(ops.sum(ops.square(g)) for g in grads if g is not None))


def _shortened(g: Any, norm: Any, bound: Any) -> Any:
    return None if g is None else g * ops.cast(bound / ops.maximum(norm, bound), g.dtype)


# Keras' name of the bound -> how it clips
CLIPS: dict[str, Callable[[Sequence[Any], Any], Gradients]] = {
    "clipnorm": _clip_each,
    "global_clipnorm": _clip_together,
    "clipvalue": _clip_values,
}
