"""A stack of runs that advance together, a lane each."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, final

import jax
import jax.numpy as jnp
import numpy as np

from stepsize.optax.data import Rows
from stepsize.optax.group import Group, Lane
from stepsize.optax.program import CHUNK, Source, width
from stepsize.optax.seeds import keys
from stepsize.run import Run


@final
class Stack:
    """Runs of one form, advanced in one compiled loop; the room is a power of two, so that few are compiled."""

    def __init__(self, group: Group, lanes: Sequence[Lane]) -> None:
        self._group, self._task = group, group.task
        self._lanes = dict(enumerate(lanes))
        self._step = 0
        room = list(lanes) + [lanes[0]] * (room_for(len(lanes)) - len(lanes))
        self._seeds = [lane.seed for lane in room]
        # Runs of one seed see the same batches, which are then gathered once for all.
        self._shared = len(set(self._seeds)) == 1
        params, state = _stacked([group.start(seed) for seed in self._seeds])
        values = np.stack([group.form.table(lane.policy, 0, 1)[0] for lane in room])
        self._carry = group.program.begin_lanes(params, state, values)
        self._keys = self._stacked_keys()

    def runs(self, watch: Callable[[int, int], None]) -> Iterator[tuple[int, Run]]:
        """Make the runs; give each with its index when it has ended."""
        while self._lanes:
            begun = time.perf_counter()
            first, count = self._step, self._until_next_look()
            table, losses = self.advance(count)
            measured = self._measured()
            share = (time.perf_counter() - begun) / len(self._lanes)
            for place, lane in list(self._lanes.items()):
                lane.seconds += share
                rates = table[:count, place, 0].tolist()
                end = lane.note(first, rates, losses[:count, place].tolist(), measured.get(place, {}))
                watch(lane.index, self._step - 1)
                if end is not None:
                    del self._lanes[place]
                    yield lane.index, lane.recorder.finish(*end, seconds=lane.seconds)
            self._narrow()

    def advance(self, count: int) -> tuple[Any, Any]:
        """Make `count` updates of every lane; the values passed and the losses, by update and lane."""
        table, rows, first = self._table(count), self._rows(count), np.int32(self._step)
        source = Source(rows, self._keys)
        begun = time.perf_counter()
        self._carry, losses = self._group.program.chunk(
            self._carry, table, source, first, np.int32(count), self._task.train, shared=self._shared
        )
        seen = np.asarray(losses)
        self._task.compiled.called(self._key(width(self._carry)), time.perf_counter() - begun, count)
        self._step += count
        return table, seen

    def _stacked_keys(self) -> Any:
        made = [keys(seed)[1] for seed in self._seeds]
        return made[0] if self._shared else jnp.stack(made)

    def _until_next_look(self) -> int:
        """Updates until a lane has something to measure or has ended."""
        last = self._step + CHUNK - 1
        looks = (step for lane in self._lanes.values() for step in lane.measured if self._step <= step < last)
        return min(looks, default=last) - self._step + 1

    def _table(self, count: int) -> Any:
        by_lane = {place: self._group.form.table(lane.policy, self._step, count) for place, lane in self._lanes.items()}
        # Room that is empty repeats a lane: whatever stands there is not looked at.
        filling = next(iter(by_lane.values()))
        table = np.zeros((CHUNK, len(self._seeds), filling.shape[1]))
        table[:count] = np.stack([by_lane.get(place, filling) for place in range(len(self._seeds))], axis=1)
        return table

    def _rows(self, count: int) -> Rows:
        by_seed = {seed: self._group.order(seed).rows(self._step, count) for seed in set(self._seeds)}
        drawn = by_seed[self._seeds[0]] if self._shared else np.stack([by_seed[s] for s in self._seeds], axis=1)
        rows = np.zeros((CHUNK, *drawn.shape[1:]), np.int32)
        rows[:count] = drawn
        return rows

    def _measured(self) -> dict[int, dict[str, float]]:
        """What is to be measured after the last update, by place."""
        task, step = self._task, self._step - 1
        found: dict[int, dict[str, float]] = {}
        for prefix, data in (("val", task.val), ("test", task.test)):
            due = [place for place, lane in self._lanes.items() if step in _times(lane, prefix)]
            if data is not None and due:
                values = task.compiled.measure.lanes(self._carry, data, prefix)
                found |= {place: {**found.get(place, {}), **values[place]} for place in due}
        return found

    def _narrow(self) -> None:
        """Close the gaps that ended runs have left, where that saves more time than compiling anew takes."""
        room, before = room_for(len(self._lanes)), len(self._seeds)
        if not self._lanes or room == before:
            return
        updates = max(lane.steps for lane in self._lanes.values()) - self._step
        compiled, key = self._task.compiled, self._key(before)
        saved = updates * compiled.per_update.get(key, 0.0) * (1 - room / before)
        if self._key(room) not in compiled.first_call and saved < compiled.first_call[key]:
            return
        places = [*self._lanes, *[next(iter(self._lanes))] * (room - len(self._lanes))]
        self._carry = jax.tree.map(lambda leaf: jnp.asarray(np.asarray(leaf)[places]), self._carry)
        self._seeds = [self._seeds[place] for place in places]
        self._lanes = dict(enumerate(self._lanes.values()))
        self._keys = self._stacked_keys()

    def _key(self, room: int) -> tuple[Any, ...]:
        return *self._group.key, self._shared, room


def room_for(lanes: int) -> int:
    """The next power of two."""
    return 1 << max(0, lanes - 1).bit_length()


def _times(lane: Lane, prefix: str) -> set[int]:
    return lane.measured if prefix == "val" else {lane.steps - 1}


def _stacked(trees: Sequence[Any]) -> Any:
    return jax.tree.map(lambda *leaves: jnp.asarray(np.stack(leaves)), *trees)
