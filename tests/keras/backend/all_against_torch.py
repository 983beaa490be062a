"""`build` makes the updates of torch.optim: the weights are those that PyTorch has, after each of 30 updates."""

import json
import os
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

from stepsize.keras import build
from stepsize.policy import OPTIMIZERS
from tests.keras.torch_updates import CASES, FACTORS, START, policy

# case -> the weights after each update in float64, worked out by the process that started this one
BY_TORCH = json.loads(Path(os.environ["STEPSIZE_BY_TORCH"]).read_text(encoding="utf-8"))
# Of 30 roundings each of float32; the centred rmsprop subtracts two numbers that are nearly the same.
TOLERANCE = {"rmsprop with all": 1e-5}


def test_every_optimizer_is_compared():
    assert {name for name, _ in CASES.values()} == OPTIMIZERS.keys()
    assert BY_TORCH.keys() == CASES.keys()


@pytest.mark.parametrize("case", CASES)
def test_the_weights_are_those_of_torch(case):
    weight, optimizer = keras.Variable(START), build(policy(case))
    for factor, expected in zip(FACTORS.astype("float32"), BY_TORCH[case], strict=True):
        optimizer.apply([ops.multiply(factor / 2, weight)], [weight])
        np.testing.assert_allclose(ops.convert_to_numpy(weight), expected, rtol=0, atol=TOLERANCE.get(case, 3e-6))
