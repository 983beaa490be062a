"""What `import stepsize` costs beside `import numpy`, in user and system CPU time of fresh processes.

    python benchmarks/import_cost.py [--rounds 11] [--json]

Bytecode is compiled first, as it is for every import but the first on a machine.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import resource
import statistics
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

# The empty statement is the interpreter's own start, which both imports contain.
STATEMENTS = ("pass", "import numpy", "import stepsize")


def cpu_seconds(statement: str) -> float:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", statement], env=environment, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def warm_caches() -> None:
    for package in ("numpy", "stepsize"):
        compileall.compile_dir(Path(find_spec(package).origin).parent, quiet=2)
    for statement in STATEMENTS:
        cpu_seconds(statement)


def measured(rounds: int) -> dict[str, list[float]]:
    """Milliseconds, one entry a round; in every round each statement has its turn, in rotating order."""
    times: dict[str, list[float]] = {statement: [] for statement in STATEMENTS}
    for turn in range(rounds):
        for i in range(len(STATEMENTS)):
            statement = STATEMENTS[(turn + i) % len(STATEMENTS)]
            times[statement].append(1e3 * cpu_seconds(statement))
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=11, help="rounds, each with every import (at least 9)")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of a table")
    options = parser.parse_args()
    if options.rounds < 9:
        parser.error(f"--rounds {options.rounds} are too few for a median and its spread; give at least 9")
    warm_caches()
    times = measured(options.rounds)
    ratios = [a / b for a, b in zip(times["import stepsize"], times["import numpy"], strict=True)]
    if options.json:
        print(json.dumps({"schema": "stepsize.benchmark/1", "milliseconds": times, "ratios": ratios}))
        return
    print(f"{'':<18}{'ms (median)':>12}{'min – max':>18}")
    for statement, values in times.items():
        span = f"{min(values):.1f} – {max(values):.1f}"
        print(f"{statement:<18}{statistics.median(values):>12.1f}{span:>18}")
    print(
        f"stepsize / numpy: {statistics.median(ratios):.2f} ({min(ratios):.2f} – {max(ratios):.2f}), median of rounds"
    )


if __name__ == "__main__":
    main()
