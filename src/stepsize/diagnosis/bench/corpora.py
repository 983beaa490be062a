"""Labelled corpora on disk: the small runs as Parquet, DeepOBS as published, and what benchmarks/diagnosis records.

A label says where a run's rate stands to the best of its sweep by the median final validation loss: a run that loses
at most 2 % of what the best one gained is good, any other is too low or too high by its rate.
"""

from __future__ import annotations

import csv
import gzip
import io
import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepsize._extras import extra
from stepsize.diagnosis.bench.labelled import KEEP, LOWER, RAISE, Labelled
from stepsize.diagnosis.trace import Trace
from stepsize.errors import UnreadableRun
from stepsize.run import Column

GOOD, LEARNS = 0.02, 0.1
LABELS = {"far_low": RAISE, "low": RAISE, "good": KEEP, "high": LOWER, "diverged": LOWER}
OPTIMIZERS = {
    "adam": "adam",
    "sgdm": "momentum",
    "AdamOptimizer": "adam",
    "GradientDescentOptimizer": "sgd",
    "MomentumOptimizer": "momentum",
}
DIGITS = ("digits_mlp", "digits_deep", "digits_noisy", "digits_cnn", "digits_logistic", "digits_ae")
Floats = NDArray[np.float64]


def labelled_runs(folder: str | os.PathLike[str]) -> list[Labelled]:
    """Every labelled run beneath a folder.

    Raises:
        UnreadableRun: there is none.
        MissingExtra: there is a Parquet file, and pyarrow is not installed.
    """
    found: list[Labelled] = []
    for path in sorted(Path(folder).rglob("*")):
        if path.suffix == ".parquet":
            found += _small_runs(path)
        elif path.name == "minibatch.npz":
            found += _deepobs(path.parent)
        elif path.suffix == ".npz" and path.stem.isdigit():
            found += _recorded(path)
    if not found:
        raise UnreadableRun(
            f"{folder}: no labelled runs; known are the small runs (*.parquet), DeepOBS (runs.csv, curves.csv.gz, "
            "minibatch.npz) and recordings of benchmarks.diagnosis.record (0000.npz, ...)"
        )
    return found


def _column(steps: Any, values: Any, clock: Any = "step") -> Column:
    return Column(np.round(np.asarray(steps, float)).astype(np.int64), np.asarray(values, float), clock)


def _small_runs(path: Path) -> Iterator[Labelled]:
    with extra("bench"):
        from pyarrow import parquet
    table = parquet.read_table(path)
    if not {"task", "opt", "label", "loss", "lrs", "vstep", "vloss"} <= set(table.column_names):
        return
    for row in table.to_pylist():
        if row["label"] not in LABELS:
            continue
        steps = np.arange(len(row["loss"]))
        trace = Trace(
            loss=_column(steps, row["loss"]),
            val_loss=_column(row["vstep"], row["vloss"]),
            lr=_column(steps, row["lrs"]),
            grad_norm=_column(steps, row["gnorm"]),
            update_ratio=_column(steps, row["uratio"]),
            planned=int(row["T"]),
            optimizer=OPTIMIZERS.get(row["opt"], ""),
            rate=float(row["lr"]),
        )
        task = row["task"]
        data = "digits" if task in DIGITS else task.split("_")[0].replace("char", "text")
        off = float(np.log10(row["lr"] / row["best_lr"]))
        yield Labelled(trace, LABELS[row["label"]], "small", task, data, off=off, lost=_number(row["regret"]))


def _number(raw: float | None) -> float:
    return float(raw) if raw is not None and np.isfinite(raw) else float("inf")


