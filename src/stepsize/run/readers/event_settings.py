"""What TensorBoard events state of a training: `add_hparams`, and the arguments of the Hugging Face Trainer."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any

from stepsize.run.readers.wire import fields

# The tags under which they are found.
HPARAMS, ARGUMENTS = b"_hparams_/session_start_info", b"args/text_summary"


def configuration_in(message: bytes) -> Mapping[str, Any]:
    """The pairs of a configuration in an event, by the writer's names; none where it is of something else.

    Event: summary = 5; Summary: value = 1; Value: tag = 1, tensor = 8, metadata = 9.
    """
    if HPARAMS not in message and ARGUMENTS not in message:
        return {}
    try:
        value = _within(message, 5, 1)
        tag = _within(value, 1)
        return _hparams(value) if tag == HPARAMS else _arguments(value) if tag == ARGUMENTS else {}
    except (ValueError, IndexError, TypeError, struct.error, RecursionError):
        return {}


def _hparams(value: bytes) -> Mapping[str, Any]:
    """Metadata: plugin_data = 1; plugin_data: content = 2; content: session_start_info = 3, which has a map = 1."""
    pairs = [dict(fields(pair)) for number, pair in fields(_within(value, 9, 1, 2, 3)) if number == 1]
    return {pair[1].decode(): _plain(pair.get(2, b"")) for pair in pairs if 1 in pair}


def _plain(value: bytes) -> Any:
    """protobuf.Value: number_value = 2, string_value = 3, bool_value = 4."""
    found = dict(fields(value))
    if 2 in found:
        return struct.unpack("<d", found[2])[0]
    return found[3].decode() if 3 in found else bool(found.get(4, 0))


def _arguments(value: bytes) -> Mapping[str, Any]:
    """TensorProto: string_val = 8."""
    stated = json.loads(_within(value, 8, 8))
    return stated if isinstance(stated, dict) else {}


def _within(message: bytes, *path: int) -> bytes:
    """A field within a field within ...; empty where there is none."""
    for step in path:
        message = dict(fields(message)).get(step, b"")
    return message
