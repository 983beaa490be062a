"""`build`: the gradient transformation that a policy names."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import optax

from stepsize.errors import InvalidPolicy
from stepsize.optax.scheduled import scheduled
from stepsize.optax.transforms import scale_by_amsgrad, scale_by_root_of_sum, trace_dampened
from stepsize.policy import Policy

Transformation = Any  # optax.GradientTransformation; Optax carries no types


def build(policy: Policy, mask: Any = None) -> Transformation:
    """The `optax.GradientTransformation` that `policy` names.

    Every setting means what it means in torch.optim, so the same policy makes the same updates there and
    here, up to rounding. Any setting that is a number may be a schedule. The state holds the position and
    the scheduled values, which `hyperparams` reads; it is a tree of arrays, to be saved as any other.

    Args:
        policy: its settings are those of the class in torch.optim.
        mask: which weights decay, as in `optax.add_decayed_weights`: a tree of booleans like the
            parameters, or a function that makes it of them; by default all.
    Raises:
        InvalidPolicy: the policy names no optimizer.

    >>> import jax.numpy as jnp, optax, stepsize as ss
    >>> optimizer = build(ss.Policy(optimizer="nesterov", lr=ss.linear(0.5, 0.0, 4), momentum=0.75))
    >>> weights = jnp.ones(2)
    >>> state = optimizer.init(weights)
    >>> for _ in range(2):
    ...     updates, state = optimizer.update(weights, state, weights)
    ...     weights = optax.apply_updates(weights, updates)
    >>> [round(float(weight), 4) for weight in weights], float(state.hyperparams["lr"])
    ([-0.168, -0.168], 0.375)
    """
    if policy.optimizer is None:
        raise InvalidPolicy(f"the policy names no optimizer; write Policy(optimizer={next(iter(RULES))!r}, ...)")
    return scheduled(partial(RULES[policy.optimizer], mask=mask, **policy.constants), policy.schedules)


def _sgd(lr: Any, weight_decay: Any = 0.0, mask: Any = None) -> Transformation:
    return optax.chain(_decay(weight_decay, mask), optax.scale_by_learning_rate(lr))


def _momentum(
    lr: Any, momentum: Any = 0.9, dampening: Any = 0.0, weight_decay: Any = 0.0, mask: Any = None
) -> Transformation:
    trace = optax.trace(momentum) if _is_off(dampening) else trace_dampened(momentum, dampening)
    return optax.chain(_decay(weight_decay, mask), trace, optax.scale_by_learning_rate(lr))


def _nesterov(lr: Any, momentum: Any = 0.9, weight_decay: Any = 0.0, mask: Any = None) -> Transformation:
    trace = optax.trace(momentum, nesterov=True)
    return optax.chain(_decay(weight_decay, mask), trace, optax.scale_by_learning_rate(lr))


def _adagrad(
    lr: Any,
    lr_decay: Any = 0.0,
    eps: Any = 1e-10,
    weight_decay: Any = 0.0,
    initial_accumulator_value: Any = 0.0,
    mask: Any = None,
) -> Transformation:
    # optax.scale_by_rss has epsilon inside of the root, and knows no lr_decay.
    scale = scale_by_root_of_sum(initial_accumulator_value, eps, lr_decay)
    return optax.chain(_decay(weight_decay, mask), scale, optax.scale_by_learning_rate(lr))


def _rmsprop(
    lr: Any,
    alpha: Any = 0.99,
    eps: Any = 1e-8,
    momentum: Any = 0.0,
    centered: bool = False,
    weight_decay: Any = 0.0,
    mask: Any = None,
) -> Transformation:
    by = optax.scale_by_stddev if centered else optax.scale_by_rms
    scale = by(decay=alpha, eps=eps, eps_in_sqrt=False)
    trace = optax.identity() if _is_off(momentum) else optax.trace(momentum)
    return optax.chain(_decay(weight_decay, mask), scale, trace, optax.scale_by_learning_rate(lr))


def _adadelta(lr: Any, rho: Any = 0.9, eps: Any = 1e-6, weight_decay: Any = 0.0, mask: Any = None) -> Transformation:
    scale = optax.scale_by_adadelta(rho, eps)
    return optax.chain(_decay(weight_decay, mask), scale, optax.scale_by_learning_rate(lr))


def _adam(
    lr: Any,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: Any = 1e-8,
    weight_decay: Any = 0.0,
    amsgrad: bool = False,
    mask: Any = None,
) -> Transformation:
    return optax.chain(_decay(weight_decay, mask), _moments(betas, eps, amsgrad), optax.scale_by_learning_rate(lr))


def _adamw(
    lr: Any,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: Any = 1e-8,
    weight_decay: Any = 0.01,
    amsgrad: bool = False,
    mask: Any = None,
) -> Transformation:
    return optax.chain(_moments(betas, eps, amsgrad), _decay(weight_decay, mask), optax.scale_by_learning_rate(lr))


def _moments(betas: tuple[float, float], eps: Any, amsgrad: bool) -> Transformation:
    # optax.scale_by_amsgrad takes the maximum after the correction of the bias, not before.
    return (scale_by_amsgrad if amsgrad else optax.scale_by_adam)(*betas, eps)


def _decay(weight_decay: Any, mask: Any) -> Transformation:
    return optax.identity() if _is_off(weight_decay) else optax.add_decayed_weights(weight_decay, mask)


def _is_off(value: Any) -> bool:
    return isinstance(value, float) and value == 0


# A policy's optimizer -> its transformation, with the defaults of torch.optim
RULES: dict[str, Callable[..., Transformation]] = {
    "sgd": _sgd,
    "momentum": _momentum,
    "nesterov": _nesterov,
    "adagrad": _adagrad,
    "rmsprop": _rmsprop,
    "adadelta": _adadelta,
    "adam": _adam,
    "adamw": _adamw,
}
