"""`stepsize cooldown`: ask a running training to start its decay."""

from __future__ import annotations

from pathlib import Path

from stepsize.cli.output import Output
from stepsize.request import read_request, write_request


def cooldown(
    file: Path,
    /,
    *,
    steps: int,
    end: float = 0.0,
    shape: str = "1-sqrt",
    at: int | None = None,
    output: Output = Output(),  # noqa: B008  # frozen, and what the parser fills in
) -> None:
    """Ask the running training that watches FILE to start its decay now.

    Example: stepsize cooldown decay.json --steps 1000

    The training was given Scheduler(optimizer, lr=..., watch="decay.json") and looks at the file
    about once a second.

    Parameters
    ----------
    file
        The file that the training watches.
    steps
        Optimizer updates of the decay.
    end
        Learning rate after it.
    shape
        linear, cosine, mirror-cosine, exponential, 1-sqrt, sqrt, 1-square, square or rex.
    at
        The update at which it starts; by default the next one. Several processes need it, to agree.
    """
    output.may_write(file)
    request = read_request(write_request(file, steps, end, shape, at))
    if output.json:
        output.document({"schema": "stepsize.cooldown/1", **request.document()})
        return
    when = "at its next update" if at is None else f"at update {at}"
    output.say(f"{file}: the training will decay over {steps} updates to {end:g}, starting {when}")
