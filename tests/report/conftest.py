import numpy as np
import pytest

from stepsize.report import Chart, Code, Fact, Page, Section, Series, Table, Text, rate_color


@pytest.fixture(scope="session")
def page() -> Page:
    """A page with every word of the vocabulary, and with the charts that are hard to draw."""
    rates = np.geomspace(1e-4, 1e-1, 31)
    loss = 0.5 + np.log10(rates / 3e-3) ** 2
    noise = np.random.default_rng(0).normal(0, 0.05, 5_000)
    steps = np.arange(5_000)
    sweep = Chart(
        "Loss by rate",
        "peak rate",
        "validation loss",
        [
            Series("fit", rates, loss, band=(loss - 0.1, loss + 0.1)),
            Series("runs", np.repeat(rates[::5], 2), np.repeat(loss[::5], 2), points=True, line=False),
            Series("short", rates[:10], loss[:10] + 1, dash=True),
        ],
        log_x=True,
        note="Lower is better.",
        spans=((1e-3, 1e-2, "usable"), (5e-2, np.inf, "too high")),
        markers=((3e-3, "chosen"),),
    )
    curves = Chart(
        "Learning curves",
        "step",
        "training loss",
        [Series(f"run {i}", steps, np.exp(-steps / 900) + i / 12 + noise, color=rate_color(i / 11)) for i in range(12)],
    )
    odd = [
        Chart("One point", "step", "loss", [Series("only", [3.0], [2.0])]),
        Chart(
            "A zero", "step", "loss", [Series("falls", [0, 1, 2, 3], [1.0, 0.0, 0.01, 1e-3])], log_x=True, log_y=True
        ),
        Chart("Partly empty", "step", "loss", [Series("a", [1, 2], [1, 2]), Series("none", [1, 2], [np.nan] * 2)]),
        Chart("All missing", "step", "loss", [Series("none", [1, 2], [np.nan, np.inf])]),
        Chart("Nothing", "step", "loss", []),
    ]
    sections = [
        Section("Evidence", [Text("Why so.\n\nAnd more."), sweep, curves]),
        Section("Words", [Code("stepsize tune train.py:training --steps 2000 --budget 4 -o out/", "Again")]),
        Section("Runs", [Table(["run", "loss"], [["a", "0.5"], ["b", "–"]], caption="All runs", note="Two.")]),
        Section("Edges", odd),
    ]
    facts = [Fact("Peak rate", "3e-3", "1e-3 to 1e-2"), Fact("Loss", "0.5")]
    return Page("A tuned rate", "Use a peak rate of 3e-3.", facts, sections, subtitle="On digits.", footer="Seed 1.")
