"""The scalars in a file of TensorBoard events, decoded many at a time.

Nearly all events of a file repeat: the same tag and the same bytes around it, another time, step and value. So events
of one length are sorted by their fixed bytes, one of each kind is taken apart, the others are held against it bit by
bit, and what may differ is decoded as arrays. What has no such company is read alone.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import final

import numpy as np
from numpy.typing import NDArray

from stepsize.run.readers.crc32c import as_masked, changes, crc32c
from stepsize.run.readers.event_settings import configuration_in
from stepsize.run.readers.events import Layout, layout_of
from stepsize.run.readers.settings import Stated
from stepsize.run.readers.tfrecord import Chunk, Damage, chunks

# Longer ones are read one by one.
LONG = 4096
# Among events of one length, so many different layouts are looked for; the rest is read one by one.
LAYOUTS = 64
# So many searches that find nothing alike end it.
FRUITLESS = 4
# Fewer alike than this are read one by one.
ALIKE = 4

# tag -> (steps, values), as they come
Scalars = dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]]
# where in the chunk, steps, values
Piece = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]


@final
@dataclass(frozen=True)
class Contents:
    """What one file holds.

    Attributes:
        scalars: by tag, in the order of the file.
        damage: what was left out because it cannot be read.
        stated: of the training, where the writer was told.
    """

    scalars: Scalars
    damage: Damage
    stated: Stated


def read_file(path: Path) -> Contents:
    """Read one file, a chunk at a time."""
    found: defaultdict[str, list[Piece]] = defaultdict(list)
    damage, stated = Damage(), Stated()
    for chunk in chunks(path, damage):
        for tag, pieces in _Reading(chunk, damage, stated).scalars().items():
            found[tag].append(_in_order(pieces))
    return Contents({tag: _joined(pieces) for tag, pieces in found.items()}, damage, stated)


def _joined(pieces: list[Piece]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    return np.concatenate([steps for _, steps, _ in pieces]), np.concatenate([values for *_, values in pieces])


def _in_order(pieces: list[Piece]) -> Piece:
    """Pieces of one tag, in the order of the file."""
    if len(pieces) == 1:
        return pieces[0]
    where, steps, values = (np.concatenate(parts) for parts in zip(*pieces, strict=True))
    order = np.argsort(where, kind="stable")
    return where[order], steps[order], values[order]


@final
class _Reading:
    """The events of one chunk."""

    def __init__(self, chunk: Chunk, damage: Damage, stated: Stated) -> None:
        self._chunk, self._damage, self._stated = chunk, damage, stated
        self._found: defaultdict[str, list[Piece]] = defaultdict(list)

    def scalars(self) -> dict[str, list[Piece]]:
        """Each tag with what was found of it."""
        for indices in _split(np.minimum(self._chunk.lengths, LONG + 1).astype(np.uint16)):
            self._of_one_length(indices, int(self._chunk.lengths[indices[0]]))
        return self._found

    def _of_one_length(self, indices: NDArray[np.int64], length: int) -> None:
        if length > LONG or indices.size < ALIKE:
            return self._each_alone(indices)
        rows = self._rows(indices, length)
        for group in _split(_step_widths(rows[:, :length])):
            self._of_one_width(indices[group], rows[group])
        return None

    def _of_one_width(self, indices: NDArray[np.int64], rows: NDArray[np.uint8]) -> None:
        """Read events layout by layout, then what is left one by one."""
        layouts = LAYOUTS
        while layouts > 0 and indices.size >= ALIKE:
            layout = self._layout(int(indices[0]))
            if layout is None or not layout.scalars:
                self._alone(int(indices[0]))
                indices, rows = indices[1:], rows[1:]
                continue
            left = self._of_one_layout(indices, rows, layout)
            layouts -= 1 if indices.size - left.size >= ALIKE else LAYOUTS // FRUITLESS
            indices, rows = indices[left], rows[left]
        self._each_alone(indices)

    def _rows(self, indices: NDArray[np.int64], length: int) -> NDArray[np.uint8]:
        """The bytes of events with their checksums, one a row, in whole words."""
        width = -(-(length + 4) // 8) * 8
        data = self._chunk.data
        windows = np.ndarray((data.size - width + 1,), f"V{width}", buffer=data, strides=(1,))
        return windows[self._chunk.starts[indices]].view(np.uint8).reshape(-1, width)

    def _of_one_layout(self, indices: NDArray[np.int64], rows: NDArray[np.uint8], layout: Layout) -> NDArray[np.int64]:
        """Read those events that have a layout, tag by tag; return which are left."""
        mask = np.frombuffer(layout.mask.ljust(rows.shape[1], b"\0"), np.uint64)
        groups, rest = _alike(rows.view(np.uint64), mask)
        left = [rest]
        for group in groups:
            other = layout if group[0] == 0 else self._layout(int(indices[group[0]]))
            if other is None or other.mask != layout.mask:
                left.append(group)
            else:
                self._group(indices[group], rows[group], other, mask)
        return np.sort(np.concatenate(left))

    def _group(
        self, indices: NDArray[np.int64], rows: NDArray[np.uint8], layout: Layout, mask: NDArray[np.uint64]
    ) -> None:
        """Read events of one layout and tag, where they are like the first."""
        first, length = rows[0], len(layout.mask)
        alike = ~_differ(rows.view(np.uint64), mask)
        free = np.flatnonzero(np.frombuffer(layout.mask, np.uint8) != 255)
        crc = np.uint32(crc32c(first[:length].tobytes())) ^ changes(rows, first[:length], free)
        right = as_masked(crc) == np.ascontiguousarray(rows[:, length : length + 4]).view("<u4")[:, 0]
        self._each_alone(indices[~(alike & right)])
        if not right.all() or not alike.all():
            indices, rows = indices[alike & right], rows[alike & right]
        self._keep(indices, rows, layout)

    def _keep(self, indices: NDArray[np.int64], rows: NDArray[np.uint8], layout: Layout) -> None:
        where, steps = self._chunk.starts[indices], layout.steps(rows)
        for scalar in layout.scalars:
            self._found[scalar.tag].append((where, steps, scalar.values(rows)))

    def _each_alone(self, indices: NDArray[np.int64]) -> None:
        for index in indices.tolist():
            self._alone(index)

    def _alone(self, index: int) -> None:
        """Read one event."""
        layout = self._layout(index, noting=True)
        if layout is None:
            return
        if not layout.scalars:
            self._stated.take(configuration_in(self._chunk.message(index)))
        else:
            row = np.frombuffer(self._chunk.message(index), np.uint8)[np.newaxis]
            self._keep(np.array([index]), row, layout)

    def _layout(self, index: int, noting: bool = False) -> Layout | None:
        """The layout of one event; None where it is none, or damaged."""
        message = self._chunk.message(index)
        why = "" if self._chunk.whole(index) else "a record does not fit its checksum"
        try:
            layout = None if why else layout_of(message)
        except (ValueError, IndexError) as error:
            layout, why = None, f"not a TensorBoard event: {error}"
        if why and noting:
            self._damage.add(self._chunk.place(index), why)
        return layout


def _split(kinds: NDArray[np.uint16]) -> list[NDArray[np.int64]]:
    """Which are of the same kind, ascending."""
    order = np.argsort(kinds, kind="stable")
    kinds = kinds[order]
    ends = [*(1 + np.flatnonzero(kinds[1:] != kinds[:-1])).tolist(), kinds.size]
    return [order[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)]


def _step_widths(rows: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """In how many bytes the step of an event stands, as all writers write it: behind the time; else 0."""
    width = np.zeros(len(rows), np.uint16)
    if rows.shape[1] < 21:  # no scalar is so short
        return width
    goes_on = (rows[:, 0] == 9) & (rows[:, 9] == 16)
    for at in range(10, 20):
        width += goes_on
        goes_on &= rows[:, at] >= 128
        if not goes_on.any():
            break
    return width


def _alike(words: NDArray[np.uint64], mask: NDArray[np.uint64]) -> tuple[list[NDArray[np.int64]], NDArray[np.int64]]:
    """The rows that agree in the bits of `mask`, as far as a hash tells, group by group; and those without company.

    The group of the first row is always there.
    """
    keys = (words & mask) @ _factors(mask.size)
    # The number of a row takes the place of the low bits, so that one sort does for both.
    low = np.uint64((1 << len(words).bit_length()) - 1)
    keys = np.sort(keys & ~low | np.arange(len(words), dtype=np.uint64))
    rows = (keys & low).astype(np.int64)
    starts = np.append(0, 1 + np.flatnonzero(np.diff(keys & ~low)))
    sizes = np.diff(np.append(starts, rows.size))
    kept = (sizes >= ALIKE) | (rows[starts] == 0)
    groups = [rows[at : at + size] for at, size in zip(starts[kept].tolist(), sizes[kept].tolist(), strict=True)]
    return groups, rows[np.repeat(~kept, sizes)]


def _differ(words: NDArray[np.uint64], mask: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Which rows differ from the first in the bits of `mask`."""
    differ = np.zeros(len(words), np.bool_)
    for word in np.flatnonzero(mask).tolist():
        differ |= (words[:, word] ^ words[0, word]) & mask[word] != 0
    return differ


@cache
def _factors(count: int) -> NDArray[np.uint64]:
    """Odd numbers to multiply words by; any will do, for what a hash brings together is compared."""
    return np.random.default_rng(0).integers(0, 2**63, count, np.uint64) * np.uint64(2) + np.uint64(1)
