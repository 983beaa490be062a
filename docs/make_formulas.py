"""The formulas of formulas.md as data: `python docs/make_formulas.py` writes pictures/formulas/ and prints the tables.

Each row holds what an article prints, as plain Python; the schedule that equals it; and the schedule that its
name means. `tests/test_formulas.py` holds the three together.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import stepsize as ss

FOLDER = Path(__file__).parent / "pictures" / "formulas"
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 220, 64, 16, 40, 28
PRINTED, NAMED, INK = "#ea580c", "#2563eb", "#64748b"

COLUMNS = (0, 1, 10, 19, 20, 50, 100)

Curve = tuple[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Formula:
    """A row: `printed(t)` has the values of `equals`; `named` is what the name stands for."""

    name: str
    printed: Callable[[int], float]
    equals: ss.Schedule
    named: ss.Schedule
    label: str

    def table(self) -> str:
        """The values of both as Markdown."""
        rows = [("as printed", self.equals), (self.name, self.named)]
        lines = [[name, *(f"{schedule(t):.3g}" for t in COLUMNS)] for name, schedule in rows]
        head = ["update", *map(str, COLUMNS)]
        return "\n".join(f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *lines))


LR, T = 0.1, 100
FORMULAS = {
    "polynomial": Formula(
        "exponential decay",
        lambda t: LR * (1 - t / T) ** 2,
        ss.polynomial(LR, 0.0, T, power=2),
        ss.exponential(LR, 0.001, T),
        "lr · (1 − t/T)²",
    ),
    "modulo": Formula(
        "step decay",
        lambda t: LR * 0.5 ** (t % 20),
        ss.exponential_decay(LR, 0.5, every=1)[:20].repeat(),
        ss.step_decay(LR, 0.5, every=20),
        "lr · 0.5 ** (t % 20)",
    ),
    "full-cosine": Formula(
        "cosine annealing",
        lambda t: 0.001 + (LR - 0.001) * (1 + math.cos(2 * math.pi * t / T)) / 2,
        ss.cosine(LR, 0.001, T // 2).after("mirror"),
        ss.cosine(LR, 0.001, T),
        "cos(2πt/T)",
    ),
    "inverse-time": Formula(
        "exponential decay",
        lambda t: LR / (1 + 5 * t / T),
        ss.inverse_time(LR, 5, every=T),
        ss.exponential_decay(LR, math.exp(-5), every=T),
        "lr / (1 + 5t/T)",
    ),
    "geometric-warmup": Formula(
        "linear warmup",
        lambda t: 1e-5 * (LR / 1e-5) ** (t / T),
        ss.exponential(1e-5, LR, T),
        ss.linear(1e-5, LR, T),
        "lr₀ · (lr/lr₀) ** (t/T)",
    ),
    "recursive-time": Formula(
        "time-based decay",
        lambda t: list(accumulate((1 / (1 + 0.01 * i) for i in range(1, t + 1)), lambda a, b: a * b, initial=LR))[-1],
        ss.function(lambda k: LR / math.prod(1 + 0.01 * i for i in range(1, k + 1)), steps=T),
        ss.inverse_time(LR, 0.01, every=1),
        "lr *= 1 / (1 + 0.01t)",
    ),
    "half-life": Formula(
        "step decay",
        lambda t: LR * 0.5 ** (t / 20),
        ss.exponential_decay(LR, 0.5, every=20),
        ss.step_decay(LR, 0.5, every=20),
        "lr · 0.5 ** (t/20)",
    ),
    "early-stairs": Formula(
        "step decay",
        lambda t: LR * 0.5 ** math.floor((1 + t) / 20),
        ss.step_decay(LR, 0.5, every=20)[1:],
        ss.step_decay(LR, 0.5, every=20),
        "lr · 0.5 ** floor((1+t)/20)",
    ),
}


def bias_correction() -> list[Curve]:
    """What Adam without its correction multiplies the rate by, for the usual betas and for a shorter memory."""
    updates = np.arange(1, 3_001, 10)

    def factor(slow: float) -> NDArray[np.float64]:
        return (1 - 0.9**updates) / np.sqrt(1 - slow**updates)

    return [("betas (0.9, 0.999), no correction", factor(0.999)), ("published", np.ones(len(updates)))]


def epsilon() -> list[Curve]:
    """The first update of AdaGrad or RMSprop without memory, in units of the rate, by the size of the gradient."""
    size = np.logspace(-10, 0, 201)
    return [("ε inside the root", size / np.sqrt(size**2 + 1e-8)), ("ε outside", size / (size + 1e-8))]


def picture(curves: Sequence[Curve], first: str, last: str, title: str) -> str:
    """Curves over a common axis as one SVG document; the first is the printed one."""
    top = max(float(values.max()) for _, values in curves)
    marks = [
        f'<line x1="{LEFT}" y1="{_y(0, top):.1f}" x2="{WIDTH - RIGHT}" y2="{_y(0, top):.1f}" stroke="{INK}"/>',
        _text(LEFT - 6, _y(top, top) + 4, f"{top:.3g}", "end"),
        _text(LEFT - 6, _y(0, top) + 4, "0", "end"),
        _text(LEFT, HEIGHT - 8, first, "start"),
        _text(WIDTH - RIGHT, HEIGHT - 8, last, "end"),
    ]
    for i, (label, values) in enumerate(curves):
        color, dash = (PRINTED, "") if i == 0 else (NAMED, ' stroke-dasharray="6 3"')
        x = np.linspace(LEFT, WIDTH - RIGHT, len(values))
        points = " ".join(f"{a:.1f},{_y(float(b), top):.1f}" for a, b in zip(x, values, strict=True))
        marks.append(f'<polyline fill="none" stroke="{color}" stroke-width="2"{dash} points="{points}"/>')
        marks.append(_text(LEFT + 280 * i, 20, label, "start", color))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        f'font-size="13" role="img"><title>{title}</title>\n' + "\n".join(marks) + "\n</svg>\n"
    )


def _y(value: float, top: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * value / top


def _text(x: float, y: float, text: str, anchor: str, color: str = INK) -> str:
    return f'<text x="{x}" y="{y:.1f}" text-anchor="{anchor}" fill="{color}">{text}</text>'


def pictures() -> dict[str, str]:
    """Name of the file -> its content."""
    drawn = {}
    for name, row in FORMULAS.items():
        steps = np.arange(T + 1)
        curves = [(f"printed: {row.label}", row.equals(steps)), (f"{row.name}, as published", row.named(steps))]
        drawn[f"{name}.svg"] = picture(curves, "update 0", f"update {T}", f"{row.label} and {row.name}")
    drawn["bias-correction.svg"] = picture(bias_correction(), "update 1", "update 2991", "Adam's rate, multiplied")
    drawn["epsilon.svg"] = picture(epsilon(), "gradient 1e-10", "gradient 1", "size of the update / rate, ε = 1e-8")
    return drawn


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in pictures().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    for name, row in FORMULAS.items():
        print(f"{name}\n\n{row.table()}\n")


if __name__ == "__main__":
    main()
