"""Checks of a logged rate: how many injected faults they find, and how often they speak of a sound schedule.

    python benchmarks/rate_checks.py [--data DIR] [--repeats 3] [--seed 0] [--json]

Schedules of all families are made at lengths from 30 epochs to 100,000 updates, logged at several intervals, with all
their digits, with four, or with six decimals; with the planned length and without; whole, and cut off at a tenth, a
third and two thirds. A fault is put into one at a random place and size. `--data` adds sound schedules of real
trainings: `small_runs.parquet` in `corpus/`, and the curves in `lr_scheduling_llm/`. A sound schedule that is constant
over a long run may be told that it never decays; it is counted apart.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import stepsize as ss
from stepsize.diagnosis.rate_trace import rate_findings
from stepsize.diagnosis.trace import Trace
from stepsize.run import Column

Floats = NDArray[np.float64]
Curve = Callable[[int, np.random.Generator], Floats]
LENGTHS = ((30, "epoch"), (100, "epoch"), (1_000, "step"), (10_000, "step"), (100_000, "step"))
PEAK = 6e-4
# What a log leaves of the digits.
PRINTED: dict[str, Callable[[Floats], Floats]] = {
    "all digits": lambda v: v,
    "four digits": lambda v: np.array([float(f"{x:.3e}") for x in v]),
    "six decimals": lambda v: np.round(v, 6),
}


def values(schedule: ss.Schedule, steps: int) -> Floats:
    return np.asarray(schedule(np.arange(steps)), dtype=np.float64)


SOUND: dict[str, Curve] = {
    "constant": lambda n, rng: np.full(n, PEAK),
    "constant, warmup": lambda n, rng: values(ss.constant(PEAK).warmup(max(1, n // 20)), n),
    "cosine": lambda n, rng: values(ss.cosine(PEAK, 0, n), n),
    "warmup, cosine": lambda n, rng: values(ss.warmup_cosine(PEAK, n, n // int(rng.integers(10, 100))), n),
    "warmup, cosine to a tenth": lambda n, rng: values(ss.warmup_cosine(PEAK, n, n // 20, end=PEAK / 10), n),
    "warmup, linear": lambda n, rng: values(ss.warmup_linear(PEAK, n, n // int(rng.integers(10, 30))), n),
    "linear to a tenth": lambda n, rng: values(ss.linear(PEAK, PEAK / 10, n), n),
    "wsd": lambda n, rng: values(ss.wsd(PEAK, n, n // 20, n // int(rng.integers(3, 11))), n),
    "wsd, linear": lambda n, rng: values(ss.wsd(PEAK, n, n // 20, n // 5, shape="linear"), n),
    "one cycle": lambda n, rng: values(ss.one_cycle(PEAK, n), n),
    "triangle": lambda n, rng: values(ss.cyclic(PEAK / 10, PEAK, max(2, n // int(rng.integers(4, 12)))), n),
    "sgdr": lambda n, rng: values(ss.sgdr(PEAK, max(2, n // int(rng.integers(2, 7)))), n),
    "sgdr, doubling": lambda n, rng: values(ss.sgdr(PEAK, max(2, n // 7), growth=2), n),
    "warm restarts with warmup": lambda n, rng: np.tile(values(ss.warmup_cosine(PEAK, n // 3, n // 30), n // 3), 4)[:n],
    "inverse square root": lambda n, rng: values(ss.noam(512, max(1, n // 20)), n),
    "exponential": lambda n, rng: values(ss.exponential(PEAK, PEAK * 10 ** -rng.uniform(0.5, 3), n), n),
    "stairs of ten": lambda n, rng: values(ss.multistep(PEAK, 0.1, [n // 2, 3 * n // 4]), n),
    "stairs of ten, three": lambda n, rng: values(ss.multistep(PEAK, 0.1, [n // 3, 2 * n // 3, 8 * n // 9]), n),
    "stairs by halves": lambda n, rng: values(ss.step_decay(PEAK, 0.5, max(1, n // 6)), n),
    "plateau rule": lambda n, rng: plateau_rule(n, rng),
    "polynomial 2": lambda n, rng: values(ss.polynomial(PEAK, 0, n, 2), n),
    "polynomial 0.9": lambda n, rng: values(ss.polynomial(PEAK, 0, n, 0.9), n),
    "1 - sqrt": lambda n, rng: values(ss.one_minus_sqrt(PEAK, 0, n), n),
    "rex": lambda n, rng: values(ss.rex(PEAK, 0, n), n),
    "two stages": lambda n, rng: two_stages(n),
    "range test": lambda n, rng: values(ss.exponential(1e-7, 1, n), n),
}
# Schedules that come to their end with the run, so that a fault of length shows.
DECAYING = ("cosine", "warmup, cosine", "warmup, linear", "warmup, cosine to a tenth", "polynomial 0.9")


def plateau_rule(n: int, rng: np.random.Generator) -> Floats:
    cuts = np.sort(rng.integers(n // 5, n, 4))
    return PEAK * 0.1 ** np.searchsorted(cuts, np.arange(n), side="right").astype(float)


def two_stages(n: int) -> Floats:
    half = n // 2
    return np.concatenate(
        [values(ss.warmup_cosine(PEAK, half, half // 20), half), values(ss.cosine(PEAK / 3, 0, half), half)]
    )


@dataclass
class Fault:
    """A curve with a fault, and the kinds that name it."""

    kinds: tuple[str, ...]
    make: Curve


def decaying(n: int, rng: np.random.Generator) -> Floats:
    return SOUND[str(rng.choice(DECAYING))](n, rng)


def resumed(n: int, rng: np.random.Generator) -> Floats:
    whole, at = decaying(n, rng), int(rng.uniform(0.25, 0.7) * n)
    return np.concatenate([whole[:at], whole[: n - at]])


def extended(n: int, rng: np.random.Generator) -> Floats:
    """Resumed with a longer plan, so that the formula gives another rate at the same update."""
    at, longer = int(0.9 * n / 2), n
    return np.concatenate([values(ss.cosine(PEAK, 0, n // 2), at), values(ss.cosine(PEAK, 0, longer), n)[at:]])


def too_fast(n: int, rng: np.random.Generator) -> Floats:
    times = int(rng.choice([2, 3, 4, 8, 16]))
    short = decaying(max(2, n // times), rng)
    return np.concatenate([short, np.full(n, short[-1] if short[-1] > PEAK / 20 else 0.0)])[:n]


def swinging(n: int, rng: np.random.Generator) -> Floats:
    times = int(rng.choice([2, 4, 8]))
    return 0.5 * PEAK * (1 + np.cos(np.pi * times * np.arange(n) / n))


def too_early(n: int, rng: np.random.Generator) -> Floats:
    short = decaying(int(rng.uniform(0.55, 0.82) * n), rng)
    return np.concatenate([short, np.full(n, 0.0 if short[-1] < PEAK / 20 else short[-1])])[:n]


def floored(n: int, rng: np.random.Generator) -> Floats:
    short = int(rng.uniform(0.4, 0.7) * n)
    return np.concatenate(
        [values(ss.warmup_cosine(PEAK, short, short // 20, end=PEAK / 10), short), np.full(n, PEAK / 10)]
    )[:n]


def too_long(n: int, rng: np.random.Generator) -> Floats:
    return decaying(int(rng.uniform(2.2, 5) * n), rng)[:n]


FAULTS: dict[str, Fault] = {
    "warmup never ends": Fault(
        ("warmup_longer_than_run",),
        lambda n, rng: values(ss.warmup_cosine(PEAK, 40 * n, int(rng.uniform(1.1, 20) * n)), n),
    ),
    "warmup takes most": Fault(
        ("warmup_too_long",),
        lambda n, rng: values(ss.warmup_cosine(PEAK, n, int(rng.uniform(0.62, 0.9) * n)), n),
    ),
    "begins anew on resume": Fault(("rate_restarts",), resumed),
    "leaps with a longer plan": Fault(("rate_restarts",), extended),
    "N times too fast": Fault(("decays_too_early", "flat_tail"), too_fast),
    "N times too fast, swinging": Fault(("rises_after_end",), swinging),
    "next to 0 too early": Fault(("decays_too_early", "flat_tail"), too_early),
    "flat tail": Fault(("flat_tail", "decays_too_early"), floored),
    "still high at the end": Fault(("decays_too_late",), too_long),
    "never decays": Fault(("never_decays",), lambda n, rng: np.full(n, PEAK)),
    "printed 0": Fault(("rate_zero",), lambda n, rng: np.zeros(n)),
    "printed in one digit": Fault(("rate_rounded",), lambda n, rng: np.round(decaying(n, rng) / PEAK * 3e-4, 4)),
}


def traces(make: Curve, rng: np.random.Generator, cuts: tuple[float, ...]) -> Iterator[tuple[dict[str, Any], Trace]]:
    """A curve as logs would have it."""
    for length, clock in LENGTHS:
        v = make(length, rng)
        every = 1 if clock == "epoch" else int(rng.choice([1, 10, 50])) * max(1, length // 20_000)
        for printed, look in PRINTED.items():
            for planned in (length, 0):
                for cut in cuts:
                    kept = np.arange(0, max(2, int(cut * length)), every)
                    about = {"length": length, "every": every, "printed": printed, "planned": planned > 0, "cut": cut}
                    yield about, trace(kept, look(v[kept]), planned, clock)


def trace(steps: NDArray[np.int64], rates: Floats, planned: int, clock: str = "step") -> Trace:
    """A trace of a training whose loss falls."""
    loss = Column(steps, 1 + 2 * np.exp(-3 * steps / max(1, steps[-1])), clock)  # type: ignore[arg-type]
    return Trace(loss=loss, lr=Column(steps, rates, clock), clock=clock, planned=planned)  # type: ignore[arg-type]


def recalls(repeats: int, seed: int) -> list[dict[str, Any]]:
    """A row a fault: how many were found, and what else was said of them."""
    rows = []
    for name, fault in FAULTS.items():
        counts: Counter[str] = Counter()
        wrong: Counter[str] = Counter()
        missed: Counter[str] = Counter()
        for repeat in range(repeats):
            rng = np.random.default_rng((seed, repeat))
            for about, it in traces(fault.make, rng, (1.0,)):
                if not within(name, about):
                    continue
                found = [finding.kind for finding in rate_findings(it)]
                group = "planned" if about["planned"] else "unplanned"
                hit = any(kind in fault.kinds for kind in found)
                counts[group] += 1
                counts[f"found {group}"] += hit
                wrong.update(kind for kind in found if kind not in fault.kinds)
                if not hit:
                    missed[f"{about['length']} by {about['every']}, {about['printed']}"] += 1
        rows.append({"fault": name, **counts, "wrong": dict(wrong), "missed": dict(missed.most_common(3))})
    return rows


def within(fault: str, about: dict[str, Any]) -> bool:
    """Whether a log of this kind can show the fault at all."""
    if fault == "never decays":
        return bool(about["length"] >= 10_000 or about["length"] == 100)
    # A sixteenth of 30 epochs is no curve.
    least = 100 if fault.startswith("N times") else 20
    return bool(about["length"] / about["every"] >= least)


def alarms(repeats: int, seed: int) -> list[dict[str, Any]]:
    """A row a sound schedule: how often anything was said of it, whole and cut off."""
    rows = []
    for name, make in SOUND.items():
        counts: Counter[str] = Counter()
        said: Counter[str] = Counter()
        for repeat in range(repeats):
            rng = np.random.default_rng((seed, repeat))
            for about, it in traces(make, rng, (0.1, 0.33, 0.66, 1.0)):
                group = ("planned" if about["planned"] else "unplanned") + ("" if about["cut"] == 1 else " cut")
                found = {finding.kind for finding in rate_findings(it)}
                counts[group] += 1
                counts["never_decays"] += "never_decays" in found
                counts[f"alarms {group}"] += bool(found - {"never_decays"})
                said.update(f"{kind} ({group})" for kind in found - {"never_decays"})
        rows.append({"schedule": name, **counts, "said": dict(said)})
    return rows


def real(data: Path) -> list[dict[str, Any]]:
    """A row a source of real traces, with the planned length and without it."""
    rows = []
    for name, read in (("corpus", corpus), ("lr_scheduling_llm", language_models)):
        said: Counter[str] = Counter()
        runs = 0
        for it in read(data / name):
            runs += 1
            said.update(finding.kind for finding in rate_findings(it))
        rows.append({"source": name, "runs": runs, "said": dict(said)})
    return rows


def corpus(folder: Path) -> Iterator[Trace]:
    import pyarrow.parquet as pq

    for file in folder.glob("*.parquet"):
        columns = pq.read_table(file, columns=["loss", "lrs", "T"]).to_pydict()
        for loss, lrs, planned in zip(columns["loss"], columns["lrs"], columns["T"], strict=True):
            steps = np.arange(len(lrs))
            seen = Column(np.arange(len(loss)), np.array(loss, dtype=np.float64))
            for length in (planned, 0):
                yield Trace(loss=seen, lr=Column(steps, np.array(lrs, dtype=np.float64)), planned=length)


def language_models(folder: Path) -> Iterator[Trace]:
    import pandas as pd

    if not (folder / "runs.csv").exists():
        return
    planned = pd.read_csv(folder / "runs.csv").set_index("curve").iterations
    curves = pd.read_csv(folder / "curves.csv.gz").dropna(subset=["lr_t"])
    for key, run in curves[curves.split == "train"].groupby("curve"):
        steps = run.iter.to_numpy(dtype=np.int64)
        loss, lr = (Column(steps, run[name].to_numpy(dtype=np.float64)) for name in ("loss", "lr_t"))
        for length in (int(planned[key]), 0):
            yield Trace(loss=loss, lr=lr, planned=length)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    tables = {
        "faults": recalls(asked.repeats, asked.seed),
        "sound": alarms(asked.repeats, asked.seed),
        "real": real(asked.data) if asked.data else [],
    }
    print(json.dumps(tables) if asked.json else "\n\n".join(text(name, rows) for name, rows in tables.items() if rows))


def text(name: str, rows: list[dict[str, Any]]) -> str:
    """A table as plain lines, with its totals."""
    lines = [f"{name}:"]
    for row in rows:
        told = ", ".join(f"{key} {value}" for key, value in list(row.items())[1:] if value)
        lines.append(f"  {next(iter(row.values()))}: {told}")
    totals: Counter[str] = Counter()
    for row in rows:
        totals.update({key: value for key, value in row.items() if isinstance(value, int)})
    return "\n".join([*lines, f"  all: {', '.join(f'{key} {value}' for key, value in totals.items())}"])


if __name__ == "__main__":
    main()
