"""The file through which a running training is asked to start its decay."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import final

from stepsize.errors import InvalidSchedule
from stepsize.request import Cooldown, read_request
from stepsize.torch.cooldown import complain


@final
class Watch:
    """A file, looked at now and then.

    Args:
        path: it need not exist.
        every: seconds between two looks.
        clock: tells the seconds.
    """

    def __init__(
        self, path: str | os.PathLike[str], every: float = 1.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.path, self.every, self.clock = os.fspath(path), every, clock
        self._next = -float("inf")
        self._last: tuple[int, ...] | None = None

    def poll(self) -> Cooldown | None:
        """The request that the file holds, if it is time to look and the file is new."""
        now = self.clock()
        if now < self._next:
            return None
        self._next = now + self.every
        try:
            found = os.stat(self.path)
            seen, self._last = self._last, (found.st_mtime_ns, found.st_size, found.st_ino)
            return None if seen == self._last else read_request(self.path)
        except InvalidSchedule as error:
            complain(f"{error}; the training goes on as before")
        except OSError:
            self._last = None
        return None
