"""TFRecord: a chain of records, each its length, a checksum of that, a message, and a checksum of the message.

A chain is followed link by link; Python would spend longer on that than on all else. So a chunk of the file is looked
at as a whole: lengths below 65,536 show themselves by six zero bytes and their checksum, and a link is right where one
record ends at the next. The same way leads back into the chain behind a damaged place.
"""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import final

import numpy as np
from numpy.typing import NDArray

from stepsize.run.readers.crc32c import as_masked, masked, of_lengths

HEAD = struct.Struct("<QI")
# Bytes around a message: its length and two checksums.
AROUND = HEAD.size + 4
# Bytes looked at together, and the records that are passed over unread: pictures and graphs.
CHUNK, SKIPPED = 2**22, 2**20
# Bytes behind the last record of a chunk, so that some may be read together with it.
SPARE = 16
# Bytes looked through together for zeros.
BLOCK = 2**16
# So many damaged places are kept.
NAMED = 8


@final
@dataclass(frozen=True)
class Chunk:
    """Whole records: the bytes, where in the file these begin, and in them each message and its length.

    Behind the last record there are at least `SPARE` bytes.
    """

    data: NDArray[np.uint8]
    at: int
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]

    def message(self, index: int) -> bytes:
        """One message."""
        start = int(self.starts[index])
        return self.data[start : start + int(self.lengths[index])].tobytes()

    def whole(self, index: int) -> bool:
        """Whether a message fits its checksum."""
        end = int(self.starts[index] + self.lengths[index])
        return whole(self.message(index), self.data[end : end + 4].tobytes())

    def place(self, index: int) -> int:
        """The byte of the file in which a record begins."""
        return self.at + int(self.starts[index]) - HEAD.size


@final
@dataclass
class Damage:
    """What of a file could not be read: how many places, and the first byte and the reason of some of them."""

    count: int = 0
    places: list[tuple[int, str]] = field(default_factory=list)

    def add(self, at: int, why: str) -> None:
        """Note one place."""
        self.count += 1
        if len(self.places) < NAMED:
            self.places.append((at, why))


def sound(head: bytes) -> bool:
    """Whether these twelve bytes are a length and its checksum."""
    return len(head) == HEAD.size and masked(head[:8]) == HEAD.unpack(head)[1]


def whole(message: bytes, check: bytes) -> bool:
    """Whether a message fits its checksum."""
    return masked(message) == int.from_bytes(check, "little")


def chunks(path: Path, damage: Damage) -> Iterator[Chunk]:
    """The whole records of a file in their order, many at a time; what is above SKIPPED bytes is left out.

    A last record that was cut off, or is being written, is left out silently. Behind any other damage reading goes on
    where the chain is found again, and `damage` says where it begins. Messages are not held against their checksums.
    """
    with path.open("rb") as file:
        walk = _Walk(file, os.fstat(file.fileno()).st_size, damage)
        while walk.at + AROUND <= walk.size:
            chunk = walk.chunk()
            if chunk.starts.size:
                yield chunk


@final
class _Walk:
    """Where in a file one stands, and whether on the chain or looking for it."""

    def __init__(self, file: io.BufferedReader, size: int, damage: Damage) -> None:
        self.at, self.size = 0, size
        self._file, self._damage = file, damage
        self._lost = False
        # Where the chain may have been lost: it was if it is found again, else the file was cut off there.
        self._doubt: int | None = None

    def chunk(self) -> Chunk:
        """The records from here on, as far as one reading goes; the next chunk begins behind them."""
        data = np.zeros(min(CHUNK, self.size - self.at) + SPARE, np.uint8)
        self._file.seek(self.at)
        got = self._file.readinto(data[:-SPARE].data)
        if got < data.size - SPARE:  # the file was cut meanwhile
            self.size = self.at + got
        links = _Links(data, got)
        began, self.at = self.at, self.at + self._walk(links)
        heads = links.taken()
        return Chunk(data, began, heads + HEAD.size, links.lengths(heads))

    def _walk(self, links: _Links) -> int:
        """Go along the chain; return where the next chunk has to begin."""
        at = 0
        while True:
            if self._lost and (at := self._found(links, at)) > links.size - HEAD.size:
                return at
            at = links.follow(at)
            head = links.data[at : min(at + HEAD.size, links.size)].tobytes()
            if len(head) < HEAD.size:
                return max(at, 1)
            length: int = HEAD.unpack(head)[0]
            end = at + AROUND + length
            if not sound(head):
                at = self._lose(links, at)
            elif self.at + end > self.size:
                at, self._lost, self._doubt = at + 1, True, self.at + at
            elif end > links.size:
                return end if length > SKIPPED else at
            else:
                at = end if length > SKIPPED else links.take(at, end)

    def _lose(self, links: _Links, at: int) -> int:
        """No record begins at `at`: return from where on to look for one."""
        self._lost = True
        if (before := links.give_up(at)) is not None:
            self._damage.add(self.at + before, "a record does not fit its checksum")
            return before + 1
        self._damage.add(self.at + at, "the length of a record does not fit its checksum")
        return at + 1

    def _found(self, links: _Links, at: int) -> int:
        """The first record from `at` on; where there is none, the place to look on from in the next chunk."""
        found = links.after(at)
        if found is None:
            return max(at, links.size - HEAD.size + 1)
        if self._doubt is not None:
            self._damage.add(self._doubt, "a record is longer than what is left of the file")
        self._lost, self._doubt = False, None
        return found


