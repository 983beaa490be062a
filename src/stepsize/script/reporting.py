"""`trial`: three lines that make an existing training script searchable."""

from __future__ import annotations

import json
import os
from typing import Any, final

from stepsize.errors import InvalidSpace
from stepsize.script.command import REPORTS, environment_name

# Where launchers say which of several processes this is: torchrun and most others, Slurm, Open MPI, MPICH.
RANKS = ("RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK", "PMI_RANK")
WORDS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


@final
class Trial:
    """One run of a script: its values, by name, and where its numbers go.

    Attributes:
        values: what was given to `trial`, or, inside a search, what the search chose instead.
        searching: whether `stepsize tune` started this process.
    """

    def __init__(self, values: dict[str, Any], file: str | None, rank: int | None) -> None:
        self.values, self.searching = values, file is not None
        self._file, self._rank = file, rank
        if file is not None and not self._is_other():
            # The search now waits for reports, and takes no number from what is printed before them.
            os.close(os.open(file, os.O_WRONLY | os.O_CREAT, 0o666))

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and name in self.values:
            return self.values[name]
        raise AttributeError(f"this trial has no {name!r}; it has {', '.join(self.values)}: give trial() a default")

    def report(self, step: int, **seen: Any) -> None:
        """Report numbers seen after update `step`: `loss`, `val_loss`, `lr`, or whatever else is to be kept.

        Outside of a search nothing happens, nor in any process but that of rank 0. Each call is one line in a file,
        so prints, threads and progress bars do not get in its way.

        Args:
            step: optimizer updates made.
            seen: numbers, or what `float` takes, such as a tensor with one element; None was not measured.
        """
        if self._file is None or self._is_other():
            return
        row = {"step": int(step), **{name: float(value) for name, value in seen.items() if value is not None}}
        # In one write, so that lines of several threads do not mix.
        out = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            os.write(out, (json.dumps(row) + "\n").encode())
        finally:
            os.close(out)

    def _is_other(self) -> bool:
        if self._rank is not None:
            return self._rank != 0
        # Asked at each report: some launchers set it only once the process is under way.
        return next((os.environ[name] for name in RANKS if name in os.environ), "0") != "0"

    def __repr__(self) -> str:
        return f"trial({', '.join(f'{name}={value!r}' for name, value in self.values.items())})"


def trial(*, rank: int | None = None, **defaults: Any) -> Trial:
    """The values of this run: the defaults, or inside of `stepsize tune --env` what the search chose.

    Args:
        rank: which process of several this is, where no launcher's environment says it; only rank 0 reports.
        defaults: `lr`, `steps`, `seed`, `out` and any setting that is searched. A value from the search has the type
            of its default.
    Raises:
        InvalidSpace: the search gives a value that the type of the default does not take.

    >>> run = trial(lr=1e-3, steps=1000)
    >>> run.lr, run.steps, run.searching
    (0.001, 1000, False)
    >>> run.report(step=10, loss=0.5)  # to nobody
    """
    # A variable of an outer program is none of ours: what counts is that a search asked for reports.
    file = os.environ.get(REPORTS)
    values = {name: _value(name, default, file is not None) for name, default in defaults.items()}
    return Trial(values, file, rank)


def _value(name: str, default: Any, searching: bool) -> Any:
    text = os.environ.get(environment_name(name)) if searching else None
    if text is None:
        return default
    try:
        if isinstance(default, bool):
            return WORDS[text.lower()]
        return text if default is None else type(default)(text)
    except (KeyError, TypeError, ValueError):
        raise InvalidSpace(
            f"{name} is {text!r} in this search, but its default {default!r} is of type {type(default).__name__}"
        ) from None
