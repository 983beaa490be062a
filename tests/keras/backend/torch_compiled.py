"""A train step compiled by PyTorch: Keras' `jit_compile` there is `torch.compile`."""

import functools

import keras
import numpy as np
import torch

import stepsize as ss
from stepsize.keras import LearningRate, Schedules, values
from tests.keras.backend.problem import DECAY, RATE, SHARE, assert_followed, fit, keras_sgd, model


def test_a_compiled_train_step_follows(monkeypatch):
    # Traced and guarded as always; only the last stage, a C++ compiler, is left out.
    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend="eager"))
    made = model(keras.optimizers.SGD(0.1, momentum=0.5, nesterov=True), jit_compile=True)
    fit(made, callbacks=[Schedules(learning_rate=RATE, momentum=SHARE, weight_decay=DECAY)])
    assert_followed(made, keras_sgd(RATE, SHARE, DECAY, nesterov=True))


def test_on_a_gpu_the_counter_stays_there_and_the_values_are_the_same(monkeypatch):
    monkeypatch.setitem(values.KNOWN, "torch", lambda step: False)  # as for a counter on a GPU
    schedule = ss.warmup_cosine(1e-3, 10_000, 500) + ss.sgdr(1e-3, 10, growth=2)
    steps = np.arange(0, 12_000, 7)
    got = LearningRate(schedule)(torch.as_tensor(steps)).numpy()
    assert got.dtype == np.float32
    np.testing.assert_array_equal(got, schedule(steps).astype(np.float32))
