"""A request to a running training, as a file that it polls: start the decay now."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from stepsize._codec import Document, summary, write_atomically
from stepsize.errors import InvalidSchedule
from stepsize.schedule.legs import leg
from stepsize.schedule.node import scalar, whole_steps

FIELDS = ("cooldown", "end", "shape", "at")


@final
@dataclass(frozen=True)
class Cooldown:
    """A decay of the learning rate to be started in the middle of a run.

    Args:
        steps: updates it takes.
        end: the rate after it.
        shape: a name as for `Schedule.cooldown`.
        at: the update it starts at; None is the one that comes next.
    Raises:
        InvalidSchedule: a value that no decay can have.
    """

    steps: int
    end: float = 0.0
    shape: str = "1-sqrt"
    at: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "steps", whole_steps(self.steps, "cooldown"))
        object.__setattr__(self, "end", scalar(self.end, "end"))
        if self.at is not None:
            object.__setattr__(self, "at", whole_steps(self.at, "at", least=0))
        if self.end < 0:
            raise InvalidSchedule(f"end is a learning rate, at least 0; got {self.end!r}")
        leg(self.shape, 1.0, self.end, self.steps)

    def document(self) -> Document:
        """The request as a JSON value."""
        return dict(zip(FIELDS, (self.steps, self.end, self.shape, self.at), strict=True))

    @staticmethod
    def from_document(document: Any) -> Cooldown:
        """The request in a JSON value; only `cooldown` must be there.

        Raises:
            InvalidSchedule: it is no such request; the message names what is wrong.
        """
        if not isinstance(document, dict) or "cooldown" not in document:
            raise InvalidSchedule(f'expected an object like {{"cooldown": 1000}}, found {summary(document)}')
        if unknown := sorted(document.keys() - set(FIELDS)):
            raise InvalidSchedule(f"unknown field {summary(unknown[0])}; known are {', '.join(FIELDS)}")
        given = {name: value for name, value in document.items() if name != "cooldown"}
        return Cooldown(document["cooldown"], **given)


def write_request(
    path: str | os.PathLike[str], steps: int, end: float = 0.0, shape: str = "1-sqrt", at: int | None = None
) -> Path:
    """Ask the training that watches `path` to start its decay; the file is written whole or not at all.

    Args:
        path: the file; an earlier request in it is replaced.
        steps, end, shape, at: as in `Cooldown`.
    Raises:
        InvalidSchedule: a value that no decay can have.

    >>> read_request(write_request("request.json", 1000, at=5000))
    Cooldown(steps=1000, end=0.0, shape='1-sqrt', at=5000)
    """
    return write_atomically(path, json.dumps(Cooldown(steps, end, shape, at).document()) + "\n")


def read_request(path: str | os.PathLike[str]) -> Cooldown:
    """The request in a file.

    Raises:
        InvalidSchedule: the file holds none; the message names the file and what is wrong.
        OSError: the file cannot be read.
    """
    try:
        return Cooldown.from_document(json.loads(Path(path).read_text(encoding="utf-8")))
    except (InvalidSchedule, ValueError, RecursionError) as error:
        raise InvalidSchedule(f"{path} holds no request to a training: {error}") from error
