"""User code on the command line: `file.py:name`."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

from stepsize.errors import EngineError, InvalidTraining, StepsizeError
from stepsize.training import is_training


def load(target: str) -> Any:
    """The object called `name` in the file of `file.py:name`.

    Raises:
        InvalidTraining: the file or the name is missing.
        EngineError: the file raised an error while it was imported.
    """
    file, _, name = target.rpartition(":")
    path = Path(file)
    if not file or not name:
        raise InvalidTraining(f"a training is given as file.py:name, got {target!r}")
    if not path.is_file():
        raise InvalidTraining(f"there is no file {file!r}; a training is given as file.py:name")
    module = _imported(path)
    if not hasattr(module, name):
        trainings = ", ".join(n for n, value in vars(module).items() if is_training(value)) or "none"
        raise InvalidTraining(f"{file} has no {name!r}; trainings in it: {trainings}")
    return getattr(module, name)


def _imported(path: Path) -> Any:
    # A name of our own, so that a file called like a library does not take its place.
    spec = importlib.util.spec_from_file_location(f"_stepsize_user_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise InvalidTraining(f"{path} is no Python file; a training is given as file.py:name")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    sys.path.insert(0, str(path.parent.resolve()))
    try:
        spec.loader.exec_module(module)
    except StepsizeError:
        raise  # a Task that cannot be, say: our own words tell what to change
    except Exception as error:  # the user's code may raise anything
        raise EngineError(f"{path} cannot be imported: {type(error).__name__}: {error}") from error
    return module
