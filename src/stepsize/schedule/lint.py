"""A linter of schedules: what looks wrong about one as a learning rate."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import final

import numpy as np

from stepsize.finding import Finding
from stepsize.schedule.joints import Sequence, held_bounds
from stepsize.schedule.node import Bounds, Node, finite_at, whole_steps
from stepsize.schedule.shapes import Constant

# The first whole number whose successor a float32 cannot hold.
FLOAT32_STEPS = 2**24
# A step that no training reaches.
FAR = 2**52
# Differences below these shares of the peak are taken for intended, or for rounding.
NOTICEABLE, TINY = 0.01, 1e-6
# A training whose last steps hold one value need not mean that its schedule was made for another.
SLACK = 0.02


def check(node: Node, steps: int | None) -> list[Finding]:
    """What looks wrong about the schedule, for a training of `steps` updates if that is known."""
    subject = _Subject(node, None if steps is None else whole_steps(steps, "steps"))
    return [finding for rule in RULES for finding in rule(subject)]


@final
@dataclass(frozen=True)
class _Subject:
    node: Node
    steps: int | None

    @cached_property
    def end(self) -> float:
        """The last update that matters: the training's, or the schedule's own."""
        return self.node.length if self.steps is None else self.steps

    @cached_property
    def peak(self) -> float:
        return self.between(0, self.end)[1]

    def between(self, begin: float, end: float) -> Bounds:
        return held_bounds(self.node, begin, end)

    def at(self, step: float) -> float:
        """The highest of the values at a step; at infinity, the lowest that it may have far away."""
        if math.isinf(step) and math.isinf(self.node.length):
            return self.between(FAR, step)[0]
        return float(np.max(finite_at(self.node, min(step, self.node.length))))

    @cached_property
    def parts(self) -> list[tuple[int, Node]]:
        """The parts, with the step at which each begins."""
        if isinstance(self.node, Sequence):
            return list(zip(self.node.starts, self.node.parts, strict=True))
        return [(0, self.node)]

    @cached_property
    def warmup(self) -> int:
        """Updates until the schedule stops rising, as far as its parts tell."""
        until = 0
        for start, part in self.parts:
            if math.isinf(part.length) or _last(part) <= _first(part):
                break
            until = start + int(part.length)
        return until


def _first(part: Node) -> float:
    return float(np.max(finite_at(part, 0)))


def _last(part: Node) -> float:
    return float(np.max(finite_at(part, part.length)))


def _negative(it: _Subject) -> Iterator[Finding]:
    low = it.between(0, it.end)[0]
    if -math.inf < low < 0:
        yield Finding("negative", f"The rate falls to {low:.4g}.", 1.0, "Clip it at 0.", (("lowest", low),))


def _zero_first_update(it: _Subject) -> Iterator[Finding]:
    if np.any(np.equal(finite_at(it.node, 0), 0)) and it.peak > 0:
        advice = "Start the warmup above 0: peak / (warmup + 1)."
        yield Finding("zero_first_update", "Update 0 has rate 0, so it changes nothing.", 1.0, advice)


def _peak_never_reached(it: _Subject) -> Iterator[Finding]:
    for (_, part), (start, after) in pairwise(it.parts):
        aim = _last(part)
        if start >= it.end or aim <= _first(part) or it.peak == math.inf:
            continue
        highest = it.between(start, it.end)[1]
        if aim > (1 + TINY) * highest:
            yield Finding(
                "peak_never_reached",
                f"The rise aims at {aim:.6g}, but update {start} has {_first(after):.6g} and none has more.",
                1.0,
                "Start the part after the warmup at the warmup's end value.",
                (("aim", aim), ("highest", highest)),
            )
    if it.steps is not None and it.steps < it.node.length:
        whole = it.between(0, it.node.length)[1]
        if it.peak * (1 + TINY) < whole < math.inf:
            message = f"The peak of {whole:.6g} lies after the training's {it.steps} updates."
            yield Finding("peak_never_reached", message, 1.0, "Train longer, or shorten the schedule.")


def _rises_after_end(it: _Subject) -> Iterator[Finding]:
    if it.steps is None:
        return
    now, later = it.at(it.steps - 1), it.between(it.steps, 2 * it.steps)[1]
    # A later value above all that were reached is a peak not reached, not a rise after the end.
    if now + NOTICEABLE * it.peak < later <= (1 + TINY) * it.peak < math.inf:
        yield Finding(
            "rises_after_end",
            f"After the last update the rate rises again, from {now:.4g} to {later:.4g}.",
            1.0,
            f"Cut it, lr[:{it.steps}], so that a longer training holds the end value.",
            (("end", now), ("later", later)),
        )


def _jump(it: _Subject) -> Iterator[Finding]:
    for (_, part), (start, after) in pairwise(it.parts):
        before, now = finite_at(part, part.length), finite_at(after, 0)
        size = float(np.max(np.abs(np.subtract(now, before))))
        steps_by_intent = isinstance(part, Constant) and isinstance(after, Constant)
        if not steps_by_intent and start < it.end and NOTICEABLE * it.peak < size < math.inf:
            yield Finding(
                "jump",
                f"The rate jumps at update {start}, from {np.max(before):.4g} to {np.max(now):.4g}.",
                0.8,
                "Let the part that follows start at the end value of the one before, unless a jump is meant.",
                (("step", start), ("from", float(np.max(before))), ("to", float(np.max(now)))),
            )


def _float32_horizon(it: _Subject) -> Iterator[Finding]:
    if FLOAT32_STEPS < it.end < math.inf:
        yield Finding(
            "float32_horizon",
            f"The run of {int(it.end)} updates is beyond {FLOAT32_STEPS}, where a float32 counter merges steps.",
            0.7,
            "Count the steps in integers; the adapters of stepsize do.",
        )


def _warmup(it: _Subject) -> Iterator[Finding]:
    if it.steps is not None and it.warmup >= it.steps:
        message = f"The warmup takes {it.warmup} updates, the training {it.steps}: it never ends."
        yield Finding("warmup_longer_than_run", message, 1.0, "Shorten the warmup, or train longer.")


def _decay_and_run(it: _Subject) -> Iterator[Finding]:
    if it.steps is None or math.isinf(it.node.length) or it.warmup >= it.node.length:
        return
    length, end = int(it.node.length), it.at(it.node.length)
    if length < (1 - SLACK) * it.steps and end < (1 - NOTICEABLE) * it.peak:
        message = f"The decay ends at update {length} of {it.steps}; the last {it.steps - length} run at {end:.4g}."
        yield Finding("decays_too_early", message, 0.9, f"Make it {it.steps} updates long.")
    if length > it.steps and it.at(it.steps) > end + NOTICEABLE * it.peak:
        message = f"The training ends at update {it.steps} of the schedule's {length}, still at {it.at(it.steps):.4g}."
        yield Finding("decays_too_late", message, 0.9, f"Make it {it.steps} updates long, or train to its end.")


def _never_decays(it: _Subject) -> Iterator[Finding]:
    last = it.at(it.end if it.steps is None else it.steps - 1)
    if 0 < it.peak < math.inf and last > (1 - NOTICEABLE) * it.peak:
        message = f"The rate ends at its highest value, {last:.4g}; it never decays."
        yield Finding("never_decays", message, 0.6, "Add a decay: .cooldown(steps).")


RULES = (
    _negative,
    _zero_first_update,
    _peak_never_reached,
    _rises_after_end,
    _jump,
    _float32_horizon,
    _warmup,
    _decay_and_run,
    _never_decays,
)
