"""Side-by-side measurement: contenders take turns in every round, so that a slow moment hits them all."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

Contenders = Mapping[str, Callable[[], Any]]


def rounds_of(contenders: Contenders, rounds: int, calls: int) -> dict[str, list[float]]:
    """Seconds of process CPU time per call, one entry a round; the order of the contenders rotates."""
    names = list(contenders)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for contender in contenders.values():
        contender()  # what is done once only is not what is compared
    gc.disable()
    try:
        for turn in range(rounds):
            for name in names[turn % len(names) :] + names[: turn % len(names)]:
                seconds[name].append(_per_call(contenders[name], calls))
            gc.collect()
    finally:
        gc.enable()
    return seconds


def _per_call(function: Callable[[], Any], calls: int) -> float:
    begun = time.process_time()
    for _ in range(calls):
        function()
    return (time.process_time() - begun) / calls


def compared(seconds: Mapping[str, list[float]], floor: str) -> list[dict[str, Any]]:
    """A row a contender: median and range in microseconds, and its ratio to the floor, taken round by round."""
    rows = []
    for name, times in seconds.items():
        ratios = [a / b for a, b in zip(times, seconds[floor], strict=True)]
        micro = [1e6 * value for value in times]
        rows.append(
            {
                "name": name,
                "median_us": statistics.median(micro),
                "min_us": min(micro),
                "max_us": max(micro),
                "ratio": statistics.median(ratios),
                "ratio_min": min(ratios),
                "ratio_max": max(ratios),
            }
        )
    return rows


def table(title: str, rows: list[dict[str, Any]]) -> str:
    """The rows as plain text."""
    lines = [title, f"  {'':<48}{'µs (median)':>14}{'min – max':>26}{'ratio':>8}{'min – max':>16}"]
    for row in rows:
        span, ratios = f"{row['min_us']:.3f} – {row['max_us']:.3f}", f"{row['ratio_min']:.2f} – {row['ratio_max']:.2f}"
        lines.append(f"  {row['name']:<48}{row['median_us']:>14.3f}{span:>26}{row['ratio']:>8.2f}{ratios:>16}")
    return "\n".join(lines)
