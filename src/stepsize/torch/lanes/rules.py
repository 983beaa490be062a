"""The update rules of torch.optim for many lanes at once.

A rule has two parts. `coefficients` makes, in float64, the numbers that a lane's hyperparameters come to at an
update, many updates at a time. `apply` changes one stacked parameter by them, in the order of operations of
torch.optim's single-tensor code, so that a lane is the run it stands for up to rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Numbers = Mapping[str, NDArray[np.float64]]  # by hyperparameter, [updates, lanes]
Coefficients = Mapping[str, Tensor]  # by name, each [lanes, 1]
State = Mapping[str, Tensor]  # by name, each as the parameter
Counts = NDArray[np.float64]  # of the updates, from 1, [updates, 1]
Flags = Mapping[str, bool]


@final
@dataclass(frozen=True)
class Rule:
    """How one optimizer steps.

    Attributes:
        names: of the coefficients.
        coefficients: from hyperparameters and the number of each update, counted from 1, [updates, 1].
        apply: change a parameter [lanes, size] and its state, given the gradient; writes in place.
        state: the names of what it keeps for each parameter, by the optimizer's options.
        flags: options that are yes or no; the lanes of a stack share them.
    """

    names: tuple[str, ...]
    coefficients: Callable[[Numbers, Counts], tuple[Any, ...]]
    apply: Callable[[Tensor, Tensor, State, Coefficients, Flags], None]
    state: Callable[[Flags], tuple[str, ...]]
    flags: tuple[str, ...] = ()


def _sgd_numbers(h: Numbers, count: Counts) -> tuple[Any, ...]:
    # At its first update the buffer is the gradient itself, whatever the dampening.
    return h["lr"], h["weight_decay"], h["momentum"], np.where(count == 1, 1.0, 1 - h["dampening"])


def _sgd(p: Tensor, g: Tensor, state: State, c: Coefficients, flags: Flags) -> None:
    g = _decayed(p, g, c)
    if "momentum_buffer" in state:
        buffer = state["momentum_buffer"].mul_(c["momentum"]).add_(g * c["fresh"])
        g = g + buffer * c["momentum"] if flags["nesterov"] else buffer
    p.sub_(g * c["lr"])


def _adam_numbers(h: Numbers, count: Counts) -> tuple[Any, ...]:
    lr, decay, beta1, beta2 = h["lr"], h["weight_decay"], h["beta1"], h["beta2"]
    unbias = np.sqrt(1 - beta2**count)
    return lr / (1 - beta1**count), decay, 1 - lr * decay, 1 - beta1, beta2, 1 - beta2, h["eps"], unbias


def _adam(p: Tensor, g: Tensor, state: State, c: Coefficients, flags: Flags) -> None:
    _adam_step(p, _decayed(p, g, c), state, c)


def _adamw(p: Tensor, g: Tensor, state: State, c: Coefficients, flags: Flags) -> None:
    if "weight_decay" in c:
        p.mul_(c["shrink"])
    _adam_step(p, g, state, c)


def _adam_step(p: Tensor, g: Tensor, state: State, c: Coefficients) -> None:
    mean = state["exp_avg"].lerp_(g, c["fresh"])
    square = state["exp_avg_sq"].mul_(c["beta2"]).add_((g * c["fresh2"]).mul_(g))
    if "max_exp_avg_sq" in state:
        largest = state["max_exp_avg_sq"]
        square = largest.copy_(largest.maximum(square))
    p.sub_((mean * c["stepsize"]).div_((square.sqrt().div_(c["unbias"])).add_(c["eps"])))


def _adagrad_numbers(h: Numbers, count: Counts) -> tuple[Any, ...]:
    return h["lr"] / (1 + (count - 1) * h["lr_decay"]), h["weight_decay"], h["eps"]


def _adagrad(p: Tensor, g: Tensor, state: State, c: Coefficients, flags: Flags) -> None:
    g = _decayed(p, g, c)
    square = state["sum"].add_(g * g)
    p.sub_((g * c["lr"]).div_(square.sqrt().add_(c["eps"])))


def _rmsprop_numbers(h: Numbers, count: Counts) -> tuple[Any, ...]:
    return h["lr"], h["weight_decay"], h["alpha"], 1 - h["alpha"], h["eps"], h["momentum"]


def _rmsprop(p: Tensor, g: Tensor, state: State, c: Coefficients, flags: Flags) -> None:
    g = _decayed(p, g, c)
    square = state["square_avg"].mul_(c["alpha"]).add_((g * c["fresh"]).mul_(g))
    if "grad_avg" in state:
        mean = state["grad_avg"].lerp_(g, c["fresh"])
        square = square - mean * mean
    step = g / square.sqrt().add_(c["eps"])
    if "momentum_buffer" in state:
        step = state["momentum_buffer"].mul_(c["momentum"]).add_(step)
    p.sub_(step * c["lr"])


def _adadelta_numbers(h: Numbers, count: Counts) -> tuple[Any, ...]:
    return h["lr"], h["weight_decay"], h["rho"], 1 - h["rho"], h["eps"]


def _adadelta(p: Tensor, g: Tensor, state: State, c: Coefficients, flags: Flags) -> None:
    g = _decayed(p, g, c)
    square = state["square_avg"].mul_(c["rho"]).add_((g * c["fresh"]).mul_(g))
    delta = (state["acc_delta"] + c["eps"]).sqrt_().div_((square + c["eps"]).sqrt_()).mul_(g)
    state["acc_delta"].mul_(c["rho"]).add_((delta * c["fresh"]).mul_(delta))
    p.sub_(delta * c["lr"])


def _decayed(p: Tensor, g: Tensor, c: Coefficients) -> Tensor:
    return g + p * c["weight_decay"] if "weight_decay" in c else g


def _momentum_buffer(flags: Flags) -> tuple[str, ...]:
    return ("momentum_buffer",) if flags["with_momentum"] else ()


def _adam_state(flags: Flags) -> tuple[str, ...]:
    return ("exp_avg", "exp_avg_sq", *(("max_exp_avg_sq",) if flags["amsgrad"] else ()))


def _rmsprop_state(flags: Flags) -> tuple[str, ...]:
    return ("square_avg", *(("grad_avg",) if flags["centered"] else ()), *_momentum_buffer(flags))


_ADAM = ("stepsize", "weight_decay", "shrink", "fresh", "beta2", "fresh2", "eps", "unbias")

# Class of torch.optim -> its rule.
RULES: dict[str, Rule] = {
    "SGD": Rule(
        ("lr", "weight_decay", "momentum", "fresh"),
        _sgd_numbers, _sgd, _momentum_buffer, ("nesterov", "with_momentum"),
    ),
    "Adam": Rule(_ADAM, _adam_numbers, _adam, _adam_state, ("amsgrad",)),
    "AdamW": Rule(_ADAM, _adam_numbers, _adamw, _adam_state, ("amsgrad",)),
    "Adagrad": Rule(("lr", "weight_decay", "eps"), _adagrad_numbers, _adagrad, lambda flags: ("sum",)),
    "RMSprop": Rule(
        ("lr", "weight_decay", "alpha", "fresh", "eps", "momentum"),
        _rmsprop_numbers, _rmsprop, _rmsprop_state, ("centered", "with_momentum"),
    ),
    "Adadelta": Rule(
        ("lr", "weight_decay", "rho", "fresh", "eps"),
        _adadelta_numbers, _adadelta, lambda flags: ("square_avg", "acc_delta"),
    ),
}  # fmt: skip
