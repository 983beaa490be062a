"""`build`: the optimizer a policy names is the one a person would have written by hand."""

import pytest
import torch
from torch import nn, optim

import stepsize as ss
from stepsize.policy import OPTIMIZERS
from stepsize.torch import Scheduler, build

LR = ss.linear(0.001, 0.05, 10) >> ss.cosine(0.05, 0.0, 10)

# The policy's settings, and what the same person writes with torch.optim.
BY_HAND = {
    "sgd": ({"weight_decay": 0.01}, lambda p: optim.SGD(p, lr=0.001, weight_decay=0.01)),
    "momentum": (
        {"momentum": 0.8, "dampening": 0.1, "weight_decay": 0.01},
        lambda p: optim.SGD(p, lr=0.001, momentum=0.8, dampening=0.1, weight_decay=0.01),
    ),
    "nesterov": ({"momentum": 0.7}, lambda p: optim.SGD(p, lr=0.001, momentum=0.7, nesterov=True)),
    "adagrad": (
        {"lr_decay": 0.1, "initial_accumulator_value": 0.2, "eps": 1e-6},
        lambda p: optim.Adagrad(p, lr=0.001, lr_decay=0.1, initial_accumulator_value=0.2, eps=1e-6),
    ),
    "rmsprop": (
        {"alpha": 0.9, "momentum": 0.5, "centered": True},
        lambda p: optim.RMSprop(p, lr=0.001, alpha=0.9, momentum=0.5, centered=True),
    ),
    "adadelta": ({"rho": 0.8, "eps": 1e-5}, lambda p: optim.Adadelta(p, lr=0.001, rho=0.8, eps=1e-5)),
    "adam": (
        {"betas": (0.8, 0.9), "eps": 1e-6, "amsgrad": True},
        lambda p: optim.Adam(p, lr=0.001, betas=(0.8, 0.9), eps=1e-6, amsgrad=True),
    ),
    "adamw": (
        {"betas": (0.9, 0.95), "weight_decay": 0.1},
        lambda p: optim.AdamW(p, lr=0.001, betas=(0.9, 0.95), weight_decay=0.1),
    ),
}
BY_DEFAULT = {
    "sgd": lambda p: optim.SGD(p, lr=0.001),
    "momentum": lambda p: optim.SGD(p, lr=0.001, momentum=0.9),
    "nesterov": lambda p: optim.SGD(p, lr=0.001, momentum=0.9, nesterov=True),
    "adagrad": lambda p: optim.Adagrad(p, lr=0.001),
    "rmsprop": lambda p: optim.RMSprop(p, lr=0.001),
    "adadelta": lambda p: optim.Adadelta(p, lr=0.001),
    "adam": lambda p: optim.Adam(p, lr=0.001),
    "adamw": lambda p: optim.AdamW(p, lr=0.001),
}


def tiny_model():
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))


def weights_after_20_updates(model, optimizer, next_rate):
    generator = torch.Generator().manual_seed(2)
    for k in range(20):
        x = torch.randn(8, 3, generator=generator)
        optimizer.zero_grad()
        nn.functional.mse_loss(model(x), x.sum(1, keepdim=True)).backward()
        optimizer.step()
        next_rate(k + 1)
    return torch.cat([p.detach().ravel() for p in model.parameters()])


def by_hand(make):
    model = tiny_model()
    optimizer = make(model.parameters())

    def next_rate(k):
        optimizer.param_groups[0]["lr"] = LR(k)

    return weights_after_20_updates(model, optimizer, next_rate)


def by_policy(policy):
    model = tiny_model()
    optimizer, scheduler = build(policy, model)
    return weights_after_20_updates(model, optimizer, lambda _: scheduler.step())


def test_every_optimizer_is_compared():
    assert BY_HAND.keys() == BY_DEFAULT.keys() == OPTIMIZERS.keys()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_weights_are_those_of_the_hand_built_optimizer(name):
    settings, make = BY_HAND[name]
    assert torch.equal(by_policy(ss.Policy(LR, name, **settings)), by_hand(make))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_without_settings_the_defaults_are_torch_s(name):
    assert torch.equal(by_policy(ss.Policy(LR, name)), by_hand(BY_DEFAULT[name]))


def test_each_setting_a_policy_allows_is_one_torch_takes():
    for name, settings in OPTIMIZERS.items():
        values = {setting: (0.5, 0.6) if setting == "betas" else 0.25 for setting in settings}
        values |= {flag: True for flag in ("amsgrad", "centered") if flag in settings}
        optimizer, _ = build(ss.Policy(LR, name, **values), tiny_model())
        assert values.items() <= optimizer.defaults.items()


def test_scheduled_settings_are_followed():
    decay = ss.linear(0.1, 0.2, 10)
    optimizer, scheduler = build(ss.Policy(LR, "adamw", weight_decay=decay), tiny_model())
    assert isinstance(scheduler, Scheduler)
    for k in range(12):
        assert optimizer.param_groups[0]["weight_decay"] == decay(k)
        scheduler.step()


def test_parameters_will_do_instead_of_a_model():
    model = tiny_model()
    optimizer, _ = build(ss.Policy(LR, "sgd"), model.parameters())
    assert optimizer.param_groups[0]["params"] == list(model.parameters())


@pytest.mark.parametrize(
    ("policy", "model", "says"),
    [
        (ss.Policy(LR), tiny_model(), "names no optimizer"),
        (ss.Policy(LR, "sgd"), ["weights"], "parameters"),
        (ss.Policy(LR, "adam"), [], "torch.optim.Adam refuses .*empty"),
        (ss.Policy(LR, "nesterov", momentum=0.0), tiny_model(), "torch.optim.SGD refuses .*[Nn]esterov"),
    ],
)
def test_what_cannot_be_built_is_refused_with_torch_s_reason(policy, model, says):
    with pytest.raises(ss.InvalidPolicy, match=says):
        build(policy, model)
