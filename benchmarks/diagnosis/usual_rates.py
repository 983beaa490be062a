"""Print where the best peak rates of labelled sweeps lay, by optimizer: the table in `stepsize.diagnosis.usual`.

    python -m benchmarks.diagnosis.usual_rates --data DIR --recorded DIR

`--data` holds the small runs (*.parquet) and DeepOBS, `--recorded` what `benchmarks.diagnosis.record` wrote. The best
rate of a sweep is the one that ended lowest, by the validation loss; of several sweeps of one task, with other
schedules, the middle one counts. DeepOBS' momentum is 0.99 and all others' 0.9, so its runs with momentum do not
count.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from stepsize.diagnosis.bench.corpora import labelled_runs
from stepsize.diagnosis.bench.labelled import Labelled


def best_rates(runs: Iterable[Labelled]) -> dict[str, list[float]]:
    """The best peak rate of each task, by optimizer."""
    found: defaultdict[tuple[str, str, str], set[float]] = defaultdict(set)
    for run in runs:
        optimizer = run.trace.optimizer
        if abs(run.off) < 1e-6 and not (run.source == "deepobs" and optimizer == "momentum"):
            found[optimizer, run.source, run.task].add(round(float(np.log10(run.trace.rate)), 4))
    by_optimizer: defaultdict[str, list[float]] = defaultdict(list)
    for (optimizer, _, _), rates in sorted(found.items()):
        by_optimizer[optimizer].append(10 ** float(np.median(list(rates))))
    return dict(by_optimizer)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the small runs and DeepOBS")
    parser.add_argument("--recorded", type=Path, help="folder of recorded runs")
    asked = parser.parse_args()
    runs = [run for folder in (asked.data, asked.recorded) if folder is not None for run in labelled_runs(folder)]
    print(f"{'optimizer':<10} {'10 %':>8} {'middle':>8} {'90 %':>8} {'tasks':>6}")
    for optimizer, rates in best_rates(runs).items():
        low, middle, high = 10 ** np.quantile(np.log10(rates), (0.1, 0.5, 0.9))
        print(f"{optimizer:<10} {low:8.2g} {middle:8.2g} {high:8.2g} {len(rates):6}")


if __name__ == "__main__":
    main()
