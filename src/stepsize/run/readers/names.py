"""One rule for what a logged quantity is called here: `Loss/train` is loss, `val/loss` is val_loss."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from stepsize.run.column import Column

TRAINING = {"train", "training"}
VALIDATION = {"val", "valid", "validation", "eval", "evaluation", "dev"}
# They say how often, or over what, a loss was averaged: not whose loss it is.
FILLERS = {
    "epoch",
    "step",
    "iter",
    "iteration",
    "iterations",
    "batch",
    "running",
    "avg",
    "average",
    "mean",
    "total",
    "vs",
}
WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")


@lru_cache(maxsize=4096)
def house_name(tag: str) -> str:
    """`loss`, `val_loss` or `lr` where the words of `tag` say so; else the tag as it is.

    The words are what stands between `/`, `_`, `-`, `.`, spaces and capitals. Words such as "epoch" and "avg" are
    passed over. `loss` alone or with "train" is the training's; with "val", "valid", "validation", "eval" or "dev"
    it is that of the validation. The loss of a test, or of a part of the model, keeps its name.

    >>> house_name("Loss/train"), house_name("validation/epoch_loss"), house_name("loss_dice")
    ('loss', 'val_loss', 'loss_dice')
    """
    words = {word.lower() for word in WORD.findall(tag)} - FILLERS
    if words - TRAINING == {"loss"}:
        return "loss"
    if words - VALIDATION == {"loss"}:
        return "val_loss"
    return "lr" if words - TRAINING in ({"lr"}, {"learning", "rate"}) else tag


def by_house_names(columns: Mapping[str, Column], exact: str = "") -> dict[str, Column]:
    """The columns by their house names, and the column `exact` by its own as well.

    Of several for one name, the one that is called so already has it, or the one with the most values; the others
    keep their own names.
    """
    named: dict[str, Column] = {}
    for tag in sorted(columns, key=lambda tag: (tag != house_name(tag), -columns[tag].step.size, tag)):
        house = house_name(tag)
        named[tag if house in named else house] = columns[tag]
    return {**named, **({exact: columns[exact]} if exact in columns else {})}
