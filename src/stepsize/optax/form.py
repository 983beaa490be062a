"""`Form`: which settings of a policy are part of the compiled code, and which are passed to it at each update."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from stepsize.optax.build import RULES
from stepsize.policy import PAIRS, Policy
from stepsize.schedule import Schedule

Table = NDArray[np.float64]  # a line an update


@final
@dataclass(frozen=True)
class Form:
    """What policies must share to run as the same code.

    Attributes:
        optimizer: its name.
        fixed: settings that change the code: the switches, and what is 0 and so left out.
        passed: the others, numbers all, in the order in which their values are passed.
    """

    optimizer: str
    fixed: tuple[tuple[str, bool | float], ...]
    passed: tuple[str, ...]

    @staticmethod
    def of(policies: Sequence[Policy]) -> Form:
        """The form of policies of one `kind`."""
        constants = [policy.constants for policy in policies]
        first = constants[0]
        fixed = {
            name: value
            for name, value in first.items()
            if isinstance(value, bool) or all(isinstance(c.get(name), float) and c[name] == 0 for c in constants)
        }
        names = ["lr", *(name for name, _ in policies[0].settings if name not in fixed)]
        return Form(str(policies[0].optimizer), tuple(fixed.items()), tuple(names))  # type: ignore[arg-type]

    @staticmethod
    def kind(policy: Policy) -> tuple[Any, ...]:
        """Equal for policies that one form can serve."""
        switches = tuple(item for item in policy.settings if isinstance(item[1], bool))
        return policy.optimizer, tuple(name for name, _ in policy.settings), switches

    def transformation(self, values: Any) -> Any:
        """The transformation with these values passed, one line of a table."""
        given: dict[str, Any] = dict(self.fixed)
        place = 0
        for name in self.passed:
            given[name] = (values[place], values[place + 1]) if name in PAIRS else values[place]
            place += 2 if name in PAIRS else 1
        return RULES[self.optimizer](**given)

    def table(self, policy: Policy, begin: int, count: int) -> Table:
        """The values passed at the updates begin, ..., begin + count - 1."""
        steps = np.arange(begin, begin + count)
        settings = {"lr": policy.lr, **dict(policy.settings)}
        columns: list[Any] = []
        for value in (settings[name] for name in self.passed):
            columns += value if isinstance(value, tuple) else [value(steps) if isinstance(value, Schedule) else value]
        return np.stack([np.broadcast_to(column, count) for column in columns], axis=1)

    def line(self, policy: Policy, values: Mapping[str, float]) -> Table:
        """The values passed at one update whose scheduled ones are given."""
        settings = {**dict(policy.settings), **values}
        line: list[Any] = []
        for value in (settings[name] for name in self.passed):
            line += value if isinstance(value, tuple) else [value]
        return np.asarray(line, np.float64)
