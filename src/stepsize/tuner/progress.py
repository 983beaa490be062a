"""What a search tells while it runs."""

from __future__ import annotations

from typing import Protocol

from stepsize.tuner.plan import Result
from stepsize.tuner.trial import Trial


class Progress(Protocol):
    """Somebody who wants to know how a search gets on."""

    def training(self, trial: Trial, step: int) -> None:
        """Update `step` of a trial has been made."""

    def ended(self, result: Result, metric: str, reused: bool) -> None:
        """A trial has ended with this value of the metric, or was found in the study (`reused`)."""


class Silence:
    """Nobody wants to know."""

    def training(self, trial: Trial, step: int) -> None:
        """Said to nobody."""

    def ended(self, result: Result, metric: str, reused: bool) -> None:
        """Said to nobody."""
