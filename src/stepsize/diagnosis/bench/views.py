"""The same run as other people would have logged it: by epochs, every tenth update, averaged, or not yet finished."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from stepsize.diagnosis.bench.labelled import Labelled
from stepsize.diagnosis.trace import Trace
from stepsize.run import Column

COLUMNS = ("loss", "val_loss", "lr", "grad_norm", "update_ratio")
EPOCHS, EVERY, SHARES = (10, 20, 25, 50, 100), (2, 5, 10, 20), (0.1, 0.25, 0.5, 0.75)
FEWEST, WHOLE = 15, 0.98


def views(run: Labelled, dice: np.random.Generator) -> Iterator[Labelled]:
    """The run as it is, and then as others would have logged it."""
    yield run
    if run.view != "step":
        return
    size = run.trace.loss.step.size
    # A log that is dense at its start only has been thinned already.
    if size >= WHOLE * run.trace.length:
        epochs, every = int(dice.choice(EPOCHS)), int(dice.choice(EVERY))
        if size >= 2 * epochs:
            yield replace(run, trace=by_epochs(run.trace, epochs), view="epoch")
        if size >= FEWEST * every:
            yield replace(run, trace=thinned(run.trace, every, bool(dice.integers(2))), view="thin")
    share = float(dice.choice(SHARES))
    yield replace(run, trace=begun(run.trace, share), view="prefix", seen=share)


def by_epochs(trace: Trace, epochs: int) -> Trace:
    """Means over `epochs` equal parts, and the validation at their ends: what there was before training is not seen."""
    length = max(trace.length, trace.planned)
    edges = np.linspace(0, length, epochs + 1)

    def mean(column: Column) -> Column:
        places = np.searchsorted(column.step, edges)
        full = np.flatnonzero(np.diff(places))
        parts = [column.value[places[i] : places[i + 1]].mean() for i in full]
        return Column(full.astype(np.int64), np.array(parts), "epoch")

    seen = trace.val_loss
    looks = np.interp(edges[1:], seen.step, seen.value) if seen.step.size else np.empty(0)
    means: dict[str, Any] = {name: mean(getattr(trace, name)) for name in COLUMNS if name != "val_loss"}
    validation = Column(np.arange(looks.size), looks, "epoch")
    return replace(trace, **means, val_loss=validation, clock="epoch", planned=epochs)


def thinned(trace: Trace, every: int, mean: bool) -> Trace:
    """Every n-th update only, or the mean of n."""

    def thin(column: Column) -> Column:
        if not mean:
            return Column(column.step[::every], column.value[::every])
        whole = column.value.size // every * every
        return Column(column.step[every - 1 : whole : every], column.value[:whole].reshape(-1, every).mean(1))

    kept: dict[str, Any] = {name: thin(getattr(trace, name)) for name in COLUMNS if name != "val_loss"}
    return replace(trace, **kept)


def begun(trace: Trace, share: float) -> Trace:
    """The first part of a run."""
    last = share * max(trace.length, trace.planned)

    def first(column: Column) -> Column:
        kept = column.step <= last
        return Column(column.step[kept], column.value[kept], column.clock)

    kept: dict[str, Any] = {name: first(getattr(trace, name)) for name in COLUMNS}
    return replace(trace, **kept)
