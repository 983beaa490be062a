"""Every error stepsize raises, on the ground floor: errors carry text only.

    StepsizeError
    ├─ InvalidSchedule (ValueError)    a schedule that cannot be built, composed or read
    ├─ InvalidPolicy (ValueError)      a policy that no optimizer could follow
    ├─ InvalidSpace (ValueError)       a search that makes no sense: space, budget, horizon, metric
    ├─ InvalidTraining (ValueError)    a training that cannot be started as declared
    ├─ UnreadableRun (ValueError)      a record that cannot be read
    ├─ MissingExtra (ImportError)      an optional dependency is not installed
    └─ EngineError (RuntimeError)      the work failed; what was measured is intact

A message says what was asked, what was found, and what to do. Errors are raised where a thing is
built. What a training does wrong while it runs is never an error but the outcome of its Run.
"""

from __future__ import annotations


class StepsizeError(Exception):
    """The root of every error that stepsize raises on purpose."""


class InvalidSchedule(StepsizeError, ValueError):
    """A schedule that cannot be built, composed or read."""


class InvalidPolicy(StepsizeError, ValueError):
    """A policy that no optimizer could follow."""


class InvalidSpace(StepsizeError, ValueError):
    """A search that makes no sense: its space, budget, horizon or metric."""


class InvalidTraining(StepsizeError, ValueError):
    """A training that cannot be started as it was declared."""


class UnreadableRun(StepsizeError, ValueError):
    """A record of a training, or a study, that cannot be read."""


class MissingExtra(StepsizeError, ImportError):
    """An optional dependency is not installed; the message holds the line that installs it."""


class EngineError(StepsizeError, RuntimeError):
    """The work failed on the way; what was measured before is intact and can be resumed."""
