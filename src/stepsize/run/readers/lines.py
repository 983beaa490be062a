"""The lines of a text file, one at a time, whatever its size; a gzipped file is read as the text in it."""

from __future__ import annotations

import codecs
import gzip
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

from stepsize.run.readers.source import HEAD, Source

GZIP = b"\x1f\x8b"
# As PowerShell writes what it redirects: UTF-16.
WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
BLOCK = 2**20
BEGINNING = 64
# What has no end of line for so long is cut: no log has such a line.
LONGEST = 2**24
# Colours and moves of the cursor, as ECMA-48 writes them.
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
# A progress bar goes back to the start of its line and writes over it.
OVERWRITTEN = re.compile(r"[\r\b]+")


def head_of(source: Source) -> str:
    """The beginning of the text; empty for what is no text."""
    head = source.head
    if head.startswith(GZIP):
        try:
            head = zlib.decompressobj(31).decompress(head, HEAD)
        except zlib.error:
            return ""
    if head.startswith(WIDE):
        return head[: len(head) // 2 * 2].decode("utf-16", errors="replace")
    return "" if _binary(head) else head.decode("utf-8-sig", errors="replace")


def _binary(head: bytes) -> bool:
    """Whether there are zeros where a text has none; a crash of the machine may leave some in the middle of one."""
    return b"\0" in head[:BEGINNING] or head.count(0) > len(head) // 4


def blocks_of(path: Path) -> Iterator[str]:
    """The text in pieces of whole lines; a gzipped file that was cut off ends where it can no longer be read."""
    decode = codecs.getincrementaldecoder("utf-8-sig")(errors="replace").decode
    rest, begun = "", False
    for block in _bytes(path):
        if not begun and block.startswith(WIDE):
            decode = codecs.getincrementaldecoder("utf-16")(errors="replace").decode
        begun = True
        text = rest + decode(block)
        cut = text.rfind("\n") + 1
        if not cut and len(text) > LONGEST:
            cut = len(text)
        if cut:
            yield text[:cut]
        rest = text[cut:]
    if rest := rest + decode(b"", final=True):
        yield rest


def lines_of(path: Path) -> Iterator[str]:
    """The lines, without their ends."""
    for block in blocks_of(path):
        yield from block.removesuffix("\n").split("\n")


def shown(line: str) -> list[str]:
    """What a terminal showed on this line, one text after the other, without colours."""
    if "\x1b" in line:
        line = ESCAPE.sub("", line)
    if "\r" in line or "\b" in line:
        return [text for text in OVERWRITTEN.split(line) if text.strip()]
    return [line]


def _bytes(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        zipped = file.read(len(GZIP)) == GZIP
        file.seek(0)
        stream = gzip.GzipFile(fileobj=file) if zipped else file
        try:
            while block := stream.read(BLOCK):
                yield block
        except (EOFError, zlib.error, gzip.BadGzipFile):
            return
