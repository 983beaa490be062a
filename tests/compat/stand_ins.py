"""Empty modules for what the tabulated libraries import and no schedule needs."""

import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType


def stand_in(package: str, folder: Path) -> None:
    """An empty package at `folder`: its modules can be imported, what its own `__init__` imports is not needed."""
    sys.modules[package] = ModuleType(package)
    sys.modules[package].__path__ = [str(folder)]


class Blank(ModuleType):
    def __getattr__(self, wanted: str) -> type:
        if wanted.startswith("__"):
            raise AttributeError(wanted)
        return type(wanted, (), {})


class Absent(MetaPathFinder, Loader):
    """Imports of these packages, and of anything in them, succeed and give empty classes."""

    def __init__(self, *packages: str) -> None:
        self.packages = packages

    def find_spec(self, name: str, path: object, target: object = None) -> ModuleSpec | None:
        return ModuleSpec(name, self, is_package=True) if name.split(".")[0] in self.packages else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return Blank(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        pass
