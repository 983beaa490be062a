"""LevelDB's log: blocks of 32 kB of chunks, each a checksum, a length, a type and a part of a record.

<https://github.com/google/leveldb/blob/main/doc/log_format.md>
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO, final

BLOCK = 32_768
CHUNK = struct.Struct("<IHB")
NOTHING, FULL, FIRST, MIDDLE, LAST = range(5)


@final
class LevelDBLog:
    """The records of a log with plain CRC-32 checksums, as W&B writes it.

    Args:
        stream: at its beginning.
        header: bytes before the first chunk.

    Attributes:
        damaged: how many blocks, so far, held a chunk that does not fit its checksum; the rest of such a block is
            left out, the next is read again.
    """

    def __init__(self, stream: BinaryIO, header: int = 0) -> None:
        self.damaged = 0
        self._stream = stream
        self._header = header

    def records(self) -> Iterator[bytes]:
        """Each whole record; one that is cut off at the end, or is being written, is left out."""
        parts: list[bytes] = []
        for kind, data in self._chunks():
            if kind == FULL:
                yield data
            # After damage, the rest of a record may come without its beginning.
            if kind in (MIDDLE, LAST) and parts:
                parts.append(data)
            else:
                parts = [data] if kind == FIRST else []
            if kind == LAST and parts:
                yield b"".join(parts)
                parts = []

    def _chunks(self) -> Iterator[tuple[int, bytes]]:
        """Each chunk's type with what it holds; NOTHING where some are missing."""
        at = self._header
        while block := self._stream.read(BLOCK):
            while at + CHUNK.size <= len(block):
                check, length, kind = CHUNK.unpack_from(block, at)
                end = at + CHUNK.size + length
                if end > len(block) and len(block) < BLOCK:
                    return
                if end > len(block) or zlib.crc32(block[at + CHUNK.size - 1 : end]) != check:
                    # Zeros are what a block ends in, or what a file system puts where a kill cut the file off.
                    self.damaged += bool(check or length or kind)
                    yield NOTHING, b""
                    break
                yield kind, block[at + CHUNK.size : end]
                at = end
            at = 0
