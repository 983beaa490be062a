"""CRC-32C, of one message and of many that are alike.

A CRC is linear: what a byte adds to it depends on the byte and on how far from the end it stands, and on nothing else.
So there is a table for each distance, and messages of one length that differ in a few bytes cost only these.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

POLYNOMIAL = np.uint32(0x82F63B78)
# What TensorFlow adds to a checksum that is stored beside what it sums up.
MASK = np.uint32(0xA282EAD8)
# Bytes summed up together; as many tables are kept at most.
BLOCK = 4096


def _of_bytes() -> NDArray[np.uint32]:
    """What a last byte adds."""
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & np.uint32(1), table >> np.uint32(1) ^ POLYNOMIAL, table >> np.uint32(1))
    return table


_tables = _of_bytes()[np.newaxis]


def tables(length: int) -> NDArray[np.uint32]:
    """What each byte adds at each distance from the end, for messages of up to `length` bytes."""
    global _tables
    if length > len(_tables):
        grown = np.empty((max(length, 64), 256), np.uint32)
        grown[: len(_tables)] = _tables
        for distance in range(len(_tables), len(grown)):
            before = grown[distance - 1]
            grown[distance] = grown[0, before & 255] ^ before >> 8
        _tables = grown
    return _tables


def crc32c(message: bytes) -> int:
    """The checksum of one message.

    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    state, table = 0xFFFFFFFF, tables(BLOCK)
    for at in range(0, len(message), BLOCK):
        data = np.frombuffer(message[at : at + BLOCK], np.uint8).copy()
        if data.size < 4:  # the state reaches beyond what is left
            return _one_by_one(state, data.tolist()) ^ 0xFFFFFFFF
        data[:4] ^= np.frombuffer(state.to_bytes(4, "little"), np.uint8)
        state = int(np.bitwise_xor.reduce(table[np.arange(data.size - 1, -1, -1), data]))
    return state ^ 0xFFFFFFFF


def masked(message: bytes) -> int:
    """The checksum of one message as TensorFlow stores it."""
    return int(as_masked(np.array([crc32c(message)], np.uint32))[0])


def as_masked(crc: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Checksums as TensorFlow stores them: turned, and with a number added."""
    return (crc >> np.uint32(15) | crc << np.uint32(17)) + MASK


def changes(rows: NDArray[np.uint8], first: NDArray[np.uint8], where: NDArray[np.intp]) -> NDArray[np.uint32]:
    """By what the checksums of messages differ from that of `first`; the bytes `where` may be others in them."""
    table = tables(first.size)
    change = np.zeros(len(rows), np.uint32)
    for at in where.tolist():
        change ^= table[first.size - 1 - at].take(rows[:, at] ^ first[at])
    return change


def of_lengths() -> NDArray[np.uint32]:
    """The checksum of each number below 65,536, as eight bytes."""
    table = tables(8)
    zero = np.uint32(crc32c(bytes(8)))
    pairs: NDArray[np.uint32] = zero ^ table[6][:, np.newaxis] ^ table[7]
    return pairs.ravel()


def _one_by_one(state: int, message: list[int]) -> int:
    for byte in message:
        state = int(_tables[0, (state ^ byte) & 255]) ^ state >> 8
    return state
