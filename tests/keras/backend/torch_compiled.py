"""A train step compiled by PyTorch: Keras' `jit_compile` there is `torch.compile`."""

import functools

import keras
import torch

from stepsize.keras import Schedules
from tests.keras.backend.problem import DECAY, RATE, SHARE, assert_followed, fit, keras_sgd, model


def test_a_compiled_train_step_follows(monkeypatch):
    # Traced and guarded as always; only the last stage, a C++ compiler, is left out.
    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend="eager"))
    made = model(keras.optimizers.SGD(0.1, momentum=0.5, nesterov=True), jit_compile=True)
    fit(made, callbacks=[Schedules(learning_rate=RATE, momentum=SHARE, weight_decay=DECAY)])
    assert_followed(made, keras_sgd(RATE, SHARE, DECAY, nesterov=True))
