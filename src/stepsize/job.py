"""`Job`: one run that is to be made, wherever that happens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, final

from stepsize.policy import Policy

# Told the update and what was observed after it; False stops the run.
Watch = Callable[[int, dict[str, float]], bool]


@final
@dataclass(frozen=True)
class Job:
    """One run to be made.

    Attributes:
        policy: what decides the step.
        steps: optimizer updates.
        seed: everything random follows from it.
        settings: what is set besides the policy, by name.
    """

    policy: Policy
    steps: int
    seed: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict)
