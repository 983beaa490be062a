"""A training as bytes, for processes that have not seen the program it was written in.

What a worker can import travels by its name. What it cannot travels by value: functions of `__main__`, lambdas and
closures by cloudpickle; a file that was loaded under a name of its own, as the command line does, by its source text.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator
from importlib.abc import MetaPathFinder, SourceLoader
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_loader
from pathlib import Path
from typing import Any, final

from stepsize._extras import extra
from stepsize.errors import InvalidTraining

with extra("tune"):
    import cloudpickle

# name of a module -> where it was loaded from, and its text
Sources = dict[str, tuple[str, bytes]]


def packed(training: Any) -> bytes:
    """The training, for `unpacked` in another process.

    Raises:
        InvalidTraining: something it needs cannot leave this process.
    """
    try:
        # Twice, so that the sources are in place before the training is looked at.
        return cloudpickle.dumps((dict(_sources()), cloudpickle.dumps(training)))  # type: ignore[no-any-return]
    except Exception as error:  # each object has its own way to refuse
        raise InvalidTraining(
            f"the training cannot be sent to another process ({type(error).__name__}: {error}); "
            "open such things inside the training, or use the engine 'local'"
        ) from error


def unpacked(shipment: bytes) -> Any:
    """The training that `packed` sent.

    Raises:
        InvalidTraining: this process lacks something it needs.
    """
    try:
        sources, training = pickle.loads(shipment)
        sys.meta_path.append(Shipped(sources))
        return pickle.loads(training)
    except Exception as error:  # modules run when they are imported, so this may be anything
        raise InvalidTraining(
            f"the training cannot be loaded in a worker process ({type(error).__name__}: {error}); "
            "it needs the same packages and files as here"
        ) from error


def as_bytes(value: Any) -> bytes:
    """A small value, such as a job or its run, as bytes that `pickle` reads."""
    return cloudpickle.dumps(value)  # type: ignore[no-any-return]


def _sources() -> Iterator[tuple[str, tuple[str, bytes]]]:
    """The files that were loaded under a name that no import would find."""
    for name, module in list(sys.modules.items()):
        loader = getattr(getattr(module, "__spec__", None), "loader", None)
        if not isinstance(loader, SourceFileLoader) or "." in name or name == "__main__":
            continue
        path = Path(loader.path)
        if name != (path.parent.name if path.stem == "__init__" else path.stem) and path.is_file():
            yield name, (str(path), path.read_bytes())


@final
class Shipped(MetaPathFinder):
    """Finds the modules whose source came with a training; they are run when they are first asked for."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if fullname not in self._sources:
            return None
        file, text = self._sources[fullname]
        return spec_from_loader(fullname, Text(file, text), origin=file)


@final
class Text(SourceLoader):
    """Source text, as it was in a file that may not be on this machine."""

    def __init__(self, file: str, text: bytes) -> None:
        self._file, self._text = file, text

    def get_filename(self, fullname: str) -> str:
        return self._file

    def get_data(self, path: str) -> bytes:
        if path != self._file:
            raise OSError(f"{path} did not come with the training")  # such as compiled bytecode
        return self._text
