"""TensorBoard events: the scalars in a file, or in a folder of them, as they are written by TensorBoard's own writer,
by `torch.utils.tensorboard` and by `tf.summary`.

A file is a chain of records, each a length, a checksum of the length, a message, and a checksum of the message
(TFRecord; the checksums are CRC-32C, masked). A message is an `Event` in Protocol Buffers' wire format, of which only
the fields that lead to a scalar are followed.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from stepsize.errors import UnreadableRun
from stepsize.run.column import Column, column
from stepsize.run.log import Log
from stepsize.run.readers.names import by_house_names
from stepsize.run.readers.source import Source

FORMAT = "TensorBoard events"

HEAD = struct.Struct("<QI")
# A record above SKIPPED bytes is a picture or a graph; one above CHECKED is too long to be summed up in Python.
SKIPPED, CHECKED = 2**20, 4096
# TensorFlow's numbers of the types a scalar may have.
TYPES = {1: "<f4", 2: "<f8", 3: "<i4", 4: "u1", 5: "<i2", 6: "i1", 9: "<i8", 17: "<u2", 19: "<f2", 22: "<u4", 23: "<u8"}
BFLOAT16 = 14
# Fields of a TensorProto that hold values, and what one value looks like there; None is a varint.
VALUES: dict[int, str | None] = {5: "<f", 6: "<d", 7: None, 10: None, 16: None, 17: None}
# name -> (steps, values), as they come
Scalars = dict[str, tuple[list[int], list[float]]]


def recognises(source: Source) -> bool:
    """Whether this is a file of events, or a folder that holds some, however deep."""
    if source.folder:
        return bool(_files(source.path))
    head = source.head[: HEAD.size]
    return len(head) == HEAD.size and _sound(head[:8], HEAD.unpack(head)[1])


def read(path: Path) -> list[Log]:
    """The scalars as one run; see `read_scalars`."""
    return [Log(read_scalars(path))]


def read_scalars(path: Path, exact: str = "") -> dict[str, Column]:
    """The scalars by the names they have here, and the tag `exact` by its own too.

    A last record that was cut off, or is being written, is left out.
    Where a folder holds several folders of events, as Keras writes `train` and `validation`, the folder is part of
    the name. In one folder a later file takes over from its first step on: that is a training resumed.

    Raises:
        UnreadableRun: damage anywhere else, or no scalar at all.
    """
    folders: dict[Path, Scalars] = {}
    for file in _files(path) if path.is_dir() else [path]:
        _take_over(folders.setdefault(file.parent, {}), _scalars(file))
    shared = Path(os.path.commonpath([*folders]))
    found = {
        _joined(folder.relative_to(shared), tag): _column(*pair)
        for folder, scalars in folders.items()
        for tag, pair in scalars.items()
    }
    if not found:
        raise UnreadableRun(f"{path}: TensorBoard events without any scalar")
    return by_house_names(found, exact)


def _files(folder: Path) -> list[Path]:
    """By name, in which the time comes first."""
    return sorted(file for file in folder.rglob("*tfevents*") if file.is_file())


def _joined(folder: Path, tag: str) -> str:
    return tag if folder == Path() else f"{folder.as_posix()}/{tag}"


def _column(steps: list[int], values: list[float]) -> Column:
    # A writer that was given no step puts everything at 0.
    return column(list(range(len(steps))) if len(steps) > 1 and len(set(steps)) == 1 else steps, values)


def _take_over(earlier: Scalars, later: Scalars) -> None:
    for tag, (steps, values) in later.items():
        before = zip(*earlier.get(tag, ((), ())), strict=True)
        kept = [(step, value) for step, value in before if step < steps[0]]
        earlier[tag] = [step for step, _ in kept] + steps, [value for _, value in kept] + values


def _scalars(path: Path) -> Scalars:
    """The scalars in one file."""
    found: Scalars = {}
    for at, record in _records(path):
        try:
            for step, tag, value in _event(record):
                steps, values = found.setdefault(tag, ([], []))
                steps.append(step)
                values.append(value)
        except (ValueError, IndexError, TypeError, AttributeError, struct.error, OverflowError) as error:
            raise UnreadableRun(f"{path}, byte {at}: not a TensorBoard event: {error}") from error
    return found


def _records(path: Path) -> Iterator[tuple[int, bytes]]:
    """Each whole record with the byte it begins at, one at a time."""
    size = path.stat().st_size
    with path.open("rb") as file:
        at = 0
        while len(head := file.read(HEAD.size)) == HEAD.size:
            length, check = HEAD.unpack(head)
            if not _sound(head[:8], check):
                raise UnreadableRun(f"{path}, byte {at}: damaged: the length of a record does not fit its checksum")
            begun, at = at, at + HEAD.size + length + 4
            if at > size:
                return
            if length > SKIPPED:
                file.seek(at)
                continue
            body = file.read(length + 4)
            if len(body) < length + 4:
                return
            if length <= CHECKED and _masked(body[:-4]) != struct.unpack("<I", body[-4:])[0]:
                raise UnreadableRun(f"{path}, byte {begun}: damaged: a record does not fit its checksum")
            yield begun, body[:-4]


def _event(message: bytes) -> Iterator[tuple[int, str, float]]:
    """Event: step = 2, summary = 5; Summary: value = 1."""
    fields = dict(_fields(message))
    step = fields.get(2, 0)
    for number, value in _fields(fields.get(5, b"")):
        if number == 1 and (scalar := _value(value)) is not None:
            yield step - 2**64 if step >= 2**63 else step, *scalar


def _value(message: bytes) -> tuple[str, float] | None:
    """Value: tag = 1, simple_value = 2, tensor = 8, metadata = 9; None where it is no scalar."""
    fields = dict(_fields(message))
    tag = fields.get(1, b"").decode()
    if 2 in fields:
        return tag, struct.unpack("<f", fields[2])[0]
    # metadata: plugin_data = 1, whose plugin_name = 1
    plugin = dict(_fields(dict(_fields(fields.get(9, b""))).get(1, b""))).get(1, b"scalars")
    number = _tensor(fields[8]) if 8 in fields and plugin == b"scalars" else None
    return None if number is None else (tag, number)


def _tensor(message: bytes) -> float | None:
    """TensorProto: dtype = 1, shape = 2, content = 4, half_val = 13, `VALUES`; None where it is no single number."""
    fields = dict(_fields(message))
    kind = fields.get(1, 0)
    if fields.get(2) or kind not in (*TYPES, BFLOAT16):
        return None
    content = fields.get(4) or (_varint(fields[13], 0)[0].to_bytes(2, "little") if 13 in fields else b"")
    if content:
        if kind == BFLOAT16:
            return float(np.frombuffer(b"\0\0" + content, "<f4")[0])
        return float(np.frombuffer(content, TYPES[kind])[0])
    for number, form in VALUES.items():
        if number in fields:
            return _number(fields[number], form)
    return 0.0  # zeros are left out


def _number(raw: Any, form: str | None) -> float:
    """One value, packed or not."""
    if form is not None:
        return float(struct.unpack(form, raw)[0])
    whole = _varint(raw, 0)[0] if isinstance(raw, bytes) else raw
    return float(whole - 2**64 if whole >= 2**63 else whole)


def _fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """Each field's number with its value: an int for a varint, else bytes."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        kind = key & 7
        if kind == 0:
            value, at = _varint(message, at)
            yield key >> 3, value
            continue
        size = {1: 8, 5: 4}.get(kind)
        if kind == 2:
            size, at = _varint(message, at)
        if size is None or at + size > len(message):
            raise ValueError("a field does not fit")
        yield key >> 3, message[at : at + size]
        at += size


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """The number that begins at `at`, seven bits a byte, and where it ends."""
    number = 0
    for shift in range(0, 70, 7):
        byte = message[at]
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number & (2**64 - 1), at
    raise ValueError("a number of more than ten bytes")


@cache
def _table() -> tuple[int, ...]:
    def entry(value: int) -> int:
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        return value

    return tuple(entry(value) for value in range(256))


@lru_cache(maxsize=1024)
def _sound(length: bytes, check: int) -> bool:
    """Whether a length fits its checksum; records have few different lengths."""
    return _masked(length) == check


def _masked(data: bytes) -> int:
    table, value = _table(), 0xFFFFFFFF
    for byte in data:
        value = table[(value ^ byte) & 255] ^ value >> 8
    value ^= 0xFFFFFFFF
    return ((value >> 15 | value << 17) + 0xA282EAD8) & 0xFFFFFFFF
