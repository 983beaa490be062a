"""Reading the logs of others when they are long: ten million points of each format, in seconds and memory.

    python benchmarks/log_reading.py [--points 1e7] [--formats csv,jsonl,mlflow,tensorboard,printed] [--json]

A point is one value of one quantity at one step. Each row of a file holds three, with all digits of a float, as
loggers write them; a database of MLflow has a row for each point. Each file is written from a seed, and read once by
`Run.read` in a fresh process: its wall and CPU time without the start of Python, and its peak memory. The aim is 10 s
and 2 GB.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

NAMES = ("loss", "lr", "grad_norm")
TARGET_SECONDS, TARGET_BYTES = 10.0, 2e9
PART = 100_000

CHILD = """
import resource, sys, time
import stepsize as ss
begun, spent = time.perf_counter(), time.process_time()
run = ss.Run.read(sys.argv[1])
print(time.perf_counter() - begun, time.process_time() - spent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
      sum(column.step.size for name, column in run.columns.items() if name in ("loss", "lr", "grad_norm")))
"""
# The same in every event file: as TensorBoard's writers name their files, and by that alone they are found in folders.
NAME = {"tensorboard": "events.out.tfevents.1700000000.host"}


def rows(points: int) -> Iterator[tuple[int, list[list[float]]]]:
    """The values of some rows at a time, with the step of the first."""
    rng = np.random.default_rng(0)
    for begun in range(0, points // len(NAMES), PART):
        values = rng.random((min(PART, points // len(NAMES) - begun), len(NAMES))) * (2.0, 1e-3, 5.0)
        yield begun, values.tolist()


def lines(form: str, head: str = "") -> Callable[[Path, int], None]:
    """What writes a line of text for each row."""

    def write(path: Path, points: int) -> None:
        with path.open("w", encoding="utf-8") as file:
            file.write(head)
            for begun, values in rows(points):
                file.writelines(form.format(step, *row) for step, row in enumerate(values, begun))

    return write


# The columns of MLflow's own table, as SQLite keeps them; of the others, those that tell a run.
TABLES = """
CREATE TABLE runs (run_uuid VARCHAR(32) NOT NULL PRIMARY KEY, name VARCHAR(250), lifecycle_stage VARCHAR(20));
CREATE TABLE params (key VARCHAR(250) NOT NULL, value VARCHAR(8000) NOT NULL, run_uuid VARCHAR(32) NOT NULL,
    PRIMARY KEY (key, run_uuid));
CREATE TABLE metrics (key VARCHAR(250) NOT NULL, value FLOAT NOT NULL, timestamp BIGINT NOT NULL,
    run_uuid VARCHAR(32) NOT NULL, step BIGINT DEFAULT '0' NOT NULL, is_nan BOOLEAN DEFAULT '0' NOT NULL,
    CONSTRAINT metric_pk PRIMARY KEY (key, timestamp, step, run_uuid, value, is_nan));
CREATE TABLE latest_metrics (key VARCHAR(250) NOT NULL, value FLOAT NOT NULL, timestamp BIGINT, step BIGINT NOT NULL,
    is_nan BOOLEAN NOT NULL, run_uuid VARCHAR(32) NOT NULL, PRIMARY KEY (key, run_uuid));
CREATE INDEX index_metrics_run_uuid_key_step ON metrics (run_uuid, key, step);
"""


def mlflow(path: Path, points: int) -> None:
    """A tracking database with one run in it: through MLflow itself it would take hours."""
    run = "0" * 32
    with closing(sqlite3.connect(path)) as database:
        database.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;" + TABLES)
        database.execute("INSERT INTO runs VALUES (?, 'a run', 'active')", (run,))
        for begun, values in rows(points):
            logged = (
                (name, value, 1_700_000_000_000 + step, run, step)
                for step, row in enumerate(values, begun)
                for name, value in zip(NAMES, row, strict=True)
            )
            database.executemany("INSERT INTO metrics VALUES (?, ?, ?, ?, ?, 0)", logged)
        last = points // len(NAMES) - 1
        database.executemany(
            "INSERT INTO latest_metrics VALUES (?, 1.0, 0, ?, 0, ?)", [(name, last, run) for name in NAMES]
        )
        database.commit()


def tensorboard(path: Path, points: int) -> None:
    """Events of six tags."""
    from tensorboard_reading import write_points

    write_points(path, points)


WRITERS: dict[str, Callable[[Path, int], None]] = {
    "csv": lines("{},{!r},{!r},{!r}\n", head="step,loss,lr,grad_norm\n"),
    "jsonl": lines('{{"step": {}, "loss": {!r}, "lr": {!r}, "grad_norm": {!r}}}\n'),
    "printed": lines("2026-01-31 10:00:00,123 INFO train: step {} | loss {:.4f} | lr {:.3e} | grad_norm {:.3f}\n"),
    "mlflow": mlflow,
    "tensorboard": tensorboard,
}


def read(form: str, points: int) -> dict[str, Any]:
    """What reading one file takes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / NAME.get(form, f"log.{form}")
        WRITERS[form](path, points)
        done = subprocess.run([sys.executable, "-c", CHILD, str(path)], capture_output=True, text=True, check=True)
        wall, cpu, peak, count = map(float, done.stdout.split())
        return {
            "format": form,
            "points": int(count),
            "megabytes": path.stat().st_size / 1e6,
            "wall_seconds": wall,
            "cpu_seconds": cpu,
            "peak_megabytes": peak / 1024,
            "met": cpu <= TARGET_SECONDS and peak * 1024 <= TARGET_BYTES,
        }


def told(row: dict[str, Any]) -> str:
    """A row as text."""
    return (
        f"{row['format']:<12}{row['points']:>12,}{row['megabytes']:>7.0f}{row['cpu_seconds']:>8.2f}"
        f"{row['wall_seconds']:>8.2f}{row['peak_megabytes']:>8.0f}  {'met' if row['met'] else 'missed'}"
    )


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=float, default=1e7)
    parser.add_argument("--formats", default=",".join(WRITERS))
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    forms = chosen.formats.split(",")
    if unknown := set(forms) - WRITERS.keys():
        parser.error(f"--formats knows {', '.join(WRITERS)}; got {', '.join(sorted(unknown))}")
    found = (read(form, int(chosen.points)) for form in forms)
    if chosen.json:
        print(json.dumps({"schema": 1, "rows": [*found]}))
        return
    print(f"{'format':<12}{'points':>12}{'MB':>7}{'CPU s':>8}{'wall s':>8}{'peak MB':>8}")
    for row in found:
        print(told(row), flush=True)


if __name__ == "__main__":
    main()
