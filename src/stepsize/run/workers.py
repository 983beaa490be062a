"""Many records read at once, each worker a Python of its own, where there is enough to read.

Workers are started as programs, not forked and not spawned by `multiprocessing`: a script that reads a folder on its
top level must not be run again by each of them, and one that dies takes nobody with it.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

from stepsize.errors import UnreadableRun
from stepsize.run.log import Log
from stepsize.run.readers import read_logs

# To start a worker costs about a second: below so many bytes it does not pay.
ENOUGH = 48 * 2**20
PROGRAM = "import sys; from stepsize.run.workers import work; work(sys.stdin.buffer, sys.stdout.buffer)"

# The runs of a record, or why it cannot be read.
Result = list[Log] | str


def read_each(records: Sequence[Path]) -> list[Result]:
    """The runs of each record, in their order."""
    sizes = [_size(record) for record in records]
    count = min(len(records), os.cpu_count() or 1)
    if count < 2 or sum(sizes) < ENOUGH or not sys.executable:
        return [_result(record) for record in records]
    shares: list[list[int]] = [[] for _ in range(count)]
    loads = [0] * count
    for index in sorted(range(len(records)), key=lambda index: -sizes[index]):
        least = loads.index(min(loads))
        shares[least].append(index)
        loads[least] += sizes[index]
    results: dict[int, Result] = {}
    with ThreadPoolExecutor(count) as pool:
        parts = pool.map(lambda share: _apart([records[index] for index in share]), shares)
        for share, part in zip(shares, parts, strict=True):
            # A worker that could not be started, or died: what it had is read here.
            results.update(zip(share, part or [_result(records[index]) for index in share], strict=True))
    return [results[index] for index in range(len(records))]


def work(stdin: BinaryIO, stdout: BinaryIO) -> None:
    """What a worker does: read the records named on `stdin`, and write the results to `stdout`."""
    records = pickle.load(stdin)
    pickle.dump([_result(record) for record in records], stdout)


def _apart(records: list[Path]) -> list[Result] | None:
    try:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            input=pickle.dumps(records),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        results: list[Result] = pickle.loads(done.stdout)
    except (OSError, pickle.UnpicklingError, EOFError):
        return None
    return results


def _result(record: Path) -> Result:
    try:
        return read_logs(record)
    except UnreadableRun as error:
        return str(error)


def _size(record: Path) -> int:
    files = (
        [record] if record.is_file() else [Path(where, name) for where, _, names in os.walk(record) for name in names]
    )
    try:
        return sum(file.stat().st_size for file in files)
    except OSError:
        return 0
