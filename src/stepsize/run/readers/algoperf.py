"""AlgoPerf's `measurements.csv` and `eval_measurements.csv`, with the settings that its runner writes beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from stepsize.run.log import Log
from stepsize.run.readers.beside import beside
from stepsize.run.readers.delimited import gathered
from stepsize.run.readers.form import form_at, form_of
from stepsize.run.readers.rows import number_of
from stepsize.run.readers.settings import Stated
from stepsize.run.readers.source import Source

FORMAT = "AlgoPerf measurements"

# The runner's own columns; one is enough beside the step.
RUNNERS = {"accumulated_submission_time", "accumulated_eval_time", "preemption_count"}
# The first `flags_N.json` is that of the first start; later ones are of starts after an interruption.
FLAGS = "flags_0.json"
# What the workloads on speech call their loss on the validation set.
SPOKEN = "validation/ctc_loss"


def recognises(source: Source) -> bool:
    """Whether the header has the step and one of the runner's own columns."""
    form = form_of(source.head)
    return form is not None and "global_step" in form.names and not RUNNERS.isdisjoint(form.names)


def read(path: Path) -> list[Log]:
    """The losses on their steps; `loss` is that of a batch where it was logged, else the one on a part of the data.

    The rate is stated in `hparams.json` if at all: few submissions log it. The length in the flags is the most that
    the runner would have allowed, so it is taken for the length planned only where it is stated.
    """
    found = gathered(path, form_at(path))
    hyperparameters = beside(path, "hparams.json")
    said = Stated()
    said.take({"max_steps": beside(path, FLAGS).get("max_global_steps"), **hyperparameters})
    settings = {**said.settings, **_betas(hyperparameters)}
    if (share := number_of(hyperparameters.get("warmup_factor"))) is not None:
        settings["warmup_share"] = share
    columns = found.columns(path)
    if "val_loss" not in columns and SPOKEN in columns:
        columns["val_loss"] = columns.pop(SPOKEN)
    return [Log(columns, steps=said.steps, settings=settings, notes=tuple(found.notes))]


def _betas(hyperparameters: dict[str, Any]) -> dict[str, float]:
    """The momenta, which search spaces also state as their distance from one."""
    found = {}
    for name in ("beta1", "beta2"):
        away = number_of(hyperparameters.get(f"one_minus_{name}"))
        value = number_of(hyperparameters.get(name)) if away is None else 1 - away
        if value is not None:
            found[name] = value
    return found
