"""PyTorch's threads."""

from __future__ import annotations

import torch


def threads() -> int:
    """The threads that one operation on the CPU uses in this process."""
    return torch.get_num_threads()
