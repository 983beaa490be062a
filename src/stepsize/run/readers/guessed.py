"""What is read as the training loss where no column is called so."""

from __future__ import annotations

from collections.abc import Mapping

from stepsize.run.column import Column
from stepsize.run.readers.names import HOUSE, VALIDATION, WORD, house_name

# No losses, for all the word in their names; and losses of other data.
OTHERS = {"scale", "scaler", "scaling", "test", "best", "min", "lowest", "weight", "time", "ppl", "std", "var"}
COSTS = ({"loss"}, {"cost"}, {"nll"}, {"objective"})


def with_losses(columns: Mapping[str, Column]) -> tuple[dict[str, Column], list[str]]:
    """The columns, with a training and a validation loss among them if one can be guessed, and what was guessed."""
    found, notes = dict(columns), []
    for house, told in (("loss", "training"), ("val_loss", "validation")):
        name = "" if house in found else _likely(found, told == "validation")
        if name:
            found[house] = found.pop(name)
            notes.append(f"no column is called the {told} loss: {name!r} was read as it")
    return found, notes


def _likely(columns: Mapping[str, Column], validation: bool) -> str:
    """The name that speaks of such a loss and has the most values; empty if none does."""
    named = {name: words_of(name) for name in columns}
    fit = [
        name
        for name, words in named.items()
        if any(cost <= words for cost in COSTS)
        and not words & OTHERS
        and bool(words & VALIDATION) == validation
        and name not in ("loss", "val_loss")
    ]
    return max(fit, key=lambda name: (columns[name].step.size, -len(name)), default="")


def is_telling(name: str) -> bool:
    """Whether a name speaks of a loss, a rate, or what else says something of the rate.

    >>> is_telling("train/loss"), is_telling("lr"), is_telling("bytes")
    (True, True, False)
    """
    return house_name(name) in HOUSE or any(cost <= words_of(name) for cost in COSTS)


def words_of(name: str) -> set[str]:
    """The words of a name, in small letters."""
    return {word.lower() for word in WORD.findall(name)}
