"""Where a command's words go: data to stdout, talk to stderr, files whole or not at all."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console
from rich.table import Table

from stepsize.errors import InvalidSpace

FLAG = Parameter(negative="")


@Parameter(name="*")
@dataclass(frozen=True)
class Output:
    """What every command understands."""

    json: Annotated[bool, FLAG] = False
    """Print one JSON document with a "schema" instead of text."""
    quiet: Annotated[bool, Parameter(name=["--quiet", "-q"], negative="")] = False
    """Say nothing on stderr but errors."""
    force: Annotated[bool, FLAG] = False
    """Overwrite what is there."""

    def say(self, text: str) -> None:
        """Talk, unless it is unwanted."""
        if not self.quiet:
            talk(text)

    def document(self, document: dict[str, Any]) -> None:
        """The result as JSON; infinities and NaN become null, which JSON has."""
        print(json.dumps(finite(document), indent=2, allow_nan=False), flush=True)

    def lines(self, pairs: Sequence[tuple[str, str]]) -> None:
        """The result as named values, one a line."""
        width = max(len(name) for name, _ in pairs)
        for name, value in pairs:
            print(f"{name:<{width}}  {value}", flush=True)

    def table(self, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """The result as a table: drawn for a terminal, separated by tabs for a pipe."""
        if not sys.stdout.isatty():
            for row in (header, *rows):
                print("\t".join(row))
            return
        drawn = Table(*header)
        for row in rows:
            drawn.add_row(*row)
        Console().print(drawn)

    def may_write(self, path: Path) -> None:
        """Refuse to overwrite without --force.

        Raises:
            InvalidSpace: the file is there.
        """
        if path.exists() and not self.force:
            raise InvalidSpace(f"{path} exists; add --force to overwrite it, or choose another place with -o")


def talk(text: str) -> None:
    """A line on stderr."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def work() -> Iterator[None]:
    """While the user's code runs, what it prints is talk: stdout is for the result."""
    with redirect_stdout(sys.stderr):
        yield


def finite(value: Any) -> Any:
    """The same document with null for infinities and NaN, which JSON has not."""
    if isinstance(value, dict):
        return {name: finite(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    if isinstance(value, float) and not (abs(value) < float("inf")):
        return None
    return value
