"""What `stepsize watch` costs the command it watches: a child that prints many lines, with and without it.

    python benchmarks/watch_overhead.py [--lines 100000] [--rounds 5] [--json]

The child takes the time of its own loop, so that starting Python and stepsize is not counted. It prints as fast as it
can, which no training does, through a pipe that is read at once: block by block, as Python prints into a pipe, and
line by line, as it does when it is watched. A second child works 1 ms for each line, as a small training may.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

CHILD = """
import sys, time
lines, work, told = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
begun = time.perf_counter()
for step in range(lines):
    until = time.perf_counter() + work
    while time.perf_counter() < until:
        pass
    print(f"step {step}/{lines} loss {2.0 / (1 + step):.6f} lr 1.000e-03")
sys.stdout.flush()
with open(told, "w") as file:
    file.write(str(time.perf_counter() - begun))
"""
# name -> what stands before the command, and what Python is told of buffers
WAYS = {
    "alone": ([], ""),
    "alone, line by line": ([], "1"),
    "watched": ([sys.executable, "-m", "stepsize", "watch", "-q", "--"], None),
    "watched, its log alone": ([sys.executable, "-m", "stepsize", "watch", "-q", "--log", "none.csv", "--"], None),
}


def seconds(way: str, lines: int, work: float) -> float:
    """The time of the child's loop."""
    before, unbuffered = WAYS[way]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    environment |= {} if unbuffered is None else {"PYTHONUNBUFFERED": unbuffered}
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder, "told")
        command = [*before, sys.executable, "-c", CHILD, str(lines), str(work), str(told)]
        reader = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        subprocess.run(command, stdout=reader.stdin, stderr=subprocess.DEVNULL, env=environment, cwd=folder, check=True)
        reader.communicate()
        return float(told.read_text())


def measured(lines: int, work: float, rounds: int) -> dict[str, list[float]]:
    """Seconds, one entry a round; in every round each way has its turn, in rotating order."""
    times: dict[str, list[float]] = {way: [] for way in WAYS}
    ways = list(WAYS)
    for turn in range(rounds):
        for way in ways[turn % len(ways) :] + ways[: turn % len(ways)]:
            times[way].append(seconds(way, lines, work))
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=100_000, help="lines printed as fast as can be")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of tables")
    options = parser.parse_args()
    cases = {
        f"{options.lines} lines as fast as can be": measured(options.lines, 0.0, options.rounds),
        "2000 lines, 1 ms of work each": measured(2_000, 1e-3, options.rounds),
    }
    if options.json:
        print(json.dumps({"schema": "stepsize.watch_overhead/1", "seconds": cases}))
        return
    for case, times in cases.items():
        alone = statistics.median(times["alone"])
        print(case)
        for way, each in times.items():
            median = statistics.median(each)
            print(f"  {way:<24} {median:7.3f} s  ({min(each):.3f} to {max(each):.3f})  ratio {median / alone:5.2f}")


if __name__ == "__main__":
    main()
