"""SGD with a rate that changes every epoch: PyTorch's scheduler, and the same rates from a Schedule.

Both schedulers are stepped at the same place, once an epoch, so step k of the schedule is epoch k.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from digits import Digits, Outcome, compare, load, options
from torch import nn, optim
from torch.optim import lr_scheduler

import stepsize as ss
from stepsize.torch import Scheduler

LR = 0.1

# name -> BEFORE and AFTER. PyTorch's cosine climbs back after T_max; a Schedule holds its end value unless it is
# told to mirror.
SCHEDULERS: dict[str, tuple[Callable[..., lr_scheduler.LRScheduler], ss.Schedule]] = {
    "exponential 0.9": (
        lambda optimizer: lr_scheduler.ExponentialLR(optimizer, gamma=0.9),
        ss.exponential_decay(LR, 0.9, every=1),
    ),
    "cosine 50": (
        lambda optimizer: lr_scheduler.CosineAnnealingLR(optimizer, T_max=50, eta_min=0.001),
        ss.cosine(LR, 0.001, 50).after("mirror"),
    ),
    "multistep 30, 60, 90": (
        lambda optimizer: lr_scheduler.MultiStepLR(optimizer, milestones=[30, 60, 90], gamma=0.1),
        ss.multistep(LR, 0.1, at=[30, 60, 90]),
    ),
}


def train(digits: Digits, epochs: int, schedule: Callable[..., lr_scheduler.LRScheduler]) -> Outcome:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(784, 32), nn.ReLU(), nn.Linear(32, 10))
    optimizer = optim.SGD(model.parameters(), lr=LR)
    scheduler = schedule(optimizer)
    rates, losses = [], []
    for epoch in range(epochs):
        for x, y in digits.batches(0, epoch):
            loss = nn.functional.cross_entropy(model(torch.from_numpy(x)), torch.from_numpy(y))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            rates.append(optimizer.param_groups[0]["lr"])
            losses.append(loss.item())
        scheduler.step()
    found = model(torch.from_numpy(digits.test_x)).argmax(dim=1).numpy()
    return Outcome(rates, losses, float((found == digits.test_y).mean()))


def main() -> None:
    torch.set_num_threads(1)  # a network this small is fastest on one
    chosen = options(__doc__, epochs=100, digits=2_500)
    digits = load(chosen.digits)
    for name, (before, lr) in SCHEDULERS.items():
        old = train(digits, chosen.epochs, before)
        new = train(digits, chosen.epochs, partial(Scheduler, lr=lr))
        compare(name, old, new)


if __name__ == "__main__":
    main()
