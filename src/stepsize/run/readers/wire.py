"""Protocol Buffers' wire format: the fields of a message, without its schema.

<https://protobuf.dev/programming-guides/encoding/>
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

# The kinds of field that are in use, and how many bytes two of them have.
VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
SIZES = {FIXED64: 8, FIXED32: 4}


def fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """Each field's number with its value: an int for a varint, else bytes.

    >>> list(fields(bytes([8, 150, 1, 18, 2]) + b"hi"))
    [(1, 150), (2, b'hi')]

    Raises:
        ValueError: a field does not fit into the message, or is of a kind that is no longer in use.
        IndexError: the message ends in a number.
    """
    for number, kind, start, stop in spans(message, 0, len(message)):
        yield number, varint(message, start)[0] if kind == VARINT else message[start:stop]


def spans(message: bytes, at: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Each field between two bytes of a message: its number, its kind, and where its value begins and ends.

    >>> list(spans(bytes([8, 150, 1, 18, 2]) + b"hi", 0, 7))
    [(1, 0, 1, 3), (2, 2, 5, 7)]

    Raises: like `fields`.
    """
    while at < end:
        key, start = varint(message, at)
        kind = key & 7
        if kind == VARINT:
            at = varint(message, start)[1]
        elif kind == LENGTH:
            size, start = varint(message, start)
            at = start + size
        elif kind in SIZES:
            at = start + SIZES[kind]
        else:
            raise ValueError(f"no field is of kind {kind}")
        if at > end:
            raise ValueError("a field does not fit")
        yield key >> 3, kind, start, at


def varint(message: bytes, at: int) -> tuple[int, int]:
    """The number that begins at `at`, seven bits a byte, and where it ends; at most 64 bits of it are kept.

    Raises:
        ValueError: more than ten bytes.
        IndexError: the message ends before the number does.
    """
    number = 0
    for shift in range(0, 70, 7):
        byte = message[at]
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number & (2**64 - 1), at
    raise ValueError("a number of more than ten bytes")
