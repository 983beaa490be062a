"""A process and all that it has started: the memory they hold, and their end."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import final

from stepsize._extras import extra

with extra("tune"):
    import psutil

# Seconds between two looks at who has started whom: one look reads about every process of the machine.
CENSUS = 1.0


@final
class Families:
    """The memory of processes, each with those that it has started, looked at often."""

    def __init__(self) -> None:
        self._members: dict[int, list[psutil.Process]] = {}
        self._counted = 0.0

    def memory(self, leaders: Iterable[int]) -> dict[int, int]:
        """Bytes that each process and those it has started hold; 0 for one that has ended."""
        wanted = set(leaders)
        if time.monotonic() > self._counted + CENSUS or not wanted <= self._members.keys():
            self._members, self._counted = _census(wanted), time.monotonic()
        return {leader: sum(map(_resident, self._members[leader])) for leader in wanted}


def _census(leaders: set[int]) -> dict[int, list[psutil.Process]]:
    living = {process.pid: process for process in psutil.process_iter(["ppid"])}
    members: dict[int, list[psutil.Process]] = {leader: [] for leader in leaders}
    for process in living.values():
        ancestor = process.pid
        while ancestor in living and ancestor not in leaders:
            above = living[ancestor].info["ppid"]
            ancestor = -1 if above in (None, ancestor) else above
        if ancestor in living and ancestor in leaders:
            members[ancestor].append(process)
    return members


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:  # it has ended, or turned into something that is not ours
        return 0


def end(leader: int) -> None:
    """Kill a process that leads a group, and all that it has started, at once."""
    with suppress(psutil.NoSuchProcess):
        for process in psutil.Process(leader).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                process.kill()
    # When the leader is gone already, what it started is found by its group only.
    with suppress(ProcessLookupError, PermissionError, psutil.NoSuchProcess):
        if hasattr(os, "killpg"):
            os.killpg(leader, signal.SIGKILL)
        else:
            psutil.Process(leader).kill()
