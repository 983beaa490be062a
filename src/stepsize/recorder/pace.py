"""`Pace`: how often something dear may be measured, so that it takes a small share of the time."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import final

from stepsize._codec import summary
from stepsize.errors import InvalidTraining

# A third of what a recorder may take; the rest is for rows, and for telling trackers.
SHARE = 0.0018
# Seconds given in advance, so that a short training is measured as well.
CREDIT = 0.005
# Seconds that the first measurement counts at the most: it pays for what is done once.
FIRST = 0.01
# So many updates pass at the most without a look at the clock.
UNSEEN = 256


@final
class Pace:
    """Says at which updates to measure.

    Left to itself, it measures the first updates, then after gaps of 2, 4, 8, ..., until the gap is one that the share
    of the time allows. Between them no clock is read.

    Args:
        every: measure the updates whose number it divides; None for as often as `share` of the time allows.
        share: of the time, by default 0.18 %; on top come 5 ms. Of the very first measurement 10 ms count at the most:
            it pays for what is done once, such as compiling and getting memory.
        clock: tells the seconds.
        cpu: tells those that the process was computing. The smaller of the two counts: on a crowded machine time
            passes in which nobody trains.

    Attributes:
        left: so many of the next updates are not measured for sure, and need not ask; 0 asks again.
    Raises:
        InvalidTraining: `every` is not a whole number of at least 1.

    >>> pace = Pace(every=10)
    >>> [update for update in range(30) if pace.due(update)]
    [0, 10, 20]
    """

    def __init__(
        self,
        every: int | None = None,
        share: float = SHARE,
        clock: Callable[[], float] = time.perf_counter,
        cpu: Callable[[], float] = time.process_time,
    ) -> None:
        if every is not None and (isinstance(every, bool) or not isinstance(every, int) or every < 1):
            raise InvalidTraining(f"every must be a whole number of updates, at least 1, got {summary(every)}")
        self.every, self.share, self.clock, self.cpu = every, share, clock, cpu
        self.left = 0
        self._begun: tuple[float, float] | None = None
        self._spent = self._expected = self._passed = 0.0
        self._count = self._asked = 0

    def due(self, update: int) -> bool:
        """Whether to measure at `update`; to be asked once an update, or after `left` more of them."""
        if self.every is not None:
            self.left = self.every - 1 - update % self.every
            return update % self.every == 0
        if self.left > 0:
            self.left -= 1
            return False
        return self._affords()

    def spend(self, seconds: float) -> None:
        """Note what a measurement took."""
        counted = seconds if self._count else min(seconds, FIRST)
        self._spent += counted
        self._count += 1
        if self._count > 1:
            self._expected += (counted - self._expected) / (self._count - 1)
        if self.every is None:
            self._wait(min(2.0 ** min(self._count - 1, 60), self._updates_in(self._expected / self.share)) - 1)

    def _affords(self) -> bool:
        self._asked += 1
        begun = self._begun = self._begun or (self.clock(), self.cpu())
        self._passed = min(self.clock() - begun[0], self.cpu() - begun[1])
        missing = (self._spent + self._expected - CREDIT) / self.share - self._passed
        if missing > 0:
            self._wait(min(self._updates_in(missing), self._asked) - 1)
        return missing <= 0

    def _updates_in(self, seconds: float) -> float:
        """As many as there were in such a time until now."""
        return self._asked * seconds / self._passed if self._passed > 0 else math.inf

    def _wait(self, updates: float) -> None:
        self.left = max(0, math.ceil(min(updates, UNSEEN)))
        self._asked += self.left
