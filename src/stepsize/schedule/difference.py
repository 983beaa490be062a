"""How two schedules differ: in the parts they are made of, and in their values."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, final

import numpy as np

from stepsize.schedule import picture
from stepsize.schedule.joints import Sequence
from stepsize.schedule.node import Node, sample

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
        last = max(_settled(node) for node in (self.old, self.new))
        most = max(STEPS // math.prod(self._shape), 1_000)
        if last <= most:
            return np.arange(last + 1, dtype=np.float64)
        near = [float(start + k) for node in (self.old, self.new) for start in _starts(node) for k in (-1, 0, 1)]
        chosen = np.concatenate([np.arange(1_000), np.linspace(0, float(last), most).round(), near])
        return np.unique(chosen.astype(np.float64).clip(0, last))

    @property
    def _shape(self) -> tuple[int, ...]:
        return np.broadcast_shapes(self.old.shape, self.new.shape)

    @cached_property
    def gap(self) -> Any:
        """New value minus old value, at each of `steps`."""
        old, new = self._values(self.old, self.steps), self._values(self.new, self.steps)
        with np.errstate(over="ignore", invalid="ignore"):
            return np.where(new == old, 0.0, new - old)  # twice infinity is no difference

    def _values(self, node: Node, steps: Any) -> Any:
        values = sample(node, np.minimum(steps, node.length))
        lanes = (1,) * (len(self._shape) - len(node.shape))
        return np.broadcast_to(values.reshape(steps.size, *lanes, *node.shape), (steps.size, *self._shape))

    @property
    def lines(self) -> list[str]:
        """One line for each part: '  ' stays, '- ' leaves, '+ ' comes."""
        from difflib import ndiff  # here, since most programs compare no schedules

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
        old, new = (self._values(node, step).reshape(-1) for node in (self.old, self.new))
        worst = int(np.argmax(np.abs(self.gap[most])))
        return (
            f"values differ from update {first} on, at most by {size[most]:.6g} at update {int(step[0])} "
            f"({old[worst]:.6g} -> {new[worst]:.6g})"
        )

    def show(self, ax: Axes | None = None) -> Axes:
        """Draw both schedules with Matplotlib into one Axes and return it; no window opens."""
        shown = self.steps[np.unique(np.linspace(0, self.steps.size - 1, 1_000).astype(int))]
        for node, label in ((self.old, "old"), (self.new, "new")):
            ax = picture.axes(shown, sample(node, np.minimum(shown, node.length)), f"{label}: {node.code()}", ax)
        assert ax is not None
        ax.legend(fontsize="small")
        return ax


def _parts(node: Node) -> tuple[Node, ...]:
    return node.parts if isinstance(node, Sequence) else (node,)


def _starts(node: Node) -> tuple[int, ...]:
    return node.starts if isinstance(node, Sequence) else (0,)


def _settled(node: Node) -> int:
    """The step until which to compare: the end, or some way into the last part that never ends."""
    if not math.isinf(node.length):
        return int(node.length)
    if isinstance(node, Sequence):
        return node.starts[-1] + _settled(node.parts[-1])
    return max(map(_settled, node.children()), default=0) + picture.ENDLESS_STEPS
