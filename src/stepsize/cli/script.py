"""`stepsize tune … -- COMMAND`: a script, in any language, in place of a training."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from stepsize._codec import summary
from stepsize.cli.load import load
from stepsize.cli.output import FLAG, Output
from stepsize.errors import InvalidSpace, InvalidTraining
from stepsize.script import Script
from stepsize.script.command import asked, reads
from stepsize.tuner import Study

# Steps of a full run where nobody says; it is told to who asks, as the best rate depends on it.
STEPS = 1000


@Parameter(name="*")
@dataclass(frozen=True)
class Scripting:
    """What a command after `--` may need."""

    metrics: str | None = None
    """For a command: what it writes its numbers to, such as {out}/log.csv; by default it prints JSON lines."""
    timeout: float | None = None
    """For a command: seconds after which a run has failed."""
    env: Annotated[bool, FLAG] = False
    """The command reads STEPSIZE_LR, STEPSIZE_STEPS, ... by itself."""


def chosen(
    words: Sequence[str],
    settings: Iterable[str],
    out: Path,
    steps: int | None,
    metric: str | None,
    options: Scripting,
    output: Output,
) -> Any:
    """The training of `file.py:name`, or the script of a command.

    Raises:
        InvalidTraining: there is none such, or the command cannot be filled.
    """
    if not words:
        raise InvalidTraining("a training is missing: give file.py:name, or a command after --")
    if len(words) == 1 and not asked(words) and options == Scripting():
        return load(words[0])
    script = Script(
        words,
        steps or STEPS,
        metric=metric,
        metrics=options.metrics,
        out=out / "runs",
        timeout=options.timeout,
        environment=options.env,
        optional=settings,
    )
    script.check(settings)
    if script.fixed_length:
        output.say("the command has no {steps}, so every run is a full one")
    if steps is None:
        output.say(f"no --steps: a full run is taken to have {STEPS}")
    return script


def rule(target: Any, schedule: str | None) -> Any:
    """The schedule to search with: a script keeps its own.

    Raises:
        InvalidSpace: a script is to be given another one.
    """
    if not isinstance(target, Script):
        return schedule or "warmup_cosine"
    if schedule is not None:
        raise InvalidSpace(
            f"a script keeps its own schedule and is given the peak only; leave out --schedule {schedule}"
        )
    return target.schedule


def with_bounds(settings: dict[str, Any], low: float | None, high: float | None) -> tuple[Any, Any, dict[str, Any]]:
    """The bounds of the rate, which may stand among the settings as `lr=low:high`, and the other settings.

    Raises:
        InvalidSpace: `lr` is no range, or is bounded twice.
    """
    if "lr" not in settings:
        return low, high, settings
    if low is not None or high is not None:
        raise InvalidSpace("the rate is bounded twice: give --set lr=low:high, or --low and --high")
    bounds = settings["lr"]
    if not isinstance(bounds, tuple) or len(bounds) != 2:
        raise InvalidSpace(f"the rate is searched in a range, as in --set lr=1e-5:1; got {summary(bounds)}")
    return *bounds, {name: value for name, value in settings.items() if name != "lr"}


def label(target: Any, words: Sequence[str]) -> str:
    """What a study calls it: the whole command, or the file without its folder."""
    return target.__name__ if isinstance(target, Script) else words[0].rpartition("/")[2]


def next_command(script: Script, study: Study, out: Path) -> str:
    """The command with what was chosen, to be typed as it is."""
    folder = (out / "final").resolve()
    if script.environment or reads(script.command, "out"):
        folder.mkdir(exist_ok=True)
    return script.line(**_values(study), out=str(folder))


def script_lines(lines: list[tuple[str, str]], study: Study) -> list[tuple[str, str]]:
    """The lines of an answer, with the rate called what it is to a script."""
    chosen = {name: value for name, value in _values(study).items() if name not in ("lr", "steps", "seed")}
    settings = "".join(f", {name} {value}" for name, value in chosen.items())
    steps = study.order.plan.steps
    peak = f"{study.rate:.3g} for your script, which keeps its own schedule, over {steps} steps{settings}"
    return [("peak lr", peak), *((name, text) for name, text in lines if name != "policy")]


def _values(study: Study) -> dict[str, Any]:
    plan = study.order.plan
    return {"lr": study.rate, "steps": plan.steps, "seed": plan.seed, **dict(study.decision.settings)}
