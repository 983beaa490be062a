"""TensorBoard's `Event`: where in its bytes the step and the scalars stand, and these of many events at once.

Only the fields that lead to a scalar are followed: the step, and the values of the summary. All writers are known:
`simple_value` as `torch.utils.tensorboard` and tensorboardX write it, and a tensor of no dimension as `tf.summary`,
Keras, clu and TensorBoard's own writer do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn, final

import numpy as np
from numpy.typing import NDArray

from stepsize.run.readers.wire import FIXED32, FIXED64, LENGTH, VARINT, spans, varint

# TensorFlow's numbers of the types a scalar may have, and how one looks in the content of a tensor.
TYPES = {
    1: "<f4",
    2: "<f8",
    3: "<i4",
    4: "|u1",
    5: "<i2",
    6: "|i1",
    9: "<i8",
    14: "bfloat16",
    17: "<u2",
    19: "<f2",
    22: "<u4",
    23: "<u8",
}
# Fields of a tensor that hold values otherwise than as content: float_val, double_val, int_val, ...
VALUES = {5: "<f4", 6: "<f8", 7: "varint", 10: "varint", 16: "varint", 17: "varint"}
# The bits of a half-precision number, as a varint.
HALF_VAL = 13
# What a byte of an event may differ in from the same byte of another event with the same layout: nothing, the seven
# bits of a number, everything.
FIXED, DIGIT, FREE = b"\xff", b"\x80", b"\0"


@final
@dataclass(frozen=True)
class Scalar:
    """A scalar in an event: its tag, in which bytes its value stands, and in which form; no bytes mean 0."""

    tag: str
    start: int
    stop: int
    form: str

    def values(self, rows: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Its values in events of one layout, one a row."""
        if self.start == self.stop:
            return np.zeros(len(rows))
        if self.form == "varint":
            return varints(rows, self.start, self.stop).view(np.int64).astype(np.float64)
        if self.form.startswith("varint "):
            bits = varints(rows, self.start, self.stop).astype("<u2")
            return _halves(bits, self.form.removeprefix("varint "))
        raw = np.ascontiguousarray(rows[:, self.start : self.stop])
        if self.form == "bfloat16":
            return _halves(raw.view("<u2")[:, 0], self.form)
        return raw.view(self.form)[:, 0].astype(np.float64)


@final
@dataclass(frozen=True)
class Layout:
    """Where in an event the step and the scalars stand.

    Attributes:
        start, stop: the bytes of the step; none mean 0.
        scalars: in their order.
        mask: of each byte, the bits in which another event must agree with this one to have this layout.
    """

    start: int
    stop: int
    scalars: tuple[Scalar, ...]
    mask: bytes

    def steps(self, rows: NDArray[np.uint8]) -> NDArray[np.int64]:
        """The steps of events of this layout, one a row."""
        return varints(rows, self.start, self.stop).view(np.int64)


def layout_of(message: bytes) -> Layout:
    """The layout of an event; without scalars where it is of something else.

    Event: wall_time = 1, step = 2, summary = 5; Summary: value = 1.

    Raises:
        ValueError, IndexError: it is no event.
    """
    mask = bytearray(FIXED * len(message))
    step, scalars = (0, 0), []
    for number, kind, start, stop in spans(message, 0, len(message)):
        if (number, kind) == (1, FIXED64):
            mask[start:stop] = FREE * 8
        elif number == 2:
            step = (start, stop) if kind == VARINT else _wrong("step")
            mask[start:stop] = DIGIT * (stop - start)
        elif number == 5:
            scalars += list(_scalars(message, start, stop)) if kind == LENGTH else _wrong("summary")
    for scalar in scalars:
        free = DIGIT if scalar.form.startswith("varint") else FREE
        mask[scalar.start : scalar.stop] = free * (scalar.stop - scalar.start)
    return Layout(*step, tuple(scalars), bytes(mask))


def varints(rows: NDArray[np.uint8], start: int, stop: int) -> NDArray[np.uint64]:
    """The numbers that stand in the same bytes of each row, seven bits a byte."""
    numbers = np.zeros(len(rows), np.uint64)
    for place, at in enumerate(range(start, stop)):
        numbers |= (rows[:, at] & np.uint8(127)).astype(np.uint64) << np.uint64(7 * place)
    return numbers


def _scalars(message: bytes, at: int, end: int) -> Iterator[Scalar]:
    for number, kind, start, stop in spans(message, at, end):
        if (number, kind) == (1, LENGTH) and (scalar := _scalar(message, start, stop)) is not None:
            yield scalar


def _scalar(message: bytes, at: int, end: int) -> Scalar | None:
    """Value: tag = 1, simple_value = 2, tensor = 8, metadata = 9; None where it is no scalar."""
    found = {number: (kind, start, stop) for number, kind, start, stop in spans(message, at, end)}
    tag = message[slice(*found[1][1:])].decode() if 1 in found else ""
    if 2 in found:
        kind, start, stop = found[2]
        return Scalar(tag, start, stop, "<f4") if kind == FIXED32 else _wrong("simple_value")
    if 8 not in found or found[8][0] != LENGTH or _plugin(message, found) != b"scalars":
        return None
    place = _tensor(message, *found[8][1:])
    return None if place is None else Scalar(tag, *place)


def _plugin(message: bytes, found: dict[int, tuple[int, int, int]]) -> bytes:
    """Whose a value is: metadata has plugin_data = 1, that has plugin_name = 1; a scalar's may say nothing."""
    start, stop = found[9][1:] if 9 in found and found[9][0] == LENGTH else (0, 0)
    for _ in range(2):
        inner = [span for number, kind, *span in spans(message, start, stop) if (number, kind) == (1, LENGTH)]
        if not inner:
            return b"scalars"
        start, stop = inner[-1]
    return message[start:stop]


def _tensor(message: bytes, at: int, end: int) -> tuple[int, int, str] | None:
    """TensorProto: dtype = 1, shape = 2, content = 4, half_val = 13, `VALUES`; None where it is no single number."""
    found = {number: (kind, start, stop) for number, kind, start, stop in spans(message, at, end)}
    form = TYPES.get(varint(message, found[1][1])[0] if 1 in found else 0)
    shape = found.get(2, (LENGTH, 0, 0))
    if form is None or shape[1] != shape[2]:
        return None
    content = found.get(4, (LENGTH, 0, 0))
    if content[1] != content[2]:
        return _fitting(*content[1:], form)
    if HALF_VAL in found:
        return *_digits(message, *found[HALF_VAL]), f"varint {form}"
    for number, other in VALUES.items():
        if number in found:
            kind, start, stop = found[number]
            return (*_digits(message, kind, start, stop), other) if other == "varint" else _fitting(start, stop, other)
    return 0, 0, form  # zeros are left out


def _fitting(start: int, stop: int, form: str) -> tuple[int, int, str]:
    size = 2 if form == "bfloat16" else np.dtype(form).itemsize
    return (start, stop, form) if stop - start == size else _wrong("value")


def _digits(message: bytes, kind: int, start: int, stop: int) -> tuple[int, int]:
    """The bytes of one varint, packed or not."""
    return (start, stop) if kind == VARINT or varint(message, start)[1] == stop else _wrong("value")


def _halves(bits: NDArray[np.uint16], form: str) -> NDArray[np.float64]:
    if form == "bfloat16":
        return (bits.astype("<u4") << np.uint32(16)).view("<f4").astype(np.float64)
    return bits.view("<f2").astype(np.float64)


def _wrong(what: str) -> NoReturn:
    raise ValueError(f"its {what} is of another kind")
