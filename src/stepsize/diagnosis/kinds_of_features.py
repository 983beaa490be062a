"""Which feature belongs to what: the column it needs, and the family that is told about together."""

from __future__ import annotations

# The columns of a log, from the one that is always there on.
GROUPS = ("loss", "validation", "rate", "gradient", "update")
PREFIXES = {
    "val_": "validation",
    "gap_": "validation",
    "drop_beside": "validation",
    "grad_": "gradient",
    "ratio": "update",
    "rate_": "rate",
    "decay_": "rate",
    "before_decay": "rate",
}


def group_of(name: str) -> str:
    """The column of the log that the feature is measured on."""
    return next((group for prefix, group in PREFIXES.items() if name.startswith(prefix)), "loss")
