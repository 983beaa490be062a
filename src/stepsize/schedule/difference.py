"""How two schedules differ: in the parts they are made of, and in their values."""

from __future__ import annotations

import math
from dataclasses import dataclass
from difflib import ndiff
from functools import cached_property
from typing import TYPE_CHECKING, Any, final

import numpy as np

from stepsize.schedule import picture
from stepsize.schedule.joints import Sequence, held
from stepsize.schedule.node import Node

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# More steps than this are sampled, the first ones and those around boundaries always among them.
STEPS = 1_000_000


@final
@dataclass(frozen=True)
class Difference:
    """The difference between two schedules. As text: the parts that left (-) and came (+), then the values.

    Attributes:
        old, new: the two, as nodes.
    """

    old: Node
    new: Node

    def __bool__(self) -> bool:
        """Whether there is any difference in values."""
        return bool(np.any(self.gap != 0))

    @cached_property
    def steps(self) -> Any:
        """The steps compared: all, or of a very long schedule a choice of them."""
        lengths = [node.length for node in (self.old, self.new) if not math.isinf(node.length)]
        last = int(max(lengths, default=0)) + picture.ENDLESS_STEPS * (len(lengths) < 2)
        if last <= STEPS:
            return np.arange(last + 1, dtype=np.float64)
        near = [start + k for node in (self.old, self.new) for start in _starts(node) for k in (-1, 0, 1)]
        chosen = np.concatenate([np.arange(1000), np.linspace(0, last, STEPS).round(), near])
        return np.unique(chosen.clip(0, last).astype(np.float64))

    @cached_property
    def gap(self) -> Any:
        """New value minus old value, at each of `steps`."""
        return _values(self.new, self.steps) - _values(self.old, self.steps)

    @property
    def lines(self) -> list[str]:
        """One line for each part: '  ' stays, '- ' leaves, '+ ' comes."""
        marked = ndiff([part.code() for part in _parts(self.old)], [part.code() for part in _parts(self.new)])
        return [line for line in marked if not line.startswith("?")]

    def __str__(self) -> str:
        return "\n".join([*self.lines, self.summary])

    @property
    def summary(self) -> str:
        """The difference in values, in one sentence."""
        size = np.abs(self.gap).reshape(self.steps.size, -1).max(axis=1)
        if not size.any():
            return f"the values are the same at all {self.steps.size} updates compared"
        first, most = int(self.steps[np.flatnonzero(size)[0]]), int(np.argmax(size))
        step = self.steps[most : most + 1]
        old, new = (_values(node, step).reshape(-1) for node in (self.old, self.new))
        worst = int(np.argmax(np.abs(new - old)))
        return (
            f"values differ from update {first} on, at most by {size[most]:.6g} at update {int(step[0])} "
            f"({old[worst]:.6g} -> {new[worst]:.6g})"
        )

    def show(self, ax: Axes | None = None) -> Axes:
        """Draw both schedules with Matplotlib into one Axes and return it; no window opens."""
        shown = self.steps[np.unique(np.linspace(0, self.steps.size - 1, 1_000).astype(int))]
        for node, label in ((self.old, "old"), (self.new, "new")):
            ax = picture.axes(shown, _values(node, shown), f"{label}: {node.code()}", ax)
        assert ax is not None
        ax.legend(fontsize="small")
        return ax


def _values(node: Node, steps: Any) -> Any:
    t = steps.reshape(-1, *[1] * len(node.shape))
    return np.broadcast_to(held(node, t, np), (steps.size, *node.shape))


def _parts(node: Node) -> tuple[Node, ...]:
    return node.parts if isinstance(node, Sequence) else (node,)


def _starts(node: Node) -> tuple[int, ...]:
    return node.starts if isinstance(node, Sequence) else (0,)
