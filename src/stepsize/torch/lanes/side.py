"""`side_by_side`: the runs of many jobs of a Task, as lanes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from stepsize.job import Job
from stepsize.run import Run
from stepsize.torch.lanes.check import Draws, check
from stepsize.torch.lanes.lane import Lane, Origin, Unfit, lane
from stepsize.torch.lanes.probe import SHORT, Choice, choice, pace
from stepsize.torch.lanes.train import Training

if TYPE_CHECKING:
    from stepsize.torch.task import Task

LONELY = "no other run is like it in model, batch size and optimizer"
LOG = logging.getLogger("stepsize.torch.lanes")

Watch = Callable[[int, int], None]
Made = tuple[int, Run | str]
Choose = Callable[["Task", Sequence[Lane], float], Choice]


def side_by_side(task: Task, jobs: Sequence[Job], watch: Watch, choose: Choose = choice) -> Iterator[Made]:
    """Each job's run, or why it is better made alone, as `SideBySide` asks.

    Args:
        task: what is trained.
        jobs: the runs to make.
        watch: told of updates made.
        choose: how many lanes at a time, for lanes that fit one stack and the seconds of an update made alone.
    """
    lanes: list[Lane] = []
    origins: list[Origin] = []
    for index, job in enumerate(jobs):
        try:
            lanes.append(lane(task, index, job, origins))
        except Exception as error:  # made alone, it fails or raises as it must
            yield index, _words(error)
    for group in _groups(lanes):
        yield from _made(task, group, watch, choose)


def _made(task: Task, group: list[Lane], watch: Watch, choose: Choose) -> Iterator[Made]:
    """The runs of lanes that differ in nothing but seeds, steps and numbers."""
    try:
        stacks, alone, draws = _planned(task, group, quick=choose is choice)
    except Exception as error:
        yield from ((one.index, _words(error)) for one in group)
        return
    for stack in stacks:
        chosen = Choice(1, LONELY) if len(stack) == 1 else choose(task, stack, alone)
        if chosen.lanes < 2:
            yield from ((one.index, chosen.reason) for one in stack)
            continue
        # A compiler draws other random numbers, and wants batches of one size.
        if draws.update or not isinstance(task.train, tuple):
            chosen = replace(chosen, seconds=0.0)
        yield from _chunk_by_chunk(task, _chunks(stack, chosen.lanes), watch, chosen)


def _chunk_by_chunk(task: Task, chunks: list[list[Lane]], watch: Watch, chosen: Choice) -> Iterator[Made]:
    LOG.info("%d runs side by side: %s", sum(map(len, chunks)), chosen.reason)
    vain = ""
    for chunk in chunks:
        if vain:
            yield from ((one.index, vain) for one in chunk)
            continue
        for index, made in _trained(task, chunk, watch, chosen):
            if chosen.limit and isinstance(made, str):
                vain = made  # the compiler will do no better with the next
            yield index, made


def _planned(task: Task, group: list[Lane], quick: bool) -> tuple[list[list[Lane]], float, Draws]:
    """The stacks, the seconds that an update of a run takes alone, and what random numbers are drawn.

    Raises:
        Unfit: there is no stack to make; or anything that the task's own code raises.
    """
    if len(group) == 1:
        raise Unfit(LONELY)
    alone = pace(task, group[0]) if quick else 0.0
    if quick and (total := alone * sum(one.steps for one in group)) < SHORT:
        raise Unfit(f"together they take about {total:.1g} s, which is too short to gain from")
    draws = check(task, group[0])
    return _apart(group, draws, isinstance(task.train, tuple)), alone, draws


def _trained(task: Task, lanes: list[Lane], watch: Watch, chosen: Choice) -> Iterator[Made]:
    left = lanes
    try:
        training = Training(task, lanes, watch, chosen.least, chosen.seconds, chosen.limit)
        for made in training.runs():
            left = [one for one in left if one.index != made[0]]
            yield made
    except Exception as error:  # of the task's code or of memory: the runs it was to be are made alone
        yield from ((one.index, _words(error)) for one in left)


def _chunks(stack: list[Lane], most: int) -> list[list[Lane]]:
    """About equally many lanes each, at most so many."""
    count = -(-len(stack) // most)
    bounds = [len(stack) * i // count for i in range(count + 1)]
    return [stack[begin:end] for begin, end in pairwise(bounds)]


def _groups(lanes: Sequence[Lane]) -> list[list[Lane]]:
    groups: list[list[Lane]] = []
    for one in sorted(lanes, key=lambda each: -each.steps):  # lanes of a chunk end together
        for group in groups:
            if group[0].fits(one):
                group.append(one)
                break
        else:
            groups.append([one])
    return groups


def _apart(group: Sequence[Lane], draws: Draws, pair: bool) -> list[list[Lane]]:
    """Stacks whose lanes draw the same random numbers and see the same batches, where that matters."""
    stacks: list[list[Lane]] = []
    for one in group:
        for stack in stacks:
            if _draw_alike(stack[0], one, draws, pair):
                stack.append(one)
                break
        else:
            stacks.append([one])
    return stacks


def _draw_alike(one: Lane, other: Lane, draws: Draws, pair: bool) -> bool:
    if pair and not draws.update and not draws.evaluation:
        return True
    same = one.job.seed == other.job.seed and one.origin.chance.same(other.origin.chance)
    return same and (not draws.evaluation or one.steps == other.steps)


def _words(error: Exception) -> str:
    return str(error) if isinstance(error, Unfit) else f"{type(error).__name__}: {error}"
