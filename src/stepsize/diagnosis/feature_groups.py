"""Which feature belongs to what: the column it needs, and the family that is told about together."""

from __future__ import annotations

from collections.abc import Iterable

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

# What a log may hold, from the poorest on, and the groups of features that it allows. Each has a verdict of its own:
# one that makes do with less is better learned by itself.
LOGS: dict[str, tuple[str, ...]] = {
    "loss": ("loss",),
    "loss, rate, optimizer": ("loss", "rate"),
    "loss, validation": ("loss", "validation"),
    "loss, validation, rate, optimizer": ("loss", "validation", "rate"),
    "all of these, gradient norm, update ratio": GROUPS,
}


def log_of(known: Iterable[str]) -> str:
    """Which of `LOGS` a log is in which these features are known: the richest of which nothing is missing.

    >>> log_of(["t50", "rate_adam"]), log_of(["t50", "ratio"])
    ('loss, rate, optimizer', 'loss')
    """
    groups = {group_of(name) for name in known}
    inside = groups & {"gradient", "update"}
    held = groups | ({"gradient", "update"} if inside else set())
    return next((log for log, needs in reversed(LOGS.items()) if set(needs) <= held), "loss")


def group_of(name: str) -> str:
    """The column of the log that the feature is measured on."""
    return next((group for prefix, group in PREFIXES.items() if name.startswith(prefix)), "loss")
