"""What follows from a seed in JAX."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import jax


@lru_cache(maxsize=256)
def keys(seed: int) -> tuple[Any, Any]:
    """The key of `init`, and the one that the keys of the updates are made from."""
    first, second = jax.random.split(jax.random.key(seed % 2**32))
    return first, second
