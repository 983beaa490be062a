"""How good is the chooser? Ours and its peers on recorded and live tasks, in one run.

    .venv/bin/python -m benchmarks.chooser --data DIR        # everything that is there; --quick for a minute
    .venv/bin/python -m benchmarks.chooser.record            # first: records the live tasks, about 40 minutes

`--data DIR` holds the recordings of others, one directory each (see benchmarks/README.md for where they come
from). What is not there is skipped, with a word on how to get it. Searches that were played before are read
from ~/.cache/stepsize-chooser, as long as neither the method's code nor the table has changed.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from benchmarks.chooser import joint, language, text
from benchmarks.chooser.contest import Sources, contest
from benchmarks.chooser.finders import Suggestion, suggestions
from benchmarks.chooser.page import page
from benchmarks.chooser.peers import PEERS, QUICK
from benchmarks.chooser.plays import BUDGETS, FEW, OURS
from benchmarks.chooser.record import TABLE
from benchmarks.chooser.rows import rows
from benchmarks.chooser.scores import Results
from benchmarks.chooser.tables import Table
from stepsize.report import save

SCHEMA = "stepsize.chooser/1"
QUICK_BUDGETS = (3.0, 6.0)
# Ramps are driven, not replayed.
FINDER_SEEDS = 5


def main() -> None:
    given = _arguments()
    sources = Sources(given.data, given.live)
    for line in _skipped(sources):
        print(line, file=sys.stderr)
    methods = given.method or [name for name in (OURS, *(QUICK if given.quick else PEERS)) if name not in given.without]
    seeds = given.seeds or (5 if given.quick else 20)
    plays = contest(sources, methods, seeds, QUICK_BUDGETS if given.quick else BUDGETS, given.processes)
    results = Results(plays, {(table.family, table.label): table for table in sources.tables()})
    llm = given.data / "lr_scheduling_llm" if given.data else None
    verdicts = language.verdicts(llm) if llm is not None and (llm / "runs.csv").is_file() else []
    found, judges = _finders(given, seeds)
    taskset = given.data / "taskset" if given.data else None
    joint_too = taskset is not None and taskset.is_dir() and not given.quick and not given.method
    chosen = joint.choices(taskset, min(seeds, FEW)) if taskset is not None and joint_too else []
    targets = rows(results, methods, verdicts, found, judges, chosen)
    if given.page is not None:
        save(page(results, methods, targets, found, judges), given.page)
    if given.json:
        print(json.dumps({"schema": SCHEMA, "seeds": seeds, "rows": [row.document() for row in targets]}))
        return
    print(text.curves(results, methods))
    print(text.targets(targets))


def _finders(given: argparse.Namespace, seeds: int) -> tuple[list[Suggestion], list[Table]]:
    """What the finders suggest, unless only some methods are asked for, or a minute."""
    if given.quick or given.method or not given.live.is_file():
        return [], []
    return suggestions(given.live, min(seeds, FINDER_SEEDS), given.processes)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.chooser",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, help="the directory of the recordings")
    parser.add_argument("--live", type=Path, default=TABLE, help="the recorded live tasks (default: in ~/.cache)")
    parser.add_argument("--seeds", type=int, help="searches of each table by each method (default: 20; quick: 5)")
    parser.add_argument("--method", action="append", choices=[OURS, *PEERS], help="only these; may be repeated")
    parser.add_argument("--without", action="append", default=[], choices=[OURS, *PEERS], help="all but these")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="a minute: fewer seeds, budgets and peers")
    parser.add_argument("--page", type=Path, help="write a page with the pictures there")
    parser.add_argument("--json", action="store_true", help="one document instead of text")
    return parser.parse_args()


def _skipped(sources: Sources) -> list[str]:
    """A line for each recording that is not there."""
    lines = []
    for name, where in (
        ("deepobs/runs.csv", "github.com/fsschneider/DeepOBS_Baselines"),
        ("lr_scheduling_llm/runs.csv", "github.com/fabian-sp/lr-scheduling"),
        ("taskset", "github.com/releaunifreiburg/DPL"),
    ):
        if sources.data is None or not (sources.data / name).exists():
            lines.append(f"skipped: {name} is not in --data; it comes from {where} (benchmarks/README.md)")
    for table in sources.recorded():
        if not table.bracketed:
            lines.append(f"left out: {table.label} ({table.family}), whose best recorded rate is the outermost")
    if not sources.live.is_file():
        lines.append(f"skipped: {sources.live} is missing; python -m benchmarks.chooser.record makes it")
    return lines


if __name__ == "__main__":
    main()
