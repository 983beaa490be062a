"""A real training at many rates: softmax regression on the digits of scikit-learn, with NumPy alone."""

from functools import cache

import numpy as np
from sklearn.datasets import load_digits

import stepsize as ss
from stepsize.run import Column

STEPS, BATCH, LOOKS = 300, 32, 20


@cache
def digits():
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    return (x / 16)[order], y[order]


def train(rate, steps=STEPS, seed=0, labels=None):
    """Loss of each update, and (step, loss) of the validation."""
    x, y = digits()
    y = y if labels is None else labels
    held, dice = 400, np.random.default_rng(seed)
    w = np.zeros((x.shape[1], 10))
    losses, looks = [], []
    for step in range(steps):
        if step % (steps // LOOKS) == 0:
            looks.append((step, loss_of(w, x[:held], y[:held])))
        batch = dice.integers(held, len(x), BATCH)
        losses.append(loss_of(w, x[batch], y[batch]))
        w -= rate * gradient(w, x[batch], y[batch])
    return np.array(losses), np.array([*looks, (steps, loss_of(w, x[:held], y[:held]))])


def odds(w, x):
    scores = x @ w
    e = np.exp(scores - scores.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def loss_of(w, x, y):
    return float(-np.log(np.maximum(odds(w, x)[np.arange(len(y)), y], 1e-30)).mean())


def gradient(w, x, y):
    p = odds(w, x)
    p[np.arange(len(y)), y] -= 1
    return x.T @ p / len(y)


def run_at(rate, validated=True, **options):
    """The training as a Run that logs loss, rate and, unless it should not, the validation."""
    losses, looks = train(rate, **options)
    steps = np.arange(len(losses))
    columns = {"loss": Column(steps, losses), "lr": Column(steps, np.full(len(steps), rate))}
    if validated:
        columns["val_loss"] = Column(looks[:, 0].astype(np.int64), looks[:, 1])
    return ss.Run(columns, steps=len(losses), settings={"optimizer": "sgd"})
