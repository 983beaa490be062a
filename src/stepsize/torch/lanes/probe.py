"""The probe: a few updates of one run and of several lanes say how the runs are made fastest.

An update of n lanes takes about a + b n seconds: a is what it costs to say what is to be done, b is a lane's own
arithmetic. One run after another pays s for each of its updates. Lanes win where (a + b n) / n < s, never where
b > s: on a processor that one run keeps busy.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from stepsize._randomness import preserved_randomness
from stepsize.torch.lanes.lane import Lane
from stepsize.torch.lanes.train import Training

if TYPE_CHECKING:
    from stepsize.torch.task import Task

# Lanes that are tried, each only if the one before was better than all fewer.
RUNGS = (1, 4, 16, 64, 256)
# Updates of which the quickest counts.
TIMED = 3
# The share of the runs' time that a further trial may take.
WORTH = 0.05
# Lanes that save less than this share are not worth it: times are not that sure.
MARGIN = 0.1
# Runs that take less than this many seconds altogether are made faster than they are probed.
SHORT = 0.5
# Lanes that are slower than runs alone may be quicker once compiled: that is tried where the runs take so many
# seconds altogether that a vain try is a small share of them, with at most so many lanes, and where an update of a
# run takes no more than so many seconds: a longer one keeps a processor busy, and is too large to try with many.
LONG, COMPILED, BUSY = 600.0, 64, 5e-3
# A horizon at which no trial is evaluated, but for its first update.
FAR = 10**9


@final
@dataclass(frozen=True)
class Choice:
    """How many lanes to make at a time, and why.

    Attributes:
        lanes: at a time; 1 means one run after another.
        reason: in one sentence.
        least: with this many lanes left, or fewer, each is better computed by itself.
        seconds: of an update of that many lanes; 0 where it was not measured.
        limit: seconds of a lane's update that have to be reached by compiling; 0 where they need not.
    """

    lanes: int
    reason: str
    least: int = 0
    seconds: float = 0.0
    limit: float = 0.0


def pace(task: Task, lane: Lane) -> float:
    """Seconds of one update of a run made alone."""
    with preserved_randomness():
        job = lane.job
        session = task.start(lane.policy, FAR, job.seed, dict(job.settings))
        try:
            return _quickest(lambda: session.update({}))
        finally:
            session.close()


def choice(task: Task, lanes: Sequence[Lane], alone: float) -> Choice:
    """How many of these lanes to make at a time.

    Args:
        task: what is trained.
        lanes: that fit one stack.
        alone: seconds of one update of a run made alone.
    """
    most, total = len(lanes), alone * sum(lane.steps for lane in lanes)
    times: dict[int, float] = {}
    for rung in sorted({min(rung, most) for rung in RUNGS}):
        if len(times) > 1 and not _climbs(times, rung, alone, total):
            break
        try:
            times[rung] = _seconds(task, [lanes[i % most] for i in range(rung)])
        except Exception as error:  # so many do not fit in memory
            if len(times) < 2:
                return Choice(1, f"{rung} side by side end in {type(error).__name__}: {error}")
            break
    best = min(times, key=lambda n: times[n] / n)
    each = times[best] / best
    if best == 1 or each > (1 - MARGIN) * alone:
        slow = f"side by side an update of a run takes {_ms(each)}, alone {_ms(alone)}"
        if total < LONG or alone > BUSY:
            return Choice(1, slow)
        return Choice(min(most, COMPILED), slow, 0, each * min(most, COMPILED), (1 - MARGIN) * alone)
    first, more = _fit(times)
    least = math.ceil(first / (alone - more)) if more < alone else 0
    reason = f"{best} at a time an update of a run takes {_ms(each)}, alone {_ms(alone)}"
    return Choice(best, reason, min(least, best - 1), times[best])


def _climbs(times: dict[int, float], rung: int, alone: float, total: float) -> bool:
    """Whether to try that many lanes too."""
    first, more = _fit(times)
    rungs = sorted(times)
    better = times[rungs[-1]] / rungs[-1] < (1 - MARGIN / 2) * times[rungs[-2]] / rungs[-2]
    return better and more < alone and (first + more * rung) * (TIMED + 1) < WORTH * total


def _fit(times: dict[int, float]) -> tuple[float, float]:
    """a and b of a + b n, by the fewest lanes and the next."""
    few, many = sorted(times)[:2]
    more = max(0.0, (times[many] - times[few]) / (many - few))
    return max(0.0, times[few] - more * few), more


def _seconds(task: Task, lanes: Sequence[Lane]) -> float:
    with preserved_randomness():
        trial = Training(task, lanes, lambda index, step: None)
        return _quickest(trial.update)


def _quickest(update: Callable[[], object]) -> float:
    """Seconds of the quickest of a few updates, after one that warms up."""
    update()
    times = []
    for _ in range(TIMED):
        begun = time.perf_counter()
        update()
        times.append(time.perf_counter() - begun)
    return min(times)


def _ms(seconds: float) -> str:
    return f"{1e3 * seconds:.3g} ms"
