"""One JSON document that holds whole curves: Keras's `History`, or any object of lists.

`json.dump(history.history, file)` writes {"loss": [...], "val_loss": [...]}, one value an epoch. A list under the
name of a clock, as "step": [...], is the clock of the others. A list of objects is read as rows.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from stepsize.errors import UnreadableRun
from stepsize.run.log import Log
from stepsize.run.readers import timeline
from stepsize.run.readers.guessed import with_losses
from stepsize.run.readers.lines import blocks_of, head_of
from stepsize.run.readers.names import house_name
from stepsize.run.readers.object_rows import LOSSES, Objects
from stepsize.run.readers.objects import WRONG
from stepsize.run.readers.phrases import is_loss
from stepsize.run.readers.rows import Gathered, number_of
from stepsize.run.readers.settings import Stated
from stepsize.run.readers.source import Source

FORMAT = "a JSON object of curves, as Keras's History"
CURVE = re.compile(r'"[^"\n]{0,60}loss[^"\n]{0,60}"\s*:\s*\[\s*(?:[-\d"]|NaN|null|Inf)', re.IGNORECASE)
ROWS = re.compile(r'"\w*(?:history|logs?|metrics|rows|records|steps|results|train\w*)"\s*:\s*\[\s*\{', re.IGNORECASE)
# Keras's metrics, and what its callbacks put into a History: with one of these a list has one value an epoch.
KERAS = {"accuracy", "acc", "learning_rate", "lr", "mae", "mse", "auc", "precision", "recall"}
# Curves are looked for so deep.
DEEPEST = 4


def recognises(source: Source) -> bool:
    """Whether a document begins that is no row of many, and that has a list of losses or of rows."""
    head = head_of(source).lstrip()
    if not head.startswith("{") or not (CURVE.search(head) or ROWS.search(head)):
        return False
    first, _, rest = head.partition("\n")
    return not (first.rstrip().endswith("}") and rest.lstrip().startswith("{"))


def read(path: Path) -> list[Log]:
    """The curves of one training.

    Raises:
        UnreadableRun: it is no JSON document, or has no list of losses and no list of rows.
    """
    document = _document(path)
    stated = Stated()
    _state(document, stated)
    found = max(_objects(document), key=_losses, default={})
    if _losses(found):
        return [_of_curves(found, stated, path, nested=found is not document)]
    rows = max(_row_lists(document), key=len, default=[])
    if not rows:
        raise UnreadableRun(f"{path}: a JSON document with no list of losses, and no list of objects")
    objects = Objects()
    objects.add(rows)
    log = objects.log(path)
    return [
        Log(log.columns, steps=stated.steps or log.steps, settings={**log.settings, **stated.settings}, notes=log.notes)
    ]


def _document(path: Path) -> dict[str, Any]:
    try:
        document = json.loads("".join(blocks_of(path)))
    except WRONG as error:
        raise UnreadableRun(f"{path}: not a JSON document: {error}") from error
    if not isinstance(document, dict):
        raise UnreadableRun(f"{path}: expected a JSON object")
    return document


def _state(document: Mapping[str, Any], stated: Stated, depth: int = 0) -> None:
    stated.take({name: value for name, value in document.items() if isinstance(value, str | int | float)})
    for value in document.values():
        if isinstance(value, dict) and depth < DEEPEST:
            _state(value, stated, depth + 1)


def _objects(document: dict[str, Any], depth: int = 0) -> Iterator[dict[str, Any]]:
    """The document and the objects in it."""
    yield document
    for value in document.values():
        if isinstance(value, dict) and depth < DEEPEST:
            yield from _objects(value, depth + 1)


def _row_lists(document: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
    for found in _objects(document):
        for value in found.values():
            if isinstance(value, list):
                yield [row for row in value if isinstance(row, dict)]


def _losses(found: Mapping[str, Any]) -> int:
    """How many values the longest list of losses has."""
    return max((len(value) for name, value in _curves(found).items() if is_loss(name)), default=0)


def _curves(found: Mapping[str, Any]) -> dict[str, list[Any]]:
    """The lists of numbers."""
    return {
        name: value
        for name, value in found.items()
        if isinstance(value, list) and value and all(raw is None or isinstance(raw, int | float | str) for raw in value)
    }


def _of_curves(found: Mapping[str, Any], stated: Stated, path: Path, nested: bool) -> Log:
    curves = _curves(found)
    clock = next((name for kind in ("step", "epoch") for name in curves if timeline.kind_of(name) == kind), "")
    length = len(curves[clock]) if clock else max(len(value) for name, value in curves.items() if is_loss(name))
    keras = not clock and (nested or any(name.startswith("val_") or name in KERAS for name in curves))
    gathered, notes = Gathered(), []
    places = {name: _places(len(value), length) for name, value in curves.items()}
    if missing := [name for name, at in places.items() if not at]:
        notes.append(f"lists of another length than {length} were left out: {', '.join(missing)}")
    by_row = {name: dict(zip(places[name], curves[name], strict=True)) for name in curves if places[name]}
    for row in range(length):
        cells = {name: _cell(name, values[row]) for name, values in by_row.items() if row in values}
        gathered.add({**({"epoch": row} if keras else {}), **cells})
    columns, guessed = with_losses(gathered.columns(path))
    if keras:
        notes.append("one value an epoch, as in Keras's History; epochs are counted from 0")
        if len(curves.get("loss", ())) == length:
            stated.settings.setdefault("epochs", length)
    return Log(columns, steps=stated.steps, settings=stated.settings, notes=(*notes, *gathered.notes, *guessed))


def _cell(name: str, raw: Any) -> float | None:
    return math.nan if raw is None and house_name(name) in LOSSES else number_of(raw)


def _places(size: int, length: int) -> list[int]:
    """Where the values of a list stand: a list half as long has a value every second time, as by validation_freq."""
    if size > length or length % size:
        return []
    every = length // size
    return list(range(every - 1, length, every))
