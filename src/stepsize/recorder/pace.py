"""`Pace`: how often something dear may be measured, so that it takes a small share of the time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import final

from stepsize._codec import summary
from stepsize.errors import InvalidTraining

# Half of what a recorder may take; the other half is for writing rows.
SHARE = 0.005
# Seconds given in advance, so that a short training is measured as well.
CREDIT = 0.02


@final
class Pace:
    """Says at which updates to measure.

    Args:
        every: measure the updates whose number it divides; None for as often as `share` of the time allows.
        share: of the time, by default 0.5 %; on top come 20 ms, which are spent first. The very first measurement is
            not counted: it pays for what is done once, such as compiling and getting memory.
        clock: tells the seconds.
        cpu: tells those that the process was computing. The smaller of the two counts: on a crowded machine time
            passes in which nobody trains.
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
        self._begun: tuple[float, float] | None = None
        self._spent = self._expected = 0.0
        self._count = 0

    def due(self, update: int) -> bool:
        """Whether to measure at `update`."""
        if self.every is not None:
            return update % self.every == 0
        begun = self._begun = self._begun or (self.clock(), self.cpu())
        # The second clock costs more to read, and mostly need not be.
        return self._affords(self.clock() - begun[0]) and self._affords(self.cpu() - begun[1])

    def _affords(self, passed: float) -> bool:
        return self._spent + self._expected <= CREDIT + self.share * passed

    def spend(self, seconds: float) -> None:
        """Note what a measurement took."""
        self._spent += seconds if self._count else 0.0
        self._expected = self._spent / max(self._count, 1)
        self._count += 1
