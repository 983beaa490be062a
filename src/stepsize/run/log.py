"""`Log`: what a reader found in somebody's record of one training."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, final

from stepsize.run.column import Column


@final
@dataclass(frozen=True, eq=False)
class Log:
    """One training as its log tells it.

    Attributes:
        columns: by house name (`loss`, `lr`, `val_loss`, `grad_norm`, `update_ratio`, `epoch`), each on its own clock;
            what has no house name keeps its own.
        name: which of the runs in the file this is; empty where a file holds one.
        steps: updates planned, where the log states it; else 0.
        settings: what the log states of the training, by our names: `optimizer`, `lr`, `batch_size`, `epochs`, ...
        notes: one sentence each: what was guessed, left out, or is known to be untrue in logs of this kind.
    """

    columns: dict[str, Column]
    name: str = ""
    steps: int = 0
    settings: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
