"""The live tasks: seven small trainings on real data, with momentum SGD and with AdamW each.

A full run takes about a second on one core, so that a dense table of rates, lengths and seeds can be
recorded (`record.py`) and a whole ramp can be driven for every finder. `DEV` was looked at while the
strategy was made; nothing was chosen on the others.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import torch
from torch import Tensor, nn

from benchmarks.chooser import live_data as data
from stepsize.torch import Task

OPTIMIZERS = ("momentum", "adamw")
# log10 of the lowest and the highest rate recorded, by optimizer; a point every quarter of a decade.
RANGES = {"momentum": (-4.0, 1.0), "adamw": (-5.0, 0.0)}
SPACING = 0.25
# The fixed split, by task: both optimizers go together, so nothing of a test task is seen in development.
DEV = frozenset({"MNIST MLP", "diamonds", "characters"})


@functools.cache
def task(name: str, optimizer: str) -> Task:
    """One live task. Raises `MissingData` where its data are not here."""
    return TASKS[name](optimizer)


def _mnist_mlp(optimizer: str) -> Task:
    train, val = data.mnist(28)

    def model() -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(784, 96), nn.ReLU(), nn.Linear(96, 10))

    return _classes(model, train, val, 64, 500, optimizer)


def _mnist_cnn(optimizer: str) -> Task:
    train, val = data.mnist(14)

    def model() -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1, bias=False),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(8, 16, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(144, 10),
        )

    return _classes(model, train, val, 32, 320, optimizer)


def _glosses(optimizer: str) -> Task:
    train, val = data.glosses()
    return _classes(lambda: WordBag(4_000, 32, 45), train, val, 64, 480, optimizer)


def _diamonds(optimizer: str) -> Task:
    train, val = data.diamonds()

    def model() -> nn.Module:
        return nn.Sequential(nn.Linear(26, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 1))

    return Task(model, nn.functional.mse_loss, train, val, batch_size=64, steps=640, optimizer=optimizer)


def _ratings(optimizer: str) -> Task:
    train, val = data.ratings()
    return Task(Factors, nn.functional.mse_loss, train, val, batch_size=128, steps=640, optimizer=optimizer)


def _vowels(optimizer: str) -> Task:
    train, val = data.vowels()
    return _classes(Speaker, train, val, 32, 160, optimizer)


def _characters(optimizer: str) -> Task:
    train, val = data.characters()

    def loss(output: Tensor, target: Tensor) -> Tensor:
        return nn.functional.cross_entropy(output.flatten(0, 1), target.flatten())

    return Task(Reader, loss, train, val, batch_size=16, steps=320, optimizer=optimizer)


TASKS: dict[str, Callable[[str], Task]] = {
    "MNIST MLP": _mnist_mlp,
    "MNIST CNN": _mnist_cnn,
    "glosses": _glosses,
    "diamonds": _diamonds,
    "InstEval": _ratings,
    "vowels": _vowels,
    "characters": _characters,
}


def _classes(
    model: Callable[[], nn.Module], train: data.Pair, val: data.Pair, batch: int, steps: int, optimizer: str
) -> Task:
    loss = nn.functional.cross_entropy
    return Task(model, loss, train, val, batch_size=batch, steps=steps, optimizer=optimizer)


class WordBag(nn.Module):
    """The mean of the words' vectors, and a perceptron on it."""

    def __init__(self, words: int, width: int, classes: int) -> None:
        super().__init__()
        self.bag = nn.EmbeddingBag(words, width, mode="mean", padding_idx=0)
        self.head = nn.Sequential(nn.Linear(width, 64), nn.ReLU(), nn.Linear(64, classes))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.bag(x))


class Factors(nn.Module):
    """Matrix factorisation with biases: a student and a lecturer are 8 numbers and one."""

    def __init__(self) -> None:
        super().__init__()
        self.student, self.lecturer = nn.Embedding(2_972, 9), nn.Embedding(1_128, 9)
        for table in (self.student, self.lecturer):
            nn.init.normal_(table.weight, std=0.1)

    def forward(self, x: Tensor) -> Tensor:
        a, b = self.student(x[:, 0]), self.lecturer(x[:, 1])
        return a[:, 0] + b[:, 0] + (a[:, 1:] * b[:, 1:]).sum(dim=1)


class Speaker(nn.Module):
    """A GRU over the frames; the mean of its states is classified."""

    def __init__(self) -> None:
        super().__init__()
        self.cells, self.head = nn.GRU(12, 24, batch_first=True), nn.Linear(24, 9)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.cells(x)[0].mean(dim=1))


class Reader(nn.Module):
    """A causal transformer of one layer over 32 characters."""

    def __init__(self, width: int = 32, context: int = 32) -> None:
        super().__init__()
        self.letters, self.places = nn.Embedding(128, width), nn.Parameter(torch.zeros(context, width))
        self.mix, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.first, self.second, self.last = nn.LayerNorm(width), nn.LayerNorm(width), nn.LayerNorm(width)
        self.think = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.head = nn.Linear(width, 128)

    def forward(self, x: Tensor) -> Tensor:
        seen = self.letters(x) + self.places
        seen = seen + self._attend(self.first(seen))
        seen = seen + self.think(self.second(seen))
        return self.head(self.last(seen))

    def _attend(self, x: Tensor) -> Tensor:
        q, k, v = (part.unflatten(-1, (2, -1)).transpose(1, 2) for part in self.mix(x).chunk(3, dim=-1))
        mixed = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(mixed.transpose(1, 2).flatten(2))
