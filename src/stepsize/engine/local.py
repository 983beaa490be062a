"""`Local`: one run after another, in this process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, final

from stepsize.engine.engine import Watch
from stepsize.job import Job
from stepsize.loop import drive
from stepsize.run import Run


@final
class Local:
    """The engine that needs nothing: this process makes one run after another."""

    def runs(self, training: Any, jobs: Sequence[Job], watch: Watch) -> Iterator[tuple[int, Run]]:
        """Each job's run, in their order."""
        for index, job in enumerate(jobs):

            def tell(step: int, seen: dict[str, float], index: int = index) -> bool:
                watch(index, step)
                return True

            yield index, drive(training, job.policy, job.steps, job.seed, job.settings, tell)

    def close(self) -> None:
        """There is nothing to let go of."""
