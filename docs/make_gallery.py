"""Writes docs/gallery.md and its pictures: every kind of schedule, with formula, source, first and last value.

    python docs/make_gallery.py

What is shown is what the code computes; a test holds the committed page against this script.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

import stepsize as ss
from stepsize.schedule.picture import steps_to_draw, svg

HERE = Path(__file__).parent
PICTURES = Path("pictures/gallery")
POINTS = 121


@dataclass(frozen=True)
class Entry:
    """One schedule of the gallery: its code, its formula with k the update and u = k / steps, its source."""

    name: str
    code: str
    formula: str
    source: str = ""

    @property
    def file(self) -> str:
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-") + ".svg"


SECTIONS: dict[str, list[Entry]] = {
    "From one value to another": [
        Entry("Constant", "constant(1e-3, 100)", "value"),
        Entry("Linear", "linear(1e-3, 0, 100)", "start + (end − start) u"),
        Entry(
            "Cosine, half a wave", "cosine(1e-3, 0, 100)", "end + (start − end) (1 + cos πu) / 2", "arXiv:1608.03983"
        ),
        Entry("Sine, a quarter of a wave", "sine(0, 1e-3, 100)", "start + (end − start) sin(πu / 2)"),
        Entry("Polynomial", "polynomial(1e-3, 0, 100, power=2)", "end + (start − end) (1 − u)^power"),
        Entry(
            "Power of the time spent",
            "one_minus_power(1e-3, 0, 100, power=2)",
            "start + (end − start) u^power",
            "arXiv:2405.18392",
        ),
        Entry("1-sqrt", "one_minus_sqrt(1e-3, 0, 100)", "start + (end − start) √u", "arXiv:2405.18392"),
        Entry("Exponential", "exponential(1e-3, 1e-5, 100)", "start (end / start)^u"),
        Entry(
            "Mirror cosine",
            "mirror_cosine(1e-3, 0, 100)",
            "start + (end − start) (2u − (1 − cos πu) / 2)",
            "arXiv:2508.01483",
        ),
        Entry("REX", "rex(1e-3, 0, 100)", "end + (start − end) (1 − u) / (1 − u / 2)", "arXiv:2107.04197"),
        Entry(
            "Hyperbolic tangent",
            "tanh(1e-3, 0, 100)",
            "as tanh from lower to upper, scaled to both ends",
            "arXiv:1806.01593",
        ),
        Entry("Sigmoid", "sigmoid(1e-3, 0, 100)", "as 1 / (1 + e^(steepness (u − ½))), scaled to both ends"),
        Entry(
            "k-decay of a cosine",
            "k_decay(1e-3, 0, 100, k=2)",
            "end + (start − end) (1 + cos πu^k) / 2",
            "arXiv:2004.05909",
        ),
        Entry(
            "k-decay of a polynomial",
            "k_decay(1e-3, 0, 100, k=2, power=1)",
            "end + (start − end) (1 − u^k)^power",
            "arXiv:2004.05909",
        ),
        Entry(
            "Hyperbolic",
            "hyperbolic(1e-3, 0, 100, bound=1.5)",
            "end + (start − end) √((1 − u)(2b − 1 − u) / (2b − 1)), b = bound",
            "arXiv:2407.15200",
        ),
        Entry(
            "Hyperbolic, of the logarithm",
            "exp_hyperbolic(1e-3, 1e-5, 100, bound=1.5)",
            "the same, of log start and log end",
            "arXiv:2407.15200",
        ),
    ],
    "Without an end": [
        Entry("Exponential decay", "exponential_decay(1e-3, 0.5, every=200)", "start · rate^(k / every)"),
        Entry(
            "Exponential decay in stairs",
            "exponential_decay(1e-3, 0.5, every=200, staircase=True)",
            "start · rate^⌊k / every⌋",
        ),
        Entry("Step decay", "step_decay(1e-3, 0.5, every=200)", "start · factor^⌊k / every⌋"),
        Entry("Multistep", "multistep(1e-3, 0.1, at=[300, 600])", "start · factor^(milestones passed)"),
        Entry(
            "Piecewise constant",
            "piecewise_constant([1e-3, 5e-4, 1e-3, 1e-4], at=[200, 400, 600])",
            "values[i] from at[i − 1] on",
        ),
        Entry("Inverse time", "inverse_time(1e-3, 1.0, every=100)", "start / (1 + rate · k / every)"),
        Entry("Inverse time over a run, 1/(1 + γt/T)", "inverse_time(1e-3, 4.0, every=1000)", "start / (1 + γ k / T)"),
        Entry("Inverse square root", "inverse_sqrt(1e-3, timescale=100)", "start √(timescale / (timescale + k))"),
        Entry("Power law", "power_law(1e-3, 0.8, timescale=100)", "start (1 + k / timescale)^−power"),
        Entry(
            "Power scheduler",
            "constant(1e-3, 200) >> power_law(1e-3, 0.51, timescale=200)",
            "min(peak, a k^−b)",
            "arXiv:2408.13359",
        ),
        Entry(
            "Logistic (Caffe's sigmoid)",
            "logistic(1e-3, midpoint=500, width=80)",
            "start / (1 + e^((k − midpoint) / width))",
        ),
        Entry("Noam", "noam(512, 200)", "width^−½ min((k + 1)^−½, (k + 1) warmup^−1.5)", "arXiv:1706.03762"),
    ],
    "For a budget": [
        Entry("Warmup and cosine", "warmup_cosine(1e-3, 1000, 100)", "linear to the peak, then half a cosine"),
        Entry("Warmup and linear", "warmup_linear(1e-3, 1000, 100)", "linear to the peak, then linear to the end"),
        Entry(
            "Cosine warmup",
            "cosine(1e-3, 0, 900).warmup(100, shape='cosine')",
            "a cosine to the peak, then half a cosine",
        ),
        Entry(
            "Geometric warmup",
            "constant(1e-3, 900).warmup(100, start=1e-6, shape='exponential')",
            "equal ratios to the peak",
        ),
        Entry(
            "Knee (explore, exploit)", "knee(1e-3, 1000, explore=500)", "the peak held, then linear", "arXiv:2003.03977"
        ),
        Entry("Flat, then cosine", "constant(1e-3, 720) >> cosine(1e-3, 0, 280)", "the peak held, then half a cosine"),
        Entry("One cycle, two phases", "one_cycle(1e-3, 1000)", "a cosine up, a longer one down", "arXiv:1708.07120"),
        Entry(
            "One cycle, three phases",
            "one_cycle(1e-3, 1000, shape='linear', three_phase=True)",
            "up, down as fast, then on to the end",
            "arXiv:1708.07120",
        ),
        Entry(
            "Slanted triangular",
            "slanted_triangular(1e-3, 1000)",
            "a short rise and a long fall, from and to peak / ratio",
            "arXiv:1801.06146",
        ),
        Entry(
            "Piecewise linear",
            "piecewise_linear([(0, 0.0), (100, 1e-3), (600, 4e-4), (1000, 0.0)])",
            "straight lines through points",
        ),
    ],
    "Warmup, stable, decay: the legs": [
        Entry(f"WSD, {shape}", f"wsd(1e-3, 1000, 50, 300, {end}shape={shape!r})", formula, source)
        for shape, end, formula, source in [
            ("linear", "", "1 − u", "arXiv:2404.06395"),
            ("cosine", "", "(1 + cos πu) / 2", "arXiv:2404.06395"),
            ("mirror-cosine", "", "1 − 2u + (1 − cos πu) / 2", "arXiv:2508.01483"),
            ("exponential", "end=1e-5, ", "(end / peak)^u", "arXiv:2404.06395"),
            ("1-sqrt", "", "1 − √u", "arXiv:2405.18392"),
            ("sqrt", "", "√(1 − u)", "arXiv:2405.18392"),
            ("1-square", "", "1 − u²", "arXiv:2405.18392"),
            ("square", "", "(1 − u)²", "arXiv:2508.01483"),
            ("rex", "", "(1 − u) / (1 − u / 2)", "arXiv:2107.04197"),
        ]
    ]
    + [
        Entry("WSD, lowered linear", "wsd(1e-3, 700, 50) >> linear(0.7e-3, 0, 300)", "0.7 (1 − u)", "arXiv:2508.01483"),
        Entry("WSD without a horizon", "wsd(1e-3, None, 50)", "the peak, until lr[:k].cooldown(n)"),
    ],
    "Cycles": [
        Entry("Cosine, full waves", "cosine(1e-3, 0, 250).after('mirror')", "(1 + cos πu) / 2, and back"),
        Entry("Warm restarts", "sgdr(1e-3, 200)", "half a cosine, again and again", "arXiv:1608.03983"),
        Entry(
            "Warm restarts, growing period",
            "sgdr(1e-3, 100, growth=2)",
            "cycle i is growth^i times as long",
            "arXiv:1608.03983",
        ),
        Entry(
            "Warm restarts, decaying peak",
            "sgdr(1e-3, 100, growth=2, shrink=0.5, end=1e-4)",
            "cycle i starts at shrink^i times the peak",
            "arXiv:1608.03983",
        ),
        Entry(
            "Exponential with restarts",
            "exponential_decay(1e-3, 0.99, every=1)[:200].repeat()",
            "start · rate^(k mod 200)",
        ),
        Entry("Linear with restarts", "linear(1e-3, 0, 200).repeat()", "a saw-tooth that falls"),
    ]
    + [
        Entry(
            f"{name} wave, {envelope} envelope",
            f"cyclic(1e-4, 1e-3, 100, wave={wave!r}{code})",
            f"low + (high − low) · {formula}{factor}",
            source,
        )
        for name, wave, formula in [
            ("Triangle", "triangle", "up and down in straight lines"),
            ("Sine", "sine", "the size of sin(πk / 2p)"),
            ("Cosine", "cosine", "(1 − cos(πk / p)) / 2"),
            ("Saw-tooth", "sawtooth", "(k mod p) / p"),
        ]
        for envelope, code, factor, source in [
            ("constant", "", "", "arXiv:1506.01186"),
            ("halving", ", shrink=0.5", " · ½^⌊cycle⌋", "arXiv:1506.01186"),
            ("exponential", ", gamma=0.998", " · γ^k", "arXiv:1506.01186"),
        ]
    ],
    "Chance, and anything else": [
        Entry(
            "Random, evenly in the logarithm",
            "random(1e-4, 1e-2, every=50, seed=0)",
            "low^(1−r) high^r, r new every 50 steps",
        ),
        Entry("Random, evenly", "random(1e-4, 1e-3, every=50, seed=0, log=False)", "low + (high − low) r"),
        Entry(
            "Noise on a schedule",
            "warmup_cosine(1e-3, 1000, 100).noise(0.2, every=10, seed=1)",
            "times 1 ± 20 %, new every 10 steps",
        ),
        Entry(
            "Chebyshev steps",
            "chebyshev(1e-4, 1e-3, 64)",
            "the roots of a Chebyshev polynomial, in fractal order",
            "arXiv:2103.01338",
        ),
        Entry("A function", "function('math:sqrt', 100)", "any callable of the update"),
        Entry(
            "A product",
            "step_decay(1e-3, 0.5, every=250) * cosine(1, 0.2, 125).after('mirror')",
            "one schedule times another",
        ),
    ],
}


def row(entry: Entry) -> str:
    schedule = eval(entry.code, {**vars(ss)})
    length = "no end" if math.isinf(schedule.length) else str(schedule.length)
    last = "–" if math.isinf(schedule.length) else f"{schedule(schedule.length):.4g}"
    source = re.sub(r"arXiv:(\S+)", r"[\1](https://arxiv.org/abs/\1)", entry.source)
    return (
        f"| {entry.name}<br>`{entry.code}` | {entry.formula} | ![{entry.name}]({PICTURES / entry.file}) "
        f"| {schedule(0):.4g} | {last} | {length} | {source} |"
    )


def picture(entry: Entry) -> str:
    schedule = eval(entry.code, {**vars(ss)})
    steps = steps_to_draw(schedule.length, POINTS if math.isfinite(schedule.length) else 4 * POINTS)
    return svg(steps, schedule(steps), width=200, height=70) + "\n"


def page() -> str:
    count = sum(map(len, SECTIONS.values()))
    parts = [
        "# Gallery",
        "",
        f"{count} schedules, drawn by the code they show. In the formulas k is the update, counted from 0, and",
        "u = k / steps. *First* is what update 0 uses, *last* the value after the end, which holds. The curves of",
        "other libraries, exact to their off-by-ones, are in [Conformance](conformance.md).",
        "This page is written by `python docs/make_gallery.py`.",
    ]
    for title, entries in SECTIONS.items():
        parts += ["", f"## {title}", "", "| schedule | formula | picture | first | last | steps | source |"]
        parts += ["|---|---|---|---|---|---|---|", *map(row, entries)]
    return "\n".join(parts) + "\n"


def pictures() -> dict[str, str]:
    """The pictures by file name."""
    return {entry.file: picture(entry) for entries in SECTIONS.values() for entry in entries}


if __name__ == "__main__":
    (HERE / "gallery.md").write_text(page(), encoding="utf-8")
    (HERE / PICTURES).mkdir(parents=True, exist_ok=True)
    for name, drawing in pictures().items():
        (HERE / PICTURES / name).write_text(drawing, encoding="utf-8")