def _deepobs(folder: Path) -> Iterator[Labelled]:
    """Each run twice: with the losses of its updates, and with those of its epochs."""
    with (folder / "runs.csv").open(encoding="utf-8") as file:
        runs = list(csv.DictReader(file))
    curves = _epochs(folder / "curves.csv.gz")
    losses = np.load(folder / "minibatch.npz", allow_pickle=False)
    sweeps: defaultdict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
    for run in runs:
        sweeps[run["problem"], run["optimizer"]].append(run)
    for (problem, optimizer), sweep in sweeps.items():
        ends = [_end(curves[run["curve"]][:, 1], int(run["n_train"])) for run in sweep]
        begin = float(np.nanmedian([curves[run["curve"]][0, 1] for run in sweep]))
        judged = judge([float(run["lr"]) for run in sweep], ends, begin)
        for run, (action, off, lost) in zip(sweep, judged, strict=True) if judged else ():
            rate, epochs = float(run["lr"]), curves[run["curve"]]
            about: dict[str, Any] = {"optimizer": OPTIMIZERS[optimizer], "rate": rate}
            batches = losses[run["curve"]].astype(float)
            length = int(run["n_minibatch"])
            a_piece = length / int(run["num_epochs"])
            by_step = Trace(
                loss=_column(batches[:, 0], batches[:, 1]),
                val_loss=_column(np.arange(len(epochs)) * a_piece, epochs[:, 1]),
                lr=_column(batches[:, 0], np.full(len(batches), rate)),
                planned=length,
                **about,
            )
            clock = np.arange(len(epochs))
            by_epoch = Trace(
                loss=_column(clock, epochs[:, 0], "epoch"),
                val_loss=_column(clock, epochs[:, 1], "epoch"),
                lr=_column(clock, np.full(len(epochs), rate), "epoch"),
                clock="epoch",
                planned=int(run["num_epochs"]) + 1,
                **about,
            )
            yield Labelled(by_step, action, "deepobs", problem, problem, off=off, lost=lost)
            yield Labelled(by_epoch, action, "deepobs", problem, problem, "epoch", off=off, lost=lost)


def _epochs(path: Path) -> dict[str, Floats]:
    """Training and test loss of each epoch, by curve."""
    with gzip.open(path) as file:
        rows = csv.DictReader(io.TextIOWrapper(file, "utf-8"))
        found: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
        for row in rows:
            found[row["curve"]].append((float(row["train_loss"] or "nan"), float(row["test_loss"] or "nan")))
    return {curve: np.array(pairs) for curve, pairs in found.items()}


def _end(losses: Floats, planned: int) -> float:
    whole = len(losses) == planned and np.isfinite(losses[-1])
    return float(losses[-1]) if whole else np.inf


def judge(rates: list[float], ends: list[float], begin: float) -> list[tuple[int, float, float]]:
    """What should have been done in each run of a sweep, how far its rate was off in decades, and what that cost.

    Nothing where no rate learns, or all learn as well.

    Args:
        rates: of the runs.
        ends: the final validation losses, infinite for a run that broke.
        begin: the validation loss before training.
    """
    rate, end = np.array(rates), np.where(np.isfinite(ends), ends, np.inf)
    grid = np.unique(rate)
    medians = np.array([np.median(end[rate == one]) for one in grid])
    best, lowest = grid[int(np.argmin(medians))], float(medians.min())
    gain = begin - lowest
    if not np.isfinite(lowest) or gain < LEARNS * abs(begin) or (medians <= lowest + GOOD * gain).all():
        return []
    lost = (end - lowest) / gain
    off = np.log10(rate / best)
    actions = np.where(lost <= GOOD, KEEP, np.where(rate < best, RAISE, LOWER))
    return list(zip(actions.tolist(), off.tolist(), lost.tolist(), strict=True))


def _recorded(path: Path) -> Iterator[Labelled]:
    with np.load(path, allow_pickle=False) as held:
        it = {name: held[name] for name in held.files}
    length, task, data = int(it["steps"]), str(it["task"]), str(it["data"])
    steps, looks = np.arange(length), np.linspace(0, length, it["val_loss"].shape[1])
    for optimizer in np.unique(it["optimizer"]):
        for kind in np.unique(it["schedule"][it["optimizer"] == optimizer]):
            sweep = np.flatnonzero((it["optimizer"] == optimizer) & (it["schedule"] == kind))
            ends, begin = it["val_loss"][sweep, -1], float(np.median(it["val_loss"][sweep, 0]))
            judged = judge(list(it["lr"][sweep]), list(ends), begin)
            for run, (action, off, lost) in zip(sweep, judged, strict=True) if judged else ():
                trace = Trace(
                    loss=_column(steps, it["loss"][run]),
                    val_loss=_column(looks, it["val_loss"][run]),
                    lr=_column(steps, it["rate"][run]),
                    grad_norm=_column(steps, it["grad_norm"][run]),
                    update_ratio=_column(steps, it["update_ratio"][run]),
                    planned=length,
                    optimizer=str(optimizer),
                    rate=float(it["lr"][run]),
                )
                yield Labelled(trace, action, "recorded", task, data, off=off, lost=lost)
