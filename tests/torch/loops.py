"""A small optimizer, the shortest honest training loop, and a state through a file."""

import io

import torch


def sgd(groups=1, **settings):
    torch.manual_seed(0)
    parameters = [{"params": [torch.randn(3, requires_grad=True)]} for _ in range(groups)]
    return torch.optim.SGD(parameters, **{"lr": 7.0, "momentum": 0.5, **settings})


def named(*names, optimizer=torch.optim.SGD, **settings):
    torch.manual_seed(0)
    parameters = [{"params": [torch.randn(3, requires_grad=True)], "name": name} for name in names]
    return optimizer(parameters, **{"lr": 7.0, **settings})


def backward(optimizer, factor=1.0):
    sum((factor * p**2).sum() for group in optimizer.param_groups for p in group["params"]).backward()


def train(optimizer, scheduler, updates):
    for _ in range(updates):
        optimizer.zero_grad()
        backward(optimizer)
        optimizer.step()
        scheduler.step()


def through_a_file(*states):
    """The states, read back from a file that holds no code."""
    file = io.BytesIO()
    torch.save(list(states), file)
    file.seek(0)
    return torch.load(file, weights_only=True)


def saved(*objects):
    return through_a_file(*(thing.state_dict() for thing in objects))


def held(optimizer, key="lr"):
    return [group[key] for group in optimizer.param_groups]
