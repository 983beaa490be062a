"""What `diagnose` says of language-model runs that nobody has labelled: how many it answers, at each rate, and how.

    python -m benchmarks.diagnosis.language_models --data DIR

`DIR/lr_scheduling_llm` holds `runs.csv` and `curves.csv.gz` as benchmarks/chooser uses them. The rates stand within a
decade of each other, and all train: an answer of "too high" or "too low" deserves a look, "undecided" does not.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pandas as pd

import stepsize as ss
from stepsize.run import Column

VERDICTS = ("too_low", "good", "too_high", "diverged", "undecided")
# A curve that begins later is the cooldown of another run.
BEGINS = 2_000


def column(points: pd.DataFrame, name: str) -> Column:
    return Column(points["iter"].to_numpy(np.int64), points[name].to_numpy(float))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    folder = parser.parse_args().data / "lr_scheduling_llm"
    runs = pd.read_csv(folder / "runs.csv").set_index("curve")
    said: defaultdict[float, Counter[str]] = defaultdict(Counter)
    for curve, points in pd.read_csv(folder / "curves.csv.gz").groupby("curve"):
        if points["iter"].min() > BEGINS:
            continue
        about, training = runs.loc[curve], points[points["split"] == "train"]
        validation = points[points["split"] != "train"]
        columns = {"loss": column(training, "loss"), "lr": column(training, "lr_t")}
        columns |= {"val_loss": column(validation, "loss")} if len(validation) else {}
        run = ss.Run(columns, steps=int(about["iterations"]), settings={"optimizer": "adamw"})
        said[float(about["lr"])][ss.diagnose(run).verdict] += 1
    print("rate", *VERDICTS, sep="\t")
    for rate, counts in sorted(said.items()):
        print(f"{rate:g}", *(counts[verdict] for verdict in VERDICTS), sep="\t")
    print("all", *(sum(counts[verdict] for counts in said.values()) for verdict in VERDICTS), sep="\t")


if __name__ == "__main__":
    main()
