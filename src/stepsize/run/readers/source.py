"""`Source`: what a reader sees of a file before it decides whether it can read it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import final

HEAD = 65_536


@final
@dataclass(frozen=True)
class Source:
    """A file or a folder, with the first bytes of a file; a folder has none."""

    path: Path
    head: bytes = b""

    @classmethod
    def of(cls, path: str | os.PathLike[str]) -> Source:
        """Look at what is there; raises OSError where nothing can be."""
        place = Path(path)
        if place.is_dir():
            return cls(place)
        with place.open("rb") as file:
            return cls(place, file.read(HEAD))

    @property
    def folder(self) -> bool:
        """Whether it is a folder."""
        return self.path.is_dir()

    @cached_property
    def text(self) -> str:
        """The head as text; empty for what is no text."""
        return "" if b"\0" in self.head else self.head.decode("utf-8-sig", errors="replace")
