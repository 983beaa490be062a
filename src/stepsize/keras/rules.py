"""The update rules of torch.optim, written once for every Keras backend.

A rule is a function of the gradient, the slots it keeps for each weight and the number of the update,
from 1. It returns the direction, which times the learning rate is taken from the weight, and the new
slots. Settings and the number are numbers of Python, or tensors inside a compiled train step.

Keras' own classes go other ways: epsilon stands elsewhere in Adam, RMSprop and Adagrad, momentum is kept
of the steps and not of the gradients, so that it lags behind a changing rate, and weight decay is never
a part of the gradient.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from keras import ops

Slots = dict[str, Any]
Change = tuple[Any, Slots]


def _sgd(g: Any, slots: Slots, update: Any) -> Change:
    return g, {}


def _momentum(g: Any, slots: Slots, update: Any, momentum: Any = 0.9, dampening: Any = 0.0) -> Change:
    # The first gradient enters whole, whatever the dampening.
    share = 1 - dampening * cast(update > 1, g)
    velocity = momentum * slots["velocity"] + share * g
    return velocity, {"velocity": velocity}


def _nesterov(g: Any, slots: Slots, update: Any, momentum: Any = 0.9) -> Change:
    velocity = momentum * slots["velocity"] + g
    return g + momentum * velocity, {"velocity": velocity}


def _adagrad(g: Any, slots: Slots, update: Any, lr_decay: Any = 0.0, eps: Any = 1e-10) -> Change:
    total = slots["total"] + g * g
    return g / (ops.sqrt(total) + eps) / (1 + cast(update - 1, g) * lr_decay), {"total": total}


def _rmsprop(g: Any, slots: Slots, update: Any, alpha: Any = 0.99, eps: Any = 1e-8, momentum: Any = 0.0) -> Change:
    new = {"square": alpha * slots["square"] + (1 - alpha) * g * g}
    spread = new["square"]
    if "mean" in slots:
        new["mean"] = alpha * slots["mean"] + (1 - alpha) * g
        spread = spread - new["mean"] * new["mean"]
    direction = g / (ops.sqrt(spread) + eps)
    if "velocity" in slots:
        direction = new["velocity"] = momentum * slots["velocity"] + direction
    return direction, new


def _adadelta(g: Any, slots: Slots, update: Any, rho: Any = 0.9, eps: Any = 1e-6) -> Change:
    square = rho * slots["square"] + (1 - rho) * g * g
    direction = ops.sqrt(slots["moved"] + eps) / ops.sqrt(square + eps) * g
    return direction, {"square": square, "moved": rho * slots["moved"] + (1 - rho) * direction * direction}


def _adam(g: Any, slots: Slots, update: Any, betas: tuple[float, float] = (0.9, 0.999), eps: Any = 1e-8) -> Change:
    first, second = betas
    new = {
        "mean": first * slots["mean"] + (1 - first) * g,
        "square": second * slots["square"] + (1 - second) * g * g,
    }
    square = new["square"]
    if "highest" in slots:
        square = new["highest"] = ops.where(square > slots["highest"], square, slots["highest"])
    size = ops.sqrt(square) / cast(_seen(second, update) ** 0.5, g) + eps
    return new["mean"] / cast(_seen(first, update), g) / size, new


def _seen(beta: float, update: Any) -> Any:
    """1 - beta**update: how much of a running average is there yet, exact in the first updates too."""
    if not beta:
        return 1.0
    exponent = update * math.log(beta)
    return -math.expm1(exponent) if isinstance(exponent, float) else -ops.expm1(exponent)


def cast(value: Any, g: Any) -> Any:
    """A number as it is; a tensor in the precision of the gradient."""
    return value if isinstance(value, int | float) else ops.cast(value, g.dtype)


def _none(settings: Mapping[str, Any]) -> dict[str, float]:
    return {}


def _velocity(settings: Mapping[str, Any]) -> dict[str, float]:
    return {"velocity": 0.0}


def _accumulated(settings: Mapping[str, Any]) -> dict[str, float]:
    start = settings.get("initial_accumulator_value", 0.0)
    return {"total": start(0) if callable(start) else start}


def _squares(settings: Mapping[str, Any]) -> dict[str, float]:
    wanted = {"square": True, "mean": settings.get("centered"), "velocity": settings.get("momentum")}
    return {name: 0.0 for name, want in wanted.items() if want}


def _moments(settings: Mapping[str, Any]) -> dict[str, float]:
    highest = ["highest"] if settings.get("amsgrad") else []
    return dict.fromkeys(["mean", "square", *highest], 0.0)


@dataclass(frozen=True)
class Rule:
    """A row of `RULES`: how a weight changes, what is kept for it and from where, and how it decays."""

    change: Callable[..., Change]
    slots: Callable[[Mapping[str, Any]], dict[str, float]] = _none
    weight_decay: float = 0.0
    decoupled: bool = False  # decay shrinks the weight; else it is a part of the gradient


# A policy's optimizer -> its rule
RULES = {
    "sgd": Rule(_sgd),
    "momentum": Rule(_momentum, _velocity),
    "nesterov": Rule(_nesterov, _velocity),
    "adagrad": Rule(_adagrad, _accumulated),
    "rmsprop": Rule(_rmsprop, _squares),
    "adadelta": Rule(_adadelta, lambda settings: {"square": 0.0, "moved": 0.0}),
    "adam": Rule(_adam, _moments),
    "adamw": Rule(_adam, _moments, weight_decay=0.01, decoupled=True),
}
# Settings that decide which slots there are, or where they start; the rules do not take them.
STRUCTURE = ("amsgrad", "centered", "initial_accumulator_value")
