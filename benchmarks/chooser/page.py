"""The contest as one page with its pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from benchmarks.chooser.finders import Suggestion, by_finder
from benchmarks.chooser.plays import OURS, PLANNED
from benchmarks.chooser.rows import Row
from benchmarks.chooser.scores import COSTS, FAILED, Results, bottom, score
from benchmarks.chooser.tables import Table
from stepsize.report import Block, Chart, Fact, Page, Section, Series, Text
from stepsize.report import Table as Listing

FLOOR = 1e-4  # what a regret of nothing is drawn as, on a logarithmic axis


def page(
    results: Results, methods: Sequence[str], rows: Sequence[Row], found: Sequence[Suggestion], judges: Sequence[Table]
) -> Page:
    """The page of a contest."""
    judged = [row for row in rows if row.met is not None and row.split == "test"]
    met = sum(bool(row.met) for row in judged)
    sections = [Section("Targets", [_targets(rows)])]
    for family in dict.fromkeys(one.family for one in results.plays):
        blocks: list[Block] = [_curves(results, methods, family, split) for split in ("test", "dev")]
        sections.append(Section(f"Regret against cost: {family}", [block for block in blocks if _drawn(block)]))
    if found:
        sections.append(Section("Finders", [_finders(found, judges, split) for split in ("all", "dev", "test")]))
    sections.append(Section("The tasks", [_basins(results), Text(_reading())]))
    return Page(
        title="The chooser against its peers",
        answer=f"On the test split {met} of {len(judged)} targets are met.",
        facts=[Fact("searches", f"{len(results.plays)}"), Fact("tables", f"{len(results.tables)}")],
        sections=sections,
        subtitle="Recorded and live tasks; a search sees what it pays for.",
    )


def _targets(rows: Sequence[Row]) -> Listing:
    said = {True: "met", False: "missed", None: "–"}
    body = []
    for row in rows:
        peers = {name: value for name, value in row.figures.items() if name != OURS}
        told = ", ".join(f"{name} {value:.3g}" for name, value in peers.items())
        body.append([row.what, row.split, told, f"{row.figures.get(OURS, math.nan):.3g}", row.target, said[row.met]])
    return Listing(["what", "split", "beside it", "stepsize", "target", ""], body)


def _curves(results: Results, methods: Sequence[str], family: str, split: str) -> Chart:
    series = []
    for method in methods:
        told, costs = [], []
        for cost in results.budgets(method, family) if method in PLANNED else COSTS:
            one = score(results.at_cost(method, family, cost, split))
            if one.cases:
                told.append(one)
                costs.append(results.paid(method, family, cost, split) if method in PLANNED else cost)
        if told:
            middle = [max(one.mean, FLOOR) for one in told]
            band = [max(one.low, FLOOR) for one in told], [max(one.high, FLOOR) for one in told]
            series.append(Series(method, costs, middle, points=method in PLANNED, dash=method != OURS, band=band))
    title = f"Mean regret, {split} tasks"
    note = "Share of the gain of training that the choice forgoes; bands: 90 % over search seeds."
    return Chart(title, "full runs paid", "mean regret", series, log_x=True, log_y=True, note=note)


def _drawn(block: Block) -> bool:
    return not isinstance(block, Chart) or bool(block.series)


def _finders(found: Sequence[Suggestion], judges: Sequence[Table], split: str) -> Listing:
    body = []
    for finder, regrets in by_finder(found, judges, split).items():
        one = score(regrets)
        cost = np.mean([suggestion.cost for suggestion in found if suggestion.finder == finder])
        band = f"{one.mean:.3f} ({one.low:.3f}–{one.high:.3f})"
        body.append([finder, band, f"{one.failed:.0%}", f"{np.mean(regrets > 0.5):.0%}", f"{cost:.2f}"])
    header = ["finder", "mean regret (90 % band)", f"loses > {FAILED:.0%}", "loses > 50 %", "full runs paid"]
    return Listing(header, body, caption=f"Live tasks: {split}")


def _basins(results: Results) -> Chart:
    series = []
    for (family, label), table in results.tables.items():
        if family != "NaN-ridden":
            regrets = np.array([table.regret(float(rate)) for rate in table.rates])
            series.append(Series(f"{label} ({family})", 10 ** (table.rates - bottom(table)), regrets))
    note = "1 is not training at all; what lies above it, or diverged, is drawn as 1."
    x_label = "learning rate / best learning rate"
    return Chart("What a wrong rate costs", x_label, "share of the gain lost", series, log_x=True, note=note)


def _reading() -> str:
    return (
        "Regret is (loss at the recommended rate − best loss of the grid) / (loss before training − best loss), at "
        "most 1. Live tasks are judged by the median of seeds that no method has seen. Nothing was chosen on the "
        "tasks of the test split."
    )
