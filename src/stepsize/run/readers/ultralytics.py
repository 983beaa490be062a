"""Ultralytics' and YOLOv5's `results.csv`, one row an epoch, with `args.yaml` beside it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from stepsize.run.column import Column
from stepsize.run.log import Log
from stepsize.run.readers.beside import beside
from stepsize.run.readers.delimited import gathered
from stepsize.run.readers.form import form_at, form_of
from stepsize.run.readers.settings import Stated
from stepsize.run.readers.source import Source

FORMAT = "Ultralytics results"

# What an optimizer "auto" sets by itself, whatever the settings say.
BY_AUTO = ("optimizer", "lr", "momentum")
RATE = re.compile(r"(lr/pg|x/lr)\d+")
PARTS = {"loss": re.compile(r"train/\w+_loss"), "val_loss": re.compile(r"val/\w+_loss")}


def recognises(source: Source) -> bool:
    """Whether the header has epochs, losses of the training, and rates by their groups, or metrics."""
    form = form_of(source.head)
    if form is None or "epoch" not in form.names or not any(name.startswith("train/") for name in form.names):
        return False
    return any(RATE.fullmatch(name) or name.startswith("metrics/") for name in form.names)


def read(path: Path) -> list[Log]:
    """The metrics on their epochs; where the losses are parts only, `loss` and `val_loss` are their sums."""
    found = gathered(path, form_at(path))
    columns = found.columns(path)
    rated, said = _with_rate(columns, found.read_as)
    summed, told = _with_sums(rated)
    return [Log(summed, settings=_settings(path), notes=(*told, *said, *found.notes))]


def _with_sums(columns: dict[str, Column]) -> tuple[dict[str, Column], list[str]]:
    """The columns with totals of their parts, where there is none."""
    notes = []
    for house, parts in PARTS.items():
        own = [name for name in columns if parts.fullmatch(name)]
        if house in columns or not own or any(columns[n].step.size != columns[own[0]].step.size for n in own):
            continue
        with np.errstate(invalid="ignore"):  # Inf and -Inf are NaN together
            total = np.sum([columns[name].value for name in own], axis=0)
        columns = {house: Column(columns[own[0]].step, total, columns[own[0]].clock), **columns}
        notes.append(f"`{house}` is the sum of {', '.join(own)}: the log has no total")
    return columns, notes


def _with_rate(columns: Mapping[str, Column], read_as: Mapping[str, str]) -> tuple[dict[str, Column], list[str]]:
    """The columns with the rate of the weights as `lr`: the first group holds biases, warmed up from above."""
    rates = {read_as.get(name, name): name for name in columns if RATE.fullmatch(read_as.get(name, name))}
    tags = sorted(rates, key=lambda tag: int(re.findall(r"\d+", tag)[-1]))
    if not tags:
        return dict(columns), []
    held = {tag: columns[rates[tag]] for tag in tags}
    rest = {name: column for name, column in columns.items() if name not in rates.values()}
    odd = len(tags) > 2 and not _same(held[tags[0]], held[tags[1]]) and _same(held[tags[1]], held[tags[2]])
    weights = tags[1] if odd else tags[0]
    note = f"`lr` is {weights!r}: {tags[0]!r} is the rate of biases, which begins higher" if odd else ""
    return {**rest, **{"lr" if tag == weights else tag: held[tag] for tag in tags}}, [note] if note else []


def _same(one: Column, other: Column) -> bool:
    return np.array_equal(one.value, other.value, equal_nan=True)


def _settings(path: Path) -> dict[str, Any]:
    """What `args.yaml` or YOLOv5's `opt.yaml` says; an optimizer "auto" chooses its own rate."""
    settings = beside(path, "args.yaml") or beside(path, "opt.yaml")
    said = Stated()
    said.take({"lr": settings.get("lr0"), "batch_size": settings.get("batch"), **settings})
    chosen = said.settings.get("optimizer") == "auto"
    return {name: value for name, value in said.settings.items() if not (chosen and name in BY_AUTO)}
