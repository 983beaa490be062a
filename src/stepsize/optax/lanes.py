"""Many runs of a task in one compiled program: `jit(loop(vmap(update)))`.

Runs whose policies have one `Form` share a stack, a lane each. Between two looks at what happened a stack
makes up to `CHUNK` updates without leaving the compiled loop, and that alone makes small models many times
faster. More lanes at once are faster still on a GPU and for tiny models; for others they only fall out of
the cache. So a few updates are timed, and the widest stack that pays is taken.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from stepsize.errors import StepsizeError
from stepsize.job import Job
from stepsize.optax.group import Group, Lane
from stepsize.optax.layout import Layout, chosen
from stepsize.optax.stack import Stack
from stepsize.run import Run

if TYPE_CHECKING:
    from stepsize.optax.task import Task

Watch = Callable[[int, int], None]


def side_by_side(
    task: Task, jobs: Sequence[Job], watch: Watch, width: int | None = None
) -> Iterator[tuple[int, Run | str]]:
    """Each job's run, or why it is better made alone.

    Args:
        task: the training.
        jobs: the runs to make.
        watch: told the index of a job and the update made.
        width: lanes at once, a power of two; None times a few updates and takes what is fastest.
    """
    kinds: defaultdict[Any, list[Lane]] = defaultdict(list)
    for index, job in enumerate(jobs):
        try:
            lane = Lane(task, index, job)
        except StepsizeError as error:
            yield index, str(error)
        else:
            kinds[lane.kind].append(lane)
    for lanes in kinds.values():
        yield from _together(task, lanes, watch, width)


def _together(task: Task, lanes: list[Lane], watch: Watch, width: int | None) -> Iterator[tuple[int, Run | str]]:
    left = {lane.index for lane in lanes}
    try:
        # Runs of like length end together, so that few lanes wait for others.
        group = Group(task, sorted(lanes, key=lambda lane: -lane.steps))
        layout = chosen(group) if width is None else Layout(width, "as asked")
        reason = layout.reason
        for begin in range(0, len(lanes), layout.width) if layout.width else ():
            for index, run in Stack(group, group.lanes[begin : begin + layout.width]).runs(watch):
                left.discard(index)
                yield index, run
    except Exception as error:  # whatever the user's code raises: alone, it is that run's outcome
        reason = f"it could not be made side by side: {type(error).__name__}: {error}"
    for index in sorted(left):
        yield index, reason
