"""The app, and the one place where errors become a line and an exit code."""

from __future__ import annotations

import sys
import traceback

from cyclopts import App, CycloptsError

from stepsize import __version__
from stepsize.cli.output import talk
from stepsize.errors import EngineError, StepsizeError

USAGE, FAILED = 2, 1

app = App(
    name="stepsize",
    version=__version__,
    suppress_keyboard_interrupt=False,  # said below, in our words
    help="""Choose and schedule learning rates, with evidence.

    Data goes to stdout, talk and progress to stderr. Exit codes: 0, 2 (usage: one line says what to
    change), 1 (the work failed; what was measured is kept). --debug shows where an error came from.
    """,
)
# Each is imported when it is asked for: to show a schedule, one need not know how logs are read.
COMMANDS = ("show", "find", "tune", "diagnose", "watch", "cooldown", "demo", "bench-diagnose")
for command in COMMANDS:
    module = command.replace("-", "_")
    app.command(f"stepsize.cli.{module}:{module}", name=command)


def main() -> None:
    """Run the command line and exit with its code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code."""
    # What stands behind -- is somebody else's command.
    end = arguments.index("--") if "--" in arguments else len(arguments)
    ours, theirs = arguments[:end], arguments[end:]
    debug = "--debug" in ours
    if not {*COMMANDS} & {*ours}:
        for command in COMMANDS:
            app[command]  # imported, so that help has a line for each
    try:
        app([a for a in ours if a != "--debug"] + theirs, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        return _failed(USAGE, str(error), debug)
    except EngineError as error:
        return _failed(FAILED, str(error), debug)
    except StepsizeError as error:
        return _failed(USAGE, str(error), debug)
    except KeyboardInterrupt:
        return _failed(FAILED, "interrupted; every finished run is kept: the same command with --resume goes on", False)
    except BrokenPipeError:
        # Whoever read our output has had enough; there is nobody left to tell.
        sys.stdout = None
        return FAILED
    except OSError as error:
        return _failed(FAILED, f"{error.filename or 'input/output'}: {error.strerror or error}", debug)
    return 0


def _failed(code: int, message: str, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    talk("stepsize: " + " ".join(message.split()))
    return code
