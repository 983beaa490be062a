"""The global random states of the process: kept as they were, whatever a training seeds or draws."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module

import numpy as np

# A framework whose module is loaded -> the module of ours with a context manager `preserved_randomness`.
FRAMEWORKS = {"torch": "stepsize.torch.randomness"}


@contextmanager
def preserved_randomness() -> Iterator[None]:
    """Restore the global generators of Python, NumPy and any loaded framework on the way out."""
    python, legacy = random.getstate(), np.random.get_state()
    with ExitStack() as stack:
        for framework, ours in FRAMEWORKS.items():
            # Whoever holds a tensor has imported its framework: what is not loaded has no state to keep.
            if framework in sys.modules:
                stack.enter_context(import_module(ours).preserved_randomness())
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(legacy)
