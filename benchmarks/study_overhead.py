"""What a study costs besides its runs: seconds a trial, with the study on disk, beside Optuna's journal file.

    python benchmarks/study_overhead.py [--rounds 7] [--budgets 4 16] [--json]

The training returns at once, so the time is the study's own: decisions, records, the file. Ours writes every run, with
its learning curve, in one synchronous transaction; Optuna writes the value of each trial. Both make the same number of
trials. In every round each has its turn, in rotating order. Wall time counts what the disk is waited for; CPU time can
be compared on a busy machine.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

import stepsize as ss
from stepsize.run.store import Ledger

STEPS = 80
TARGET = 10.0  # milliseconds a trial
# Where the time of ours goes: what is patched, and the part it belongs to.
PARTS = {
    ("stepsize.engine.local", "drive"): "the runs",
    (Ledger, "__init__"): "the file",
    (Ledger, "append"): "the file",
    (Ledger, "find"): "the file",
    (Ledger, "write_note"): "the file",
    (Ledger, "close"): "the file",
}

Spent = dict[str, float]


def instant(seed: int) -> Any:
    """A quadratic with a best rate and a worst one, in next to no time."""
    x, lr = 1.0 + 0.01 * seed, (yield)
    while True:
        x -= lr * x
        lr = yield x * x


def ours(folder: Path, budget: float) -> int:
    return len(ss.tune(instant, budget, STEPS, out=folder / "study.db").runs)


def theirs(folder: Path, trials: int) -> None:
    storage = JournalStorage(JournalFileBackend(str(folder / "journal.log")))
    study = optuna.create_study(storage=storage, sampler=optuna.samplers.TPESampler(seed=0))
    study.optimize(lambda trial: (1 - trial.suggest_float("lr", 1e-6, 1e2, log=True)) ** 2, n_trials=trials)


@contextmanager
def timed(spent: Spent) -> Iterator[None]:
    """Add up what the parts of ours take."""
    with ExitStack() as stack:
        for (owner, name), part in PARTS.items():
            where = owner if isinstance(owner, type) else __import__(owner, fromlist=[name])
            stack.enter_context(patch.object(where, name, _timed(getattr(where, name), part, spent)))
        yield


def _timed(function: Callable[..., Any], part: str, spent: Spent) -> Callable[..., Any]:
    def call(*arguments: Any, **named: Any) -> Any:
        begun = time.perf_counter()
        try:
            return function(*arguments, **named)
        finally:
            spent[part] += time.perf_counter() - begun

    return call


def measured(contender: Callable[[Path], Any], trials: int) -> tuple[float, float]:
    """Milliseconds a trial, of wall time and of CPU time."""
    with tempfile.TemporaryDirectory() as folder:
        wall, cpu = time.perf_counter(), time.process_time()
        contender(Path(folder))
        return 1e3 * (time.perf_counter() - wall) / trials, 1e3 * (time.process_time() - cpu) / trials


def compare(budget: float, rounds: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        trials = ours(Path(folder), budget)  # also loads what is loaded once
    contenders: dict[str, Callable[[Path], Any]] = {
        "stepsize": lambda folder: ours(folder, budget),
        "optuna": lambda folder: theirs(folder, trials),
    }
    measured(contenders["optuna"], trials)
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in contenders}
    for turn in range(rounds):
        for name in list(contenders)[:: 1 if turn % 2 else -1]:
            taken[name].append(measured(contenders[name], trials))
    return {"budget": budget, "trials": trials, "milliseconds": taken, "parts": parts(budget, trials, rounds)}


def parts(budget: float, trials: int, rounds: int) -> Spent:
    """Milliseconds a trial of each part of ours, the medians of further rounds."""
    rows: defaultdict[str, list[float]] = defaultdict(list)
    for _ in range(rounds):
        spent: Spent = defaultdict(float)
        with timed(spent):
            whole, _ = measured(lambda folder: ours(folder, budget), trials)
        shares = {part: 1e3 * seconds / trials for part, seconds in spent.items()}
        for part, value in {**shares, "decisions and the rest": whole - sum(shares.values())}.items():
            rows[part].append(value)
    return {part: statistics.median(values) for part, values in rows.items()}


def table(found: dict[str, Any]) -> str:
    lines = [
        f"budget {found['budget']:g}: {found['trials']} trials",
        f"  {'':<24}{'wall ms a trial':>16}{'min – max':>18}",
    ]
    lines[-1] += f"{'CPU ms':>10}"
    for name, pairs in found["milliseconds"].items():
        wall, cpu = zip(*pairs, strict=True)
        span = f"{min(wall):.1f} – {max(wall):.1f}"
        lines.append(f"  {name:<24}{statistics.median(wall):>16.1f}{span:>18}{statistics.median(cpu):>10.1f}")
    for kind, title in enumerate(("wall", "CPU")):
        ratios = [a[kind] / b[kind] for a, b in zip(*found["milliseconds"].values(), strict=True)]
        span = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} – {max(ratios):.2f})"
        lines.append(f"  stepsize / optuna, {title}: {span}, median of rounds")
    lines += [f"  of ours, {part:<24}{value:>7.1f}" for part, value in found["parts"].items()]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="rounds, each with both studies (at least 5)")
    parser.add_argument("--budgets", type=float, nargs="+", default=[4, 16], help="of our study, in full runs")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of a table")
    options = parser.parse_args()
    if options.rounds < 5:
        parser.error(f"--rounds {options.rounds} are too few for a median and its spread; give at least 5")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    found = [compare(budget, options.rounds) for budget in options.budgets]
    if options.json:
        print(json.dumps({"schema": "stepsize.benchmark/1", "target_ms": TARGET, "studies": found}))
        return
    print("\n".join(table(study) for study in found))
    print(f"target: at most {TARGET:g} ms a trial")


if __name__ == "__main__":
    main()
