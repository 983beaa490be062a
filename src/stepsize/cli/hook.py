"""`--on-finding CMD`: a command of the user's, run once for each finding."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from contextlib import suppress
from tempfile import TemporaryFile
from typing import IO

from stepsize.cli.output import finite, talk
from stepsize.finding import Finding

# Seconds that a hook may take: the work waits for it.
PATIENCE = 30.0


def run_hook(command: str, finding: Finding, source: str, patience: float = PATIENCE) -> None:
    """Tell a command of the user's of one finding, and wait for it; what it prints is talk.

    The shell runs it. It reads the finding as one JSON document from its standard input, with the `source` beside,
    and finds STEPSIZE_KIND, STEPSIZE_MESSAGE, STEPSIZE_ADVICE, STEPSIZE_CONFIDENCE (from 0 to 1) and STEPSIZE_SOURCE
    in its environment. One that fails, or that takes longer than `patience` seconds and is then ended with all it
    started, is said in one line and stops nothing. What it leaves in the background stays.
    """
    document = json.dumps(finite({**finding.document(), "source": source}), allow_nan=False)
    # Files, not pipes: a process that the command leaves behind may hold a pipe open for ever.
    with TemporaryFile() as told, TemporaryFile() as said:
        told.write(document.encode() + b"\n")
        told.seek(0)
        fault = _fault(command, {**os.environ, **_variables(finding, source)}, told, said, patience)
        said.seek(0)
        if words := said.read().decode(errors="replace").rstrip():
            talk(words)
    if fault:
        talk(f"stepsize: the hook {command!r} {fault} (finding {finding.kind!r})")


def _variables(finding: Finding, source: str) -> dict[str, str]:
    told = {
        "KIND": finding.kind,
        "MESSAGE": finding.message,
        "ADVICE": finding.advice,
        "CONFIDENCE": f"{finding.confidence:.4g}",
        "SOURCE": source,
    }
    # No variable can hold a NUL.
    return {f"STEPSIZE_{name}": value.replace("\0", "") for name, value in told.items()}


def _fault(command: str, variables: dict[str, str], told: IO[bytes], said: IO[bytes], patience: float) -> str:
    """Run it; what went wrong, or empty."""
    try:
        process = subprocess.Popen(
            command,
            shell=True,
            stdin=told,
            stdout=said,
            stderr=subprocess.STDOUT,
            env=variables,
            start_new_session=True,  # so that all it started can be ended, and Ctrl-C comes to us alone
        )
    except OSError as error:
        return f"could not be started: {error.strerror or error}"
    try:
        code = process.wait(patience)
    except subprocess.TimeoutExpired:
        _end(process)
        return f"took longer than {patience:g} s and was ended"
    except BaseException:
        _end(process)
        raise
    return f"ended with exit code {code}" if code else ""


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()
