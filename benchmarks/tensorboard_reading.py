"""Reading TensorBoard events: 100 MB beside TensorBoard's own reader; 1e7 points in seconds and memory.

    python benchmarks/tensorboard_reading.py [--megabytes 100] [--rounds 5] [--json]
    python benchmarks/tensorboard_reading.py --points 1e7 [--json]

Files of six tags, in the two forms in which scalars are written: as `simple_value` (PyTorch, tensorboardX, Hugging
Face) and as tensors (tf.summary, Keras, clu). TensorBoard's EventAccumulator is told to keep every point, not a sample
of 10,000; of tensors it makes numbers with `make_ndarray`, as one has to. Both readers must return the same steps and
values, bit for bit. CPU time; in every round each has its turn. The file of `--points` is read in a fresh process.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import statistics
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
from tensorboard.summary.writer.record_writer import RecordWriter
from tensorboard.util.tensor_util import make_ndarray
from timing import rounds_of

import stepsize as ss
from stepsize.run.readers.crc32c import as_masked, changes, crc32c

TAGS = ("train/loss", "train/lr", "train/grad_norm", "eval/loss", "perf/step_seconds", "perf/tokens_per_second")
FORMS = ("simple_value", "tensor")
TARGET, TARGET_SECONDS, TARGET_BYTES = 5.0, 10.0, 2e9

Read = dict[str, tuple[list[int], list[float]]]


def event(tag: str, step: int, value: float, form: str, rng: random.Random) -> bytes:
    """One point as the writers of a form put it down."""
    if form == "simple_value":
        point = Summary.Value(tag=tag, simple_value=value)
    else:
        plugin = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="scalars"))
        tensor = TensorProto(dtype=1, tensor_shape=TensorShapeProto(), tensor_content=struct.pack("<f", value))
        point = Summary.Value(tag=tag, tensor=tensor, metadata=plugin)
    wall = 1.7e9 + 0.01 * step + 1e-3 * rng.random()
    return bytes(Event(wall_time=wall, step=step, summary=Summary(value=[point])).SerializeToString())


def write(path: Path, size: float, form: str) -> None:
    """A seeded file of about `size` bytes, by TensorBoard's own record writer."""
    rng = random.Random(0)
    with path.open("wb") as file:
        writer = RecordWriter(file)
        writer.write(Event(wall_time=1.7e9, file_version="brain.Event:2").SerializeToString())
        step = 0
        while file.tell() < size:
            for tag in TAGS:
                value = math.exp(-step / 1e5) + 0.1 * rng.random()
                writer.write(event(tag, step, math.nan if rng.random() < 1e-4 else value, form, rng))
            step += 1


def ours(path: Path) -> Read:
    """Every tag by its own name."""
    columns = ss.Run.read(path).columns
    own = {"loss": "train/loss", "val_loss": "eval/loss", "lr": "train/lr", "grad_norm": "train/grad_norm"}
    return {own.get(name, name): (column.step, column.value) for name, column in columns.items()}


def theirs(path: Path) -> Read:
    """The same from TensorBoard's reader."""
    events = EventAccumulator(str(path), size_guidance={"scalars": 0, "tensors": 0}).Reload()
    kinds = events.Tags()
    read = {tag: [(point.step, point.value) for point in events.Scalars(tag)] for tag in kinds["scalars"]}
    for tag in kinds["tensors"]:
        read[tag] = [(point.step, make_ndarray(point.tensor_proto).item()) for point in events.Tensors(tag)]
    return {tag: tuple(zip(*points, strict=True)) for tag, points in read.items()}  # type: ignore[misc]


def same(a: Read, b: Read) -> bool:
    """Whether two readers found the same."""
    return a.keys() == b.keys() and all(
        np.array_equal(a[tag][part], b[tag][part], equal_nan=True) for tag in a for part in (0, 1)
    )


def beside(megabytes: float, rounds: int) -> Iterator[dict[str, Any]]:
    """Both readers on a file of each form."""
    for form in FORMS:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "events.out.tfevents.1700000000.host"
            write(path, 1e6 * megabytes, form)
            assert same(ours(path), theirs(path)), "the readers disagree"
            times = rounds_of({"stepsize": partial(ours, path), "TensorBoard": partial(theirs, path)}, rounds, 1)
            ratios = [b / a for a, b in zip(times["stepsize"], times["TensorBoard"], strict=True)]
            yield {
                "form": form,
                "megabytes": path.stat().st_size / 1e6,
                "seconds": times,
                "ratio": statistics.median(ratios),
                "ratio_min": min(ratios),
                "ratio_max": max(ratios),
                "met": statistics.median(ratios) >= TARGET,
            }


