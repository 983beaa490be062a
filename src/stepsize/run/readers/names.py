"""One rule for what a logged quantity is called here: `Loss/train` is loss, `val/loss` is val_loss."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from stepsize.run.column import Column

# Our names of what says something of the rate.
HOUSE = ("loss", "val_loss", "lr", "grad_norm", "update_ratio")
TRAINING = {"train", "training", "tr", "trn"}
VALIDATION = {"val", "valid", "validation", "eval", "evaluation", "dev"}
# They say how often, or over what, a quantity was averaged: not whose it is.
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
    "lm",
}
# Of two names for one quantity, the one with such a word gives way: a mean over an epoch, a part beside the total.
WEAKER = {"epoch", "lm"}
# Beside "lr": where the optimizer keeps it. A number is that of a group only behind one of the last.
RATE_PLACES, GROUPS = {"optim", "optimizer", "current"}, {"pg", "group", "param"}
RATES = ({"lr"}, {"learning", "rate"})
# Beside "grad norm": over what, and which norm: `grad_2.0_norm_total`, `l2_grad_norm`.
NORM_PLACES, EUCLIDEAN = {"global", "optim", "optimizer"}, ({"2", "0"}, {"l", "2"})
NORMS = ({"grad", "norm"}, {"gradient", "norm"}, {"gradients", "norm"}, {"gnorm"}, {"gradnorm"})
RATIOS = (
    {"update", "ratio"},
    {"uratio"},
    *({"update", *between, whole, "ratio"} for between in ((), ("to",)) for whole in ("param", "parameter", "weight")),
)
# As Lightning's LearningRateMonitor names them: lr-AdamW, lr-SGD-1, lr-Adam/pg1; but lr-SGD-momentum is no rate.
MONITORED = re.compile(r"lr-([A-Z]\w*)(-\d+)?(/pg\d+)?")
WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")


@lru_cache(maxsize=4096)
def house_name(tag: str) -> str:
    """`loss`, `val_loss`, `lr`, `grad_norm`, `update_ratio` or `epoch` where the words of `tag` say so; else the tag.

    The words are what stands between `/`, `_`, `-`, `.`, spaces and capitals. Words such as "epoch" and "avg" are
    passed over. `loss` alone or with "train" is the training's; with "val", "valid", "validation", "eval" or "dev"
    it is that of the validation. The loss of a test, or of a part of the model, keeps its name; so does any name
    with a word that is not known here.

    >>> house_name("Loss/train"), house_name("validation/epoch_loss"), house_name("loss_dice")
    ('loss', 'val_loss', 'loss_dice')
    >>> house_name("lr-AdamW/pg1"), house_name("grad_2.0_norm_total"), house_name("loss_scale")
    ('lr', 'grad_norm', 'loss_scale')
    """
    if MONITORED.fullmatch(tag):
        return "lr"
    spoken = {word.lower() for word in WORD.findall(tag)}
    if spoken - TRAINING == {"epoch"}:
        return "epoch"
    words = spoken - FILLERS
    if words - VALIDATION == {"loss"} and words != {"loss"}:
        return "val_loss"
    return _of_training(words - TRAINING) or tag


def _of_training(words: set[str]) -> str:
    if words in ({"loss"}, {"trl"}):
        return "loss"
    if _without_group(words - RATE_PLACES) in RATES:
        return "lr"
    if _without_kind(words - NORM_PLACES) in NORMS:
        return "grad_norm"
    return "update_ratio" if words in RATIOS else ""


def _without_group(words: set[str]) -> set[str]:
    return {word for word in words - GROUPS if not word.isdigit()} if words & GROUPS else words


def _without_kind(words: set[str]) -> set[str]:
    return next((words - kind for kind in EUCLIDEAN if kind <= words), words)


def by_house_names(columns: Mapping[str, Column], exact: str = "") -> dict[str, Column]:
    """The columns by their house names, and the column `exact` by its own as well.

    Of several for one name, the one that is called so already has it; else one that is no mean over an epoch; else
    the one with the most values. The others keep their own names.
    """
    named: dict[str, Column] = {}
    for tag in sorted(columns, key=lambda tag: (*_rank(tag), -columns[tag].step.size, tag)):
        house = house_name(tag)
        named[tag if house in named else house] = columns[tag]
    return {**named, **({exact: columns[exact]} if exact in columns else {})}


def _rank(tag: str) -> tuple[bool, bool]:
    return tag != house_name(tag), bool(WEAKER & {word.lower() for word in WORD.findall(tag)})
