"""What torch.optim does, update by update, for settings that tell its rules from others: data for the adapters."""

import numpy as np

import stepsize as ss

LR = ss.linear(0.01, 0.1, 10) >> ss.cosine(0.1, 0.01, 20)
FALLING = ss.linear(0.1, 0.01, 30)
RISING = ss.linear(0.5, 0.95, 20)

# optimizer, settings: all defaults first, then every setting, scheduled where it can be
CASES = {
    "sgd": ("sgd", {}),
    "sgd with all": ("sgd", {"weight_decay": FALLING}),
    "momentum": ("momentum", {}),
    "momentum with all": ("momentum", {"momentum": RISING, "dampening": 0.3 * RISING, "weight_decay": FALLING}),
    "nesterov": ("nesterov", {}),
    "nesterov with all": ("nesterov", {"momentum": RISING, "weight_decay": FALLING}),
    "adagrad": ("adagrad", {}),
    "adagrad with all": (
        "adagrad",
        {"lr_decay": 0.1, "eps": 0.01, "weight_decay": FALLING, "initial_accumulator_value": 0.2},
    ),
    "rmsprop": ("rmsprop", {}),
    "rmsprop with all": (
        "rmsprop",
        {"alpha": 0.9, "eps": 0.01, "momentum": RISING, "centered": True, "weight_decay": FALLING},
    ),
    "adadelta": ("adadelta", {}),
    "adadelta with all": ("adadelta", {"rho": RISING, "eps": 0.01, "weight_decay": FALLING}),
    "adam": ("adam", {}),
    "adam with all": ("adam", {"betas": (0.8, 0.95), "eps": 0.01, "amsgrad": True, "weight_decay": FALLING}),
    "adamw": ("adamw", {}),
    "adamw with all": ("adamw", {"betas": (0.0, 0.95), "eps": 0.01, "amsgrad": True, "weight_decay": FALLING}),
}
UPDATES = 30
random = np.random.default_rng(0)
FACTORS = random.normal(size=(UPDATES, 4, 3))
START = random.normal(size=(4, 3))


def policy(case):
    name, settings = CASES[case]
    return ss.Policy(LR, name, **settings)


def by_torch(case, dtype="float64"):
    """The weights after each update, with gradients `FACTORS[k] * weights / 2`."""
    import torch

    from stepsize.torch import build

    weight = torch.tensor(START, dtype=getattr(torch, dtype), requires_grad=True)
    optimizer, scheduler = build(policy(case), [weight])
    after = []
    for factor in torch.tensor(FACTORS, dtype=weight.dtype):
        weight.grad = factor * weight.detach() / 2
        optimizer.step()
        scheduler.step()
        after.append(weight.detach().tolist())
    return after
