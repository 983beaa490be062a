"""What a log states of its training besides the curves: the optimizer, the rate, the length planned."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, final

from stepsize.run.readers.rows import number_of

# The name in a configuration -> ours. Where a log has several for one, the first that is listed counts.
STEPS = (
    "max_steps",
    "total_steps",
    "max_train_steps",
    "num_train_steps",
    "train_iters",
    "max_iters",
    "max_iter",
    "num_iterations",
    "total_iterations",
    "num_steps",
    "total_optimization_steps",
    "max_update",
    "num_training_steps",
)
NAMES = {
    "optimizer": "optimizer",
    "optim": "optimizer",
    "opt": "optimizer",
    "optimizer_type": "optimizer",
    "lr": "lr",
    "learning_rate": "lr",
    "max_lr": "lr",
    "base_lr": "lr",
    "global_batch_size": "batch_size",
    "train_batch_size": "batch_size",
    "batch_size": "batch_size",
    "epochs": "epochs",
    "num_epochs": "epochs",
    "max_epochs": "epochs",
    "max_epoch": "epochs",
    "num_train_epochs": "epochs",
    "n_epochs": "epochs",
    "momentum": "momentum",
    "weight_decay": "weight_decay",
    "min_lr": "min_lr",
    "warmup_steps": "warmup_steps",
    "warmup_iters": "warmup_steps",
    "lr_warmup_iters": "warmup_steps",
    "lr_decay_iters": "decay_steps",
    "lr_decay_style": "schedule",
    "lr_scheduler_type": "schedule",
    "gradient_accumulation_steps": "accumulation",
    "gradient_accumulation": "accumulation",
}
FRACTIONS = ("lr", "min_lr", "weight_decay", "momentum")
WORDS = re.compile(r"[^0-9a-z]+")
OPTIMIZER = re.compile(r"[A-Za-z][\w.-]{1,30}")


@final
@dataclass
class Stated:
    """What was stated so far.

    Attributes:
        steps: updates planned; 0 where nothing says.
        settings: by our names.
    """

    steps: int = 0
    settings: dict[str, Any] = field(default_factory=dict)

    def take(self, row: Mapping[str, Any]) -> None:
        """Note what the pairs of a configuration say; what was stated first stands."""
        for raw, value in row.items():
            name = WORDS.sub("_", raw.rsplit("/", 1)[-1].lower()).strip("_")
            if name in STEPS:
                self.steps = self.steps or whole(value)
            elif name in NAMES and (meant := _meant(NAMES[name], value)) is not None:
                self.settings.setdefault(NAMES[name], meant)


def is_setting(name: str) -> bool:
    """Whether a name is one that only a configuration has: `lr` is in every row of some logs."""
    word = WORDS.sub("_", name.rsplit("/", 1)[-1].lower()).strip("_")
    return word in STEPS or NAMES.get(word, "lr") != "lr"


def whole(value: Any) -> int:
    """The count that a value is; 0 for anything else."""
    number = number_of(value)
    return int(number) if number is not None and 0 < number < 2**53 and number == int(number) else 0


def _meant(name: str, value: Any) -> Any:
    if name in ("optimizer", "schedule"):
        word = str(value).strip("'\" ")
        return word if OPTIMIZER.fullmatch(word) and word.lower() != "none" else None
    number = number_of(value)
    if number is None or not math.isfinite(number) or number < 0:
        return None
    if name in FRACTIONS:
        return number
    return int(number) if number and number == int(number) else None
