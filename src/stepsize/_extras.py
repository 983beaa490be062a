"""Optional dependencies: imported where they are used, or an error with the exact line to type."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from stepsize.errors import MissingExtra


@contextmanager
def extra(name: str) -> Iterator[None]:
    """Turn a missing module inside the block into `MissingExtra` naming the extra `name`.

    >>> with extra("plot"):
    ...     import json
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or name).partition(".")[0]
        raise MissingExtra(f'{package} is not installed; run: pip install "stepsize[{name}]"') from error
