"""The value of a schedule at a step of Keras: inside a compiled train step and outside of one."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Real
from typing import Any

import keras
import numpy as np

from stepsize.schedule import Schedule

# Steps that no framework has touched.
PYTHON = (Real, list, tuple, range, np.ndarray)


def _as_it_stands(function: Callable[[Schedule, Any], Any]) -> Any:
    """The function, which no compiler of Python code rewrites: AutoGraph's or PyTorch's."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow

        return tensorflow.autograph.experimental.do_not_convert(function)
    if keras.backend.backend() == "torch":
        import torch

        return torch.compiler.disable(function)
    return function


@_as_it_stands
def value_at(schedule: Schedule, step: Any) -> Any:
    """The values of `schedule` at `step`, as a tensor of the active backend.

    A step whose number is known is looked up outside of the framework, in float64: that is faster than
    any framework's own arithmetic on one number, and exact at every step. Inside a train step that
    TensorFlow or JAX traces, the same curve becomes a part of the graph. PyTorch's compiler is sent
    around it.

    Args:
        schedule: what to evaluate; it counts optimizer updates.
        step: a number, an array, a tensor or a variable; of any shape.
    """
    step = _tensor(step)
    if known(step):
        return keras.ops.convert_to_tensor(schedule(read(step)), dtype=precision())
    return keras.ops.cast(schedule(step), precision())


def number_at(schedule: Schedule, step: Any) -> Any:
    """The value at a single step: a number of Python where that is known, else as `value_at`."""
    step = _tensor(step)
    return schedule(read(step)) if known(step) else value_at(schedule, step)


def known(step: Any) -> bool:
    """Whether the content of `step` can be read now."""
    return KNOWN[keras.backend.backend()](_tensor(step))


def _tensor(step: Any) -> Any:
    """What a variable of Keras holds; anything else as it is, a variable of TensorFlow too."""
    held = getattr(step, "value", step)
    return step if callable(held) else held


def read(step: Any) -> Any:
    """A step that is known, as a number or as an array of NumPy."""
    step = _tensor(step)
    if isinstance(step, PYTHON):
        return step
    if hasattr(step, "read_value"):  # a variable of TensorFlow, which may be spread over replicas
        step = step.read_value()
    return keras.ops.convert_to_numpy(step) if len(step.shape) else float(step)


def precision() -> str:
    """The dtype of values: single precision at least, as half of it would round the rates away."""
    return "float64" if keras.config.floatx() == "float64" else "float32"


def _known_to_tensorflow(step: Any) -> bool:
    import tensorflow

    return bool(tensorflow.executing_eagerly())


def _known_to_jax(step: Any) -> bool:
    import jax

    return not isinstance(step, jax.core.Tracer)


def _known_to_torch(step: Any) -> bool:
    import torch

    if torch.compiler.is_compiling():
        return False
    # To ask a GPU for a number is to wait for all that it was told to do before.
    return not torch.is_tensor(step) or step.device.type != "cuda"


# Backend -> whether the content of `step` can be read now.
KNOWN: dict[str, Callable[[Any], bool]] = {
    "tensorflow": _known_to_tensorflow,
    "jax": _known_to_jax,
    "torch": _known_to_torch,
    "numpy": lambda step: True,
    "openvino": lambda step: True,
}