def write_points(path: Path, points: int) -> None:
    """Seeded points of all tags in turn, many at a time: TensorBoard's writer would take minutes."""
    rng, plain = np.random.default_rng(0), random.Random(0)
    with path.open("wb") as file:
        RecordWriter(file).write(Event(wall_time=1.7e9, file_version="brain.Event:2").SerializeToString())
        for width in range(1, 6):
            low, high = (128 ** (width - 1), 128**width)
            for begun in range(low, min(high, points // len(TAGS) + 1), 2**16):
                steps = np.arange(begun, min(begun + 2**16, high, points // len(TAGS) + 1))
                parts = [records(event(tag, begun, 1.0, FORMS[0], plain), steps, width, rng) for tag in TAGS]
                file.write(np.concatenate(parts, axis=1).tobytes())


def records(first: bytes, steps: Any, width: int, rng: np.random.Generator) -> Any:
    """Records like that of an event, with other steps, times and values."""
    rows = np.tile(np.frombuffer(first, np.uint8), (steps.size, 1))
    for place in range(width):
        rows[:, 10 + place] = (steps >> (7 * place) & 127) | (128 if place < width - 1 else 0)
    rows[:, 1:9] = (1.7e9 + 0.01 * steps).astype("<f8").view(np.uint8).reshape(-1, 8)
    rows[:, -4:] = rng.random(steps.size).astype("<f4").view(np.uint8).reshape(-1, 4)
    model = np.frombuffer(first, np.uint8)
    crc = as_masked(np.uint32(crc32c(first)) ^ changes(rows, model, np.arange(model.size)))
    length = struct.pack("<Q", len(first))
    head = np.frombuffer(length + as_masked(np.array([crc32c(length)], np.uint32)).tobytes(), np.uint8)
    tail = crc.astype("<u4").view(np.uint8).reshape(-1, 4)
    return np.concatenate([np.tile(head, (steps.size, 1)), rows, tail], axis=1)


CHILD = """
import resource, sys, time
import stepsize as ss
before, begun, spent = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter(), time.process_time()
run = ss.Run.read(sys.argv[1])
print(time.perf_counter() - begun, time.process_time() - spent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
      sum(column.step.size for column in run.columns.values()))
"""


def many(points: int) -> dict[str, Any]:
    """One big file, in a fresh process."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.out.tfevents.1700000000.host"
        write_points(path, points)
        done = subprocess.run([sys.executable, "-c", CHILD, str(path)], capture_output=True, text=True, check=True)
        wall, cpu, peak, count = map(float, done.stdout.split())
        return {
            "points": int(count),
            "megabytes": path.stat().st_size / 1e6,
            "wall_seconds": wall,
            "cpu_seconds": cpu,
            "peak_megabytes": peak / 1024,
            "met": cpu <= TARGET_SECONDS and peak * 1024 <= TARGET_BYTES,
        }


def told(row: dict[str, Any]) -> str:
    """A row as text."""
    met = "met" if row["met"] else "missed"
    if "points" in row:
        return (
            f"{row['points']:,} points, {row['megabytes']:.0f} MB: {row['cpu_seconds']:.2f} s of CPU "
            f"({row['wall_seconds']:.2f} s), {row['peak_megabytes']:.0f} MB at most; {met}"
        )
    lines = [f"{row['form']}, {row['megabytes']:.0f} MB"]
    for name, times in row["seconds"].items():
        lines.append(f"  {name:<14}{statistics.median(times):>9.2f} s  {min(times):>8.2f} – {max(times):.2f}")
    return "\n".join([*lines, f"  ratio {row['ratio']:.1f}  ({row['ratio_min']:.1f} – {row['ratio_max']:.1f}); {met}"])


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=float, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--points", type=float)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    rows = [many(int(chosen.points))] if chosen.points else beside(chosen.megabytes, chosen.rounds)
    if chosen.json:
        print(json.dumps({"schema": 1, "rows": [*rows]}))
        return
    for row in rows:
        print(told(row), flush=True)


if __name__ == "__main__":
    main()
