"""MLflow's file store: `mlruns/<experiment>/<run>/metrics/<name>`, a line for each value: time, value and step.

Read are one run's folder, an experiment's, and all of `mlruns`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stepsize.errors import UnreadableRun
from stepsize.run.column import Column
from stepsize.run.log import Log
from stepsize.run.readers.mlflow_database import log_of
from stepsize.run.readers.series import series, told_apart
from stepsize.run.readers.source import Source

FORMAT = "MLflow file store"

ABOUT, METRICS, PARAMS = "meta.yaml", "metrics", "params"
NAMED = re.compile(r"^run_name: *(.*?) *$", re.MULTILINE)
DELETED = re.compile(r"^lifecycle_stage: *['\"]?deleted", re.MULTILINE)
# A setting longer than this is none.
LONGEST = 4096


def recognises(source: Source) -> bool:
    """Whether it is a folder of a run, of runs, or of experiments."""
    return source.folder and bool(_runs(source.path))


def read(path: Path) -> list[Log]:
    """The runs beneath it that were not deleted and have a metric; raises UnreadableRun where there is none."""
    found: dict[Path, tuple[dict[str, Column], int]] = {}
    for run in _runs(path):
        columns, bad = _columns(run / METRICS)
        if columns:
            found[run] = columns, bad
    if not found:
        raise UnreadableRun(f"{path}: an MLflow file store without any metric")
    names = told_apart({run.name: _name(run) for run in found})
    return [_log(run, *held, "" if run == path else names[run.name]) for run, held in found.items()]


def _log(run: Path, columns: dict[str, Column], bad: int, name: str) -> Log:
    notes = (f"{bad} lines are no values and were left out",) if bad else ()
    return log_of(columns, name, dict(_params(run / PARAMS)), notes)


def _runs(folder: Path) -> list[Path]:
    """The runs in a folder, at most two levels down."""
    for depth in ("", "*", "*/*"):
        abouts = [folder / ABOUT] if not depth else sorted(folder.glob(f"{depth}/{ABOUT}"))
        runs = [about.parent for about in abouts if (about.parent / METRICS).is_dir() and not _deleted(about)]
        if runs:
            return runs
    return []


def _deleted(about: Path) -> bool:
    return bool(DELETED.search(_text(about)))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _name(run: Path) -> str:
    named = NAMED.search(_text(run / ABOUT))
    name = named[1].strip("'\"") if named else ""
    return name or _text(run / "tags" / "mlflow.runName").strip() or run.name


def _params(folder: Path) -> Iterator[tuple[str, str]]:
    for file in _files(folder):
        if file.stat().st_size <= LONGEST:
            yield file.relative_to(folder).as_posix(), _text(file).strip()


def _files(folder: Path) -> list[Path]:
    """The files beneath a folder; a name with a slash in it is a folder more."""
    return sorted(Path(where, name) for where, _, names in os.walk(folder) for name in names)


def _columns(folder: Path) -> tuple[dict[str, Column], int]:
    """The columns by name, and how many lines make no sense."""
    found: dict[str, Column] = {}
    bad = 0
    for file in _files(folder):
        steps, values, lost = _lines(file.read_bytes())
        bad += lost
        if steps.size:
            found[file.relative_to(folder).as_posix()] = series(steps, values)
    return found, bad


def _lines(text: bytes) -> tuple[NDArray[np.int64], NDArray[np.float64], int]:
    """Steps, values, and how many lines are neither; a last line without an end is being written."""
    lines = text[: text.rfind(b"\n") + 1].split(b"\n")[:-1]
    steps: list[int] = []
    values: list[float] = []
    for line in lines:
        try:
            # Before MLflow 1.0 there was no step.
            _, value, *step = line.split()
            pair = int(step[0]) if step else 0, float(value)
            np.int64(pair[0])
        except (ValueError, OverflowError):
            continue
        steps.append(pair[0])
        values.append(pair[1])
    return np.array(steps, dtype=np.int64), np.array(values, dtype=np.float64), len(lines) - len(steps)
