"""Schedules against torch's own schedulers, over the whole curve each of them is meant for."""

import numpy as np
import pytest
import torch
from torch.optim import lr_scheduler

import stepsize as ss

PEAK = 0.3
UPDATES = 400


def torch_curve(make, updates=UPDATES):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=PEAK)
    scheduler = make(optimizer)
    values = []
    for _ in range(updates + 1):
        values.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return values


CURVES = {
    "cosine to 0": (
        ss.cosine(PEAK, 0, UPDATES),
        lambda optimizer: lr_scheduler.CosineAnnealingLR(optimizer, UPDATES),
    ),
    "cosine to a floor": (
        ss.cosine(PEAK, 0.02, UPDATES),
        lambda optimizer: lr_scheduler.CosineAnnealingLR(optimizer, UPDATES, eta_min=0.02),
    ),
    "rising line, then level": (
        ss.linear(PEAK * 0.1, PEAK, 150),
        lambda optimizer: lr_scheduler.LinearLR(optimizer, 0.1, 1.0, 150),
    ),
    "falling line": (
        ss.linear(PEAK, PEAK * 0.05, UPDATES),
        lambda optimizer: lr_scheduler.LinearLR(optimizer, 1.0, 0.05, UPDATES),
    ),
    "polynomial": (
        ss.polynomial(PEAK, 0, UPDATES, 2.5),
        lambda optimizer: lr_scheduler.PolynomialLR(optimizer, UPDATES, 2.5),
    ),
    "polynomial of power 1, then 0": (
        ss.polynomial(PEAK, 0, 100, 1),
        lambda optimizer: lr_scheduler.PolynomialLR(optimizer, 100, 1.0),
    ),
    "exponential": (
        ss.exponential_decay(PEAK, 0.97, 1),
        lambda optimizer: lr_scheduler.ExponentialLR(optimizer, 0.97),
    ),
    "exponential between two values": (
        ss.exponential(PEAK, PEAK * 0.99**UPDATES, UPDATES),
        lambda optimizer: lr_scheduler.ExponentialLR(optimizer, 0.99),
    ),
    "staircase": (
        ss.step_decay(PEAK, 0.5, 30),
        lambda optimizer: lr_scheduler.StepLR(optimizer, 30, 0.5),
    ),
    "milestones": (
        ss.multistep(PEAK, 0.1, [50, 51, 220]),
        lambda optimizer: lr_scheduler.MultiStepLR(optimizer, [50, 51, 220], 0.1),
    ),
    "constant, then back": (
        ss.piecewise_constant([PEAK / 3, PEAK], at=[40]),
        lambda optimizer: lr_scheduler.ConstantLR(optimizer, 1 / 3, 40),
    ),
    "warm restarts": (
        ss.cosine(PEAK, 0.01, 20).repeat(stretch=2),
        lambda optimizer: lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 20, 2, eta_min=0.01),
    ),
    "warmup, then cosine": (
        ss.linear(PEAK * 0.01, PEAK, 50) >> ss.cosine(PEAK, 0, UPDATES - 50),
        lambda optimizer: lr_scheduler.SequentialLR(
            optimizer,
            [
                lr_scheduler.LinearLR(optimizer, 0.01, 1.0, 50),
                lr_scheduler.CosineAnnealingLR(optimizer, UPDATES - 50),
            ],
            [50],
        ),
    ),
}


@pytest.mark.filterwarnings("ignore:The epoch parameter:UserWarning")
@pytest.mark.parametrize("name", CURVES)
def test_the_whole_curve_is_torch_s(name):
    schedule, make = CURVES[name]
    ours = schedule(np.arange(UPDATES + 1))
    np.testing.assert_allclose(ours, torch_curve(make), rtol=0, atol=1e-12 * PEAK)


def test_where_torch_climbs_back_the_end_value_holds():
    schedule = ss.cosine(PEAK, 0, 100)
    theirs = torch_curve(lambda optimizer: lr_scheduler.CosineAnnealingLR(optimizer, 100), 200)
    assert theirs[200] == pytest.approx(PEAK)
    assert schedule(200) == 0.0
