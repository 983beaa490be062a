"""`Footer`: lines at the bottom of a terminal that stay there while a command prints above them, untouched.

The terminal is told to scroll its upper lines only (DECSTBM, as apt does for its progress bar). So what the command
prints is passed on byte by byte: colours, unfinished lines, bars that go back to the start of their line.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Sequence
from threading import Lock
from typing import final

SAVE, RESTORE, PLAIN, ERASE_LINE, ERASE_BELOW, ALL_LINES = "\x1b7", "\x1b8", "\x1b[0m", "\x1b[2K", "\x1b[J", "\x1b[r"
DOWN = "\x1bD"  # and never to the side
# The command's last bytes may begin a sequence or a character: ours must not fall into the middle of it.
SEQUENCE = rb"\x1b(?:\[[0-?]*[ -/]*|[\]P^_][^\x07\x1b]*|[ -/]*)?"
CHARACTER = rb"[\xc2-\xdf]|[\xe0-\xef][\x80-\xbf]?|[\xf0-\xf4][\x80-\xbf]{0,2}"
UNFINISHED = re.compile(rb"(?:%b|%b)\Z" % (SEQUENCE, CHARACTER))
# Bytes that are looked at for it, and seconds after which whoever began one has forgotten it.
TAIL, FORGOTTEN = 256, 1.0


@final
class Footer:
    """The last `height` lines of a terminal.

    Args:
        pour: writes bytes to the terminal.
        size: its lines and columns, now.
        height: lines wanted.
    """

    def __init__(self, pour: Callable[[bytes], None], size: Callable[[], tuple[int, int]], height: int) -> None:
        self._pour, self._size, self.height = pour, size, height
        self._lock = Lock()
        self._tail, self._passed = b"", time.monotonic()
        self._lines, self._columns = size()
        self._open = False

    @property
    def above(self) -> tuple[int, int]:
        """Lines and columns that the command has."""
        return max(1, self._lines - self.height), self._columns

    def open(self) -> None:
        """Make room."""
        with self._lock:
            self._open = True
            self._lines, self._columns = self._size()
            # Empty lines push up what is there, if the cursor is among the last ones.
            self._write(DOWN * self.height + f"\x1b[{self.height}A" + self._bounded(""))

    def reopen(self) -> None:
        """Make room anew, in a terminal that has changed its size."""
        with self._lock:
            self._write(f"{SAVE}{ALL_LINES}{RESTORE}{PLAIN}{ERASE_BELOW}")
        self.open()

    def write(self, chunk: bytes) -> None:
        """Pass on what the command prints."""
        with self._lock:
            self._pour(chunk)
            self._tail, self._passed = (self._tail + chunk)[-TAIL:], time.monotonic()

    def draw(self, lines: Sequence[str]) -> None:
        """Show these lines, if the command is not in the middle of a sequence."""
        with self._lock:
            if not self._open or (UNFINISHED.search(self._tail) and time.monotonic() < self._passed + FORGOTTEN):
                return
            drawn = "".join(
                f"\x1b[{self.above[0] + 1 + row};1H{ERASE_LINE}{lines[row] if row < len(lines) else ''}{PLAIN}"
                for row in range(self.height)
            )
            self._write(self._bounded(PLAIN + drawn))

    def fits_no_more(self) -> bool:
        """Whether the terminal has another size than it had."""
        return self._size() != (self._lines, self._columns)

    def close(self) -> None:
        """Give the lines back, and leave the cursor at the start of one."""
        with self._lock:
            if self._open:
                self._open = False
                unended = self._tail and not self._tail.endswith(b"\n")
                self._write(f"{SAVE}{ALL_LINES}{RESTORE}{PLAIN}{ERASE_BELOW}" + ("\r\n" if unended else ""))

    def _bounded(self, drawn: str) -> str:
        """What draws this below the command's lines and then goes back to where the command was."""
        # The bounds are set each time: a command may have taken them away.
        return f"{SAVE}\x1b[1;{self.above[0]}r{drawn}{RESTORE}"

    def _write(self, text: str) -> None:
        self._pour(text.encode())


def terminal_size(stream: int) -> tuple[int, int]:
    """Lines and columns of the terminal behind a file descriptor."""
    columns, lines = os.get_terminal_size(stream)
    return (lines, columns) if lines and columns else (24, 80)
