"""Keras's CSVLogger: one row an epoch, `epoch` first and the rest sorted."""

from __future__ import annotations

from pathlib import Path

from stepsize.run.log import Log
from stepsize.run.readers.delimited import gathered
from stepsize.run.readers.form import form_at, form_of
from stepsize.run.readers.source import Source

FORMAT = "Keras CSVLogger"

MEAN = "`loss` is the mean over each epoch, made while the model still changed; `val_loss` is taken at its end"


def recognises(source: Source) -> bool:
    """Whether the header is `epoch` and then the names of Keras, in the order in which it writes them."""
    form = form_of(source.head)
    if form is None or form.names[0] != "epoch" or "loss" not in form.names:
        return False
    return all(name.isidentifier() for name in form.names) and list(form.names[1:]) in (
        sorted(form.names[1:]),
        _without_validation(form.names[1:]),
    )


def read(path: Path) -> list[Log]:
    """The metrics on their epochs; a rate is among them if a callback before the logger put it there."""
    found = gathered(path, form_at(path))
    columns = found.columns(path)
    return [Log(columns, notes=(*([MEAN] if "val_loss" in columns else []), *found.notes))]


def _without_validation(names: tuple[str, ...]) -> list[str]:
    """The header of a training without validation: sorted names, and then each of them with `val_`, never filled."""
    own = sorted(name for name in names if not name.startswith("val_"))
    return [*own, *(f"val_{name}" for name in own)]
