"""Lightning's CSVLogger: `metrics.csv`, with `hparams.yaml` beside it.

Its rows are sparse: one for each call of `log`, and the rate that LearningRateMonitor saw stands in rows of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from stepsize.run.log import Log
from stepsize.run.readers.beside import beside
from stepsize.run.readers.delimited import gathered
from stepsize.run.readers.form import form_at, form_of
from stepsize.run.readers.guessed import with_losses
from stepsize.run.readers.names import MONITORED
from stepsize.run.readers.settings import Stated
from stepsize.run.readers.source import Source

FORMAT = "Lightning CSV"


def recognises(source: Source) -> bool:
    """Whether the header has the step, and a monitored rate or epochs where this logger puts them."""
    form = form_of(source.head)
    if form is None or form.separator != "," or "step" not in form.names:
        return False
    return bool(_optimizer(form.names)) or ("epoch" in form.names and _is_ordered(form.names))


def _is_ordered(names: Sequence[str]) -> bool:
    """Sorted; before 2.1 the logger wrote its own `epoch, step` behind the first metrics."""
    at = names.index("epoch")
    return list(names) == sorted(names) or (at > 0 and names[at + 1 : at + 2] == ("step",))


def read(path: Path) -> list[Log]:
    """The metrics on their steps; of a loss of steps and its mean over epochs, `loss` is that of steps."""
    form = form_at(path)
    found = gathered(path, form)
    said = Stated()
    said.take({"optimizer": _optimizer(form.names)})
    said.take(beside(path, "hparams.yaml"))
    columns, guessed = with_losses(found.columns(path))
    return [Log(columns, steps=said.steps, settings=said.settings, notes=(*guessed, *found.notes))]


def _optimizer(names: Sequence[str]) -> str:
    """The class of the optimizer, which the monitor puts into the name of the rate."""
    matches = (MONITORED.fullmatch(name) for name in names)
    return next((match[1] for match in matches if match is not None), "")
