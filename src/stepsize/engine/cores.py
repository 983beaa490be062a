"""Cores and threads: how many there are, how many a computation uses here, and how many a worker gets."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path

# A framework whose module is loaded -> the module of ours with a function `threads`.
FRAMEWORKS = {"torch": "stepsize.torch.threads"}
# What the libraries under NumPy and the frameworks read when they are loaded.
VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
# Linux: microseconds of CPU time a container may use in each period, or "max".
QUOTA = Path("/sys/fs/cgroup/cpu.max")


def free_cores() -> int:
    """The cores this process may use: those it is bound to, or fewer where a container has a quota."""
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = QUOTA.read_text().split()
        return max(1, min(bound, int(quota) // int(period)))
    except (OSError, ValueError):  # no such system, or "max"
        return bound


def threads_here() -> int:
    """The threads that a computation in this process uses: of a loaded framework, as set, or one a core."""
    for framework, ours in FRAMEWORKS.items():
        if framework in sys.modules:
            return int(import_module(ours).threads())
    said = os.environ.get("OMP_NUM_THREADS", "")
    return int(said) if said.isdigit() and int(said) else free_cores()


def share(workers: int) -> int:
    """The threads of each of so many workers: as many as here, where the cores suffice for that."""
    return max(1, min(threads_here(), free_cores() // workers))


def environment(threads: int) -> dict[str, str]:
    """The variables under which a new process uses so many threads."""
    return dict.fromkeys(VARIABLES, str(threads))
