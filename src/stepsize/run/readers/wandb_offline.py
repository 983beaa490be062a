"""W&B's own record of a run: `wandb/run-*/run-*.wandb` and `wandb/offline-run-*/run-*.wandb`, and the folder of one.

The file is a LevelDB log of messages: each a `Record` of W&B's `wandb_internal.proto` in Protocol Buffers' wire format,
of which the fields that lead to what was logged, and to the configuration, are followed. Checked with wandb 0.31.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any, final

from stepsize.run.log import Log
from stepsize.run.readers.calls import CALL, Calls
from stepsize.run.readers.leveldb_log import LevelDBLog
from stepsize.run.readers.source import Source
from stepsize.run.readers.wire import fields, varint

FORMAT = "W&B offline run"

MAGIC, HEADER = b":W&B", 7
# Fields of a Record that are followed; summaries, most of a file, say nothing new.
HISTORY, CONFIG, RUN, EXIT = 2, 5, 17, 18
# How its number begins, and a summary.
NUMBERED, SUMMARY = b"\x08", b"\x1a"
# Fields of an item: its key, the parts of a nested one, and its value, in JSON or, of late, by type.
KEY, NESTED, INTEGER, NUMBER, JSON = 1, 2, 5, 6, 16
# The bytes before a value in JSON, and how many there are with its length.
VALUE, AHEAD = b"\x82\x01", 3
# W&B's own entries; OWN stands for them.
OWN, ENTRIES = "", ("_timestamp", "_runtime", "_wandb")
WORDS = {b'"NaN"': float("nan"), b'"Infinity"': float("inf"), b'"-Infinity"': float("-inf")}
WRONG = (ValueError, OverflowError, IndexError, TypeError, AttributeError, RecursionError, struct.error)


def recognises(source: Source) -> bool:
    """Whether this is such a file, or the folder of one run."""
    return source.head.startswith(MAGIC) or (source.folder and len(_files(source.path)) == 1)


def read(path: Path) -> list[Log]:
    """The run in it.

    What a kill cut off at the end, and what does not fit its checksum, is left out.

    Raises:
        UnreadableRun: no number was logged.
    """
    file = _files(path)[0] if path.is_dir() else path
    history = _History()
    with file.open("rb") as stream:
        log = LevelDBLog(stream, HEADER)
        for record in log.records():
            history.take(record)
    return [history.log(file, log.damaged)]


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(file for file in folder.glob("*.wandb") if file.is_file())
    except OSError:
        return []


@final
class _History:
    """What the records of a run say."""

    def __init__(self) -> None:
        self._calls = Calls()
        self._pending: dict[str, float] = {}
        self._call = -1
        self._config: dict[str, Any] = {}
        # The names of items by the bytes that spell them: the same come again and again.
        self._names: dict[bytes, str] = {}
        self._ended = False
        self._strange = 0

    def take(self, record: bytes) -> None:
        """Note what one record says."""
        try:
            if _is_summary(record):
                return
            for number, body in _parts(record):
                if number == HISTORY:
                    self._row(body)
                elif number in (CONFIG, RUN):
                    self._settings(number, body)
                self._ended = self._ended or number == EXIT
        except WRONG:
            self._strange += 1

    def log(self, path: Path, damaged: int) -> Log:
        """The run."""
        self._flush()
        notes = [f"{damaged} blocks do not fit their checksum: what they held is left out"] if damaged else []
        if self._strange:
            notes.append(f"{self._strange} records make no sense and are left out")
        if not self._ended:
            notes.append("the record has no end: the run was killed, or goes on")
        return self._calls.log(path, "", self._config, tuple(notes))

    def _row(self, message: bytes) -> None:
        """HistoryRecord: item = 1, step = 2, whose num = 1. Records of one step are one call."""
        row: dict[str, float] = {}
        call = None
        for number, body in _parts(message):
            if number == 1:
                name, value = self._item(body)
                if value is not None and name is not OWN:
                    row[name] = value
            elif number == 2:
                call = dict(_parts(body)).get(1, 0)
        call = int(row.pop(CALL, self._call + 1 if call is None else call))
        if call != self._call:
            self._flush()
            self._call = call
        self._pending.update(row)

    def _flush(self) -> None:
        if self._pending:
            self._calls.add(self._call, self._pending)
        self._pending = {}

    def _item(self, item: bytes) -> tuple[str, float | None]:
        """The name of an item, and its value if that is a number."""
        at = item.find(VALUE)
        name = self._names.get(item[:at])
        if name is None or len(item) != at + AHEAD + item[at + 2]:
            return self._new_item(item)
        try:
            return name, float(item[at + AHEAD :])
        except ValueError:
            return name, WORDS.get(item[at + AHEAD :])

    def _new_item(self, item: bytes) -> tuple[str, float | None]:
        parts = list(fields(item))
        name = ".".join(body.decode() for number, body in parts if number in (KEY, NESTED))
        name = OWN if name.startswith(ENTRIES) else name
        value = next((_value(number, body) for number, body in parts if number in (INTEGER, NUMBER, JSON)), None)
        if parts[-1][0] == JSON and all(number in (KEY, NESTED) for number, _ in parts[:-1]):
            key = sum(len(body) + 2 for _, body in parts[:-1])
            if item[key : key + len(VALUE)] == VALUE:
                self._names[item[:key]] = name
        self._calls.knows(name)
        return name, value

    def _settings(self, number: int, message: bytes) -> None:
        """ConfigRecord: update = 1, whose items are as those of the history; RunRecord: config = 4."""
        for inner, body in fields(message):
            if number == RUN and inner == 4:
                self._settings(CONFIG, body)
            elif number == CONFIG and inner == 1:
                parts = list(fields(body))
                name = "/".join(value.decode() for key, value in parts if key in (KEY, NESTED))
                self._config[name] = json.loads(dict(parts).get(JSON, b"null"))


def _value(number: int, body: Any) -> float | None:
    if number == INTEGER:  # zigzag: the sign is the lowest bit
        return float(body >> 1 ^ -(body & 1))
    if number == NUMBER:
        return float(struct.unpack("<d", body)[0])
    try:
        return float(body)
    except ValueError:
        return WORDS.get(body)


def _is_summary(record: bytes) -> bool:
    """Whether the field after the record's number is a summary."""
    if record[:1] != NUMBERED:
        return False
    at = varint(record, 1)[1]
    return record[at : at + 1] == SUMMARY


def _parts(message: bytes) -> list[tuple[int, Any]]:
    """The fields of a message: `wire.fields`, several times as fast for what is short and holds mostly bytes."""
    parts: list[tuple[int, Any]] = []
    at, end = 0, len(message)
    while at < end:
        key, size = message[at], message[at + 1]
        at += 2
        if size > 127:
            size, at = varint(message, at - 1)
        if key & 7 == 2 and key < 128:
            parts.append((key >> 3, message[at : at + size]))
            at += size
        elif key & 7 == 0 and key < 128:
            parts.append((key >> 3, size))
        else:
            return list(fields(message))
    if at != end:
        raise ValueError("a field does not fit")
    return parts
