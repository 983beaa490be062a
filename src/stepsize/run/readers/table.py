"""Separated values with a header line: comma, tab, semicolon, bar or blanks. What is guessed of them is said."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from stepsize.run.column import Column
from stepsize.run.log import Log
from stepsize.run.readers.delimited import gathered
from stepsize.run.readers.form import form_at, form_of
from stepsize.run.readers.guessed import with_losses
from stepsize.run.readers.names import HOUSE, TRAINING, VALIDATION, WORD
from stepsize.run.readers.rows import Gathered
from stepsize.run.readers.source import Source

FORMAT = "CSV with a header line"

# What a log without any loss by name may call it.
LOSSLIKE = ("nll", "xent", "ce", "cross entropy", "mse", "criterion", "cost", "objective")
MEANT = {
    "loss": "the training loss",
    "val_loss": "the validation loss",
    "lr": "the learning rate",
    "grad_norm": "the norm of the gradient",
    "update_ratio": "the ratio of update to parameters",
}


def recognises(source: Source) -> bool:
    """Whether a line of names is followed by rows of as many cells with numbers among them."""
    return form_of(source.head) is not None


def read(path: Path) -> list[Log]:
    """Every column that holds numbers; empty cells are left out."""
    found = gathered(path, form_at(path))
    columns = found.columns(path)
    if "loss" not in columns:
        columns = with_losslike(columns, found.read_as)
    said = guesses(found, columns)
    columns, guessed = with_losses(columns)
    return [Log(columns, notes=(*said, *guessed, *found.notes))]


def with_losslike(columns: Mapping[str, Column], read_as: dict[str, str]) -> dict[str, Column]:
    """Where nothing is called the loss, the first that is one by another word: nll, mse, train_cross_entropy, ..."""
    named = dict(columns)
    for house, whose in (("loss", TRAINING), ("val_loss", VALIDATION)):
        tag = next((tag for tag in columns if _is_losslike(tag, whose, bare=house == "loss")), "")
        if house not in columns and tag:
            named[house] = named.pop(tag)
            read_as[house] = tag
    return named


def _is_losslike(tag: str, whose: set[str], bare: bool) -> bool:
    words = [word.lower() for word in WORD.findall(tag)]
    rest = " ".join(word for word in words if word not in whose)
    return rest in LOSSLIKE and (bare or len(rest.split()) < len(words))


def guesses(found: Gathered, columns: Mapping[str, Column]) -> list[str]:
    """One sentence on what was read as what, where the log calls it otherwise."""
    read = [("the step" if next(iter(columns.values())).clock == "step" else "the epoch", found.clock)]
    read += [(MEANT[house], found.read_as.get(house, house)) for house in HOUSE if house in columns]
    said = [f"{own!r} as {meant}" for meant, own in read if own and own not in (*HOUSE, "step", "epoch")]
    return [f"read {', '.join(said[:-1]) + ' and ' if said[1:] else ''}{said[-1]} (guessed)"] if said else []