@final
class _Links:
    """The records that show themselves in some bytes, and which of them were found to be on the chain."""

    def __init__(self, data: NDArray[np.uint8], size: int) -> None:
        self.data, self.size = data, size
        self._heads = _heads(data[:size])
        self._ends = self._heads + self.lengths(self._heads) + AROUND
        # Each record that is not followed by another, and the last.
        self._breaks = np.append(np.flatnonzero(self._ends[:-1] != self._heads[1:]), self._heads.size - 1)
        self._taken: list[NDArray[np.int64]] = []

    def lengths(self, heads: NDArray[np.int64]) -> NDArray[np.int64]:
        """The lengths at some places; none has more than four bytes."""
        return _u4(self.data)[heads].astype(np.int64)

    def follow(self, at: int) -> int:
        """Take the records that follow one another from `at` on, and return where the last ends."""
        while (first := int(np.searchsorted(self._heads, at))) < self._heads.size and self._heads[first] == at:
            last = int(self._breaks[np.searchsorted(self._breaks, first)])
            last -= int(self._ends[last] > self.size)
            if last < first:
                break
            self._taken.append(self._heads[first : last + 1])
            at = int(self._ends[last])
        return at

    def take(self, at: int, end: int) -> int:
        """Take one record that is too long to show itself."""
        self._taken.append(np.array([at], np.int64))
        return end

    def give_up(self, at: int) -> int | None:
        """Leave out the record that ends at `at` if it is damaged, and return where it begins."""
        if not self._taken or not self._taken[-1].size:
            return None
        before = self._taken[-1][-1:]
        start, end = int(before[0]) + HEAD.size, int((before + self.lengths(before) + HEAD.size)[0])
        if end + 4 != at or whole(self.data[start:end].tobytes(), self.data[end:at].tobytes()):
            return None
        self._taken[-1] = self._taken[-1][:-1]
        return start - HEAD.size

    def after(self, at: int) -> int | None:
        """Where the first record from `at` on begins that shows itself."""
        first = int(np.searchsorted(self._heads, at))
        return int(self._heads[first]) if first < self._heads.size else None

    def taken(self) -> NDArray[np.int64]:
        """Where the records begin that were taken."""
        return np.concatenate(self._taken) if self._taken else np.zeros(0, np.int64)


def _heads(data: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Where a length below 65,536 stands with its checksum: six zero bytes show where to look."""
    last = data.size - HEAD.size + 1
    # Arrays that stay in the cache, and below the size for which memory is asked of the system each time.
    parts = [_six_zeros(data[at : min(at + BLOCK, last) + 7]) + at for at in range(0, max(last, 0), BLOCK)]
    found = np.concatenate([np.zeros(0, np.int64), *parts])
    words = _u4(data)
    heads: NDArray[np.int64] = found[words[found + 8] == _sums()[words[found]]]
    return heads


def _six_zeros(data: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Where the third to the eighth byte from there on are zero."""
    zero = data[2:] == 0
    two = zero[:-1] & zero[1:]
    return np.flatnonzero(two[:-4] & two[2:-2] & two[4:])


def _u4(data: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """The four bytes from each place on, as a number."""
    return np.ndarray((max(0, data.size - 3),), "<u4", buffer=data, strides=(1,))


@cache
def _sums() -> NDArray[np.uint32]:
    return as_masked(of_lengths())
