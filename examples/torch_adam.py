"""Adam at a fixed rate, and with a warmup and a cosine: what the schedule gains, over a few seeds.

The schedule is not all that differs between two trainings of different peaks, so each rate is shown with both.
"""

from __future__ import annotations

from statistics import mean, median

import torch
from digits import Digits, Outcome, gap, load, options
from torch import nn, optim

import stepsize as ss
from stepsize.torch import Scheduler

SEEDS = range(3)
RATES = (1e-3, 1e-2, 3e-2)


def train(digits: Digits, epochs: int, seed: int, lr: float, schedule: ss.Schedule | None = None) -> Outcome:
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = optim.Adam(model.parameters(), lr=lr)  # BEFORE: this line is all there is
    scheduler = None if schedule is None else Scheduler(optimizer, lr=schedule)  # AFTER: one line here, ...
    rates, losses = [], []
    for epoch in range(epochs):
        for x, y in digits.batches(seed, epoch):
            loss = nn.functional.cross_entropy(model(torch.from_numpy(x)), torch.from_numpy(y))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            rates.append(optimizer.param_groups[0]["lr"])
            losses.append(loss.item())
            if scheduler is not None:
                scheduler.step()  # ... and one here, after every update
    found = model(torch.from_numpy(digits.test_x)).argmax(dim=1).numpy()
    return Outcome(rates, losses, float((found == digits.test_y).mean()))


def line(name: str, outcomes: list[Outcome]) -> str:
    accuracy = [outcome.accuracy for outcome in outcomes]
    losses = [mean(outcome.losses[-10:]) for outcome in outcomes]
    return (
        f"{name:<28} accuracy {median(accuracy):.3f} ({min(accuracy):.3f} to {max(accuracy):.3f}); "
        f"loss {median(losses):.3f} ({min(losses):.3f} to {max(losses):.3f})"
    )


def main() -> None:
    torch.set_num_threads(1)  # a network this small is fastest on one
    chosen = options(__doc__, epochs=10)
    digits, epochs = load(chosen.digits), chosen.epochs
    steps = epochs * digits.updates_per_epoch
    print(f"{steps} updates; median (smallest to largest) of {len(SEEDS)} seeds")
    for lr in RATES:
        schedule = ss.warmup_cosine(lr, steps, warmup=steps // 20)
        fixed = [train(digits, epochs, seed, lr) for seed in SEEDS]
        same = train(digits, epochs, SEEDS[0], lr, ss.constant(lr))
        print(line(f"{lr:g} fixed", fixed))
        print(line(f"{lr:g} warmup and cosine", [train(digits, epochs, seed, lr, schedule) for seed in SEEDS]))
        print(f"{'':<6} constant({lr:g}) is the fixed rate: apart by at most {gap(fixed[0], same):.1e}")


if __name__ == "__main__":
    main()
