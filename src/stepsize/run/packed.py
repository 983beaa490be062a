"""Columns as the bytes that a ledger keeps of them."""

from __future__ import annotations

import io
from collections.abc import Mapping
from contextlib import closing

import numpy as np

from stepsize.run.column import Column


def packed(columns: Mapping[str, Column]) -> bytes:
    """The columns as one compressed archive.

    >>> from stepsize.run.column import column
    >>> unpacked(packed({"loss": column([0, 1], [2.0, 1.0])}))["loss"].value.tolist()
    [2.0, 1.0]
    """
    buffer = io.BytesIO()
    arrays = {f"{kind}:{name}": getattr(c, kind) for name, c in columns.items() for kind in ("step", "value")}
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def unpacked(blob: bytes) -> dict[str, Column]:
    """The columns in such an archive; raises ValueError, KeyError, EOFError or BadZipFile for what is none."""
    with closing(np.load(io.BytesIO(blob), allow_pickle=False)) as arrays:
        names = [name.split(":", 1)[1] for name in arrays.files if name.startswith("step:")]
        # Runs of a study are counted in updates.
        return {name: Column(arrays[f"step:{name}"], arrays[f"value:{name}"]) for name in names}
