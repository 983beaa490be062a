"""The fixture `trained`: what trainings by Lightning and transformers did, in one process for the whole session.

These libraries warn, write and set up a process for good, and take long to import: the programs that use them are run
together, once.
"""

import json
import logging
import subprocess
import sys
import warnings
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def trained() -> dict[str, dict[str, object]]:
    """By program, what each of its trainings did; a text for one whose library is absent."""
    command = [sys.executable, "-m", "tests.trained"]
    done = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True, timeout=290)
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, object]] = json.loads(done.stdout)
    return found


def main() -> None:
    """Run all programs, and print what they found."""
    import torch

    from tests.recorder import recorded_trainers
    from tests.torch import trainers

    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    out, sys.stdout = sys.stdout, sys.stderr
    found = {
        program.__name__: {way.__name__: program.attempt(way) for way in program.WAYS}
        for program in (trainers, recorded_trainers)
    }
    json.dump(found, out)


if __name__ == "__main__":
    main()
