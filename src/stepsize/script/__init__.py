"""Scripts: commands in any language as trainings, and what a script can use to take part.

`Script` is imported when it is first asked for: a script that takes part pays for `trial` alone.
"""

from typing import TYPE_CHECKING, Any

from stepsize.script.reporting import Trial as Trial
from stepsize.script.reporting import trial as trial

if TYPE_CHECKING:
    from stepsize.script.training import Script as Script


def __getattr__(name: str) -> Any:
    if name != "Script":
        raise AttributeError(f"module 'stepsize.script' has no attribute {name!r}")
    from stepsize.script.training import Script

    globals()[name] = Script
    return Script
