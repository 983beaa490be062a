"""`stepsize tune`."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from stepsize.cli.load import load
from stepsize.cli.output import Output, work
from stepsize.cli.progress import SearchProgress, bars
from stepsize.errors import InvalidSpace
from stepsize.tuner import Study
from stepsize.tuner import tune as search


def tune(
    training: str,
    /,
    *,
    steps: int | None = None,
    budget: float = 4.0,
    metric: str | None = None,
    optimizer: str | None = None,
    schedule: str = "warmup_cosine",
    low: float | None = None,
    high: float | None = None,
    space: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    seed: int = 0,
    out: Annotated[Path, Parameter(name=["--out", "-o"])] = Path("out"),
    resume: Annotated[bool, Parameter(negative="")] = False,
    output: Output = Output(),  # noqa: B008  # frozen, and what the parser fills in
) -> None:
    """Find the learning-rate policy of a training, with evidence.

    Example: stepsize tune train.py:training --steps 2000 --metric val_loss --budget 4 -o out/

    Parameters
    ----------
    training
        file.py:name of a generator function or a Task.
    steps
        Optimizer updates of a full run; a Task knows its own.
    budget
        What may be spent, in full-run equivalents.
    metric
        What to minimise at the end of a run [default: val_loss where reported, else loss].
    optimizer
        The optimizer to tune, or the one the training brings.
    schedule
        warmup_cosine, warmup_linear, wsd or constant.
    low
        Lowest peak learning rate considered.
    high
        Highest peak learning rate considered.
    space
        What else may vary: name=low:high or name=a,b,c; repeatable.
    seed
        Of the runs.
    out
        Folder for policy.json, report.html and study.db.
    resume
        Go on with the study in that folder.
    """
    settings = parse_settings(space)
    with work():
        target = load(training)
        database = prepare(out)
        updates = steps or getattr(target, "steps", None) or 1
        with bars(output.quiet) as place:
            study = search(
                target,
                budget,
                steps,
                metric=metric,
                optimizer=optimizer,
                schedule=schedule,
                low=low,
                high=high,
                space=settings,
                seed=seed,
                out=database,
                resume=resume,
                overwrite=output.force,
                name=training.rpartition("/")[2],
                progress=SearchProgress(place, output.quiet, budget, updates),
            )
    paths = deliver(study, out)
    if output.json:
        output.document({**study.document(), "files": paths})
        return
    output.lines([*answer_lines(study), *((name, path) for name, path in paths.items())])
    output.say(f"next: open {paths['report']}, or: stepsize show {paths['policy']}")


def prepare(out: Path) -> Path:
    """The folder made, and the place of the study in it."""
    if out.exists() and not out.is_dir():
        raise InvalidSpace(f"{out} is a file; give a folder with -o")
    out.mkdir(parents=True, exist_ok=True)
    return out / "study.db"


def deliver(study: Study, out: Path) -> dict[str, str]:
    """Write the policy and the report; the paths of all three files."""
    policy, report = study.policy.save(out / "policy.json"), study.report(out / "report.html")
    return {"policy": str(policy), "report": str(report), "study": str(out / "study.db")}


def answer_lines(study: Study) -> list[tuple[str, str]]:
    """The answer as named values."""
    low, high = study.range
    optimizer = f"{study.policy.optimizer}, " if study.policy.optimizer else ""
    settings = "".join(f", {name} {value}" for name, value in study.decision.settings)
    rule = study.order.recipe.schedule
    kind = rule if isinstance(rule, str) else "your schedule"
    return [
        ("policy", f"{optimizer}{kind}, peak {study.rate:.3g}, {study.order.plan.steps} updates{settings}"),
        ("range", f"{low:.2g} to {high:.2g} costs less than 1 % of what training gains"),
        (
            "off by 2",
            f"twice as high costs {study.cost_of(2):.1%} of the gain, half as high {study.cost_of(0.5):.1%}",
        ),
        (
            "result",
            f"{study.order.metric} {study.best.final(study.order.metric):.4g} over {study.best.steps} updates",
        ),
        ("cost", f"{study.cost:.2f} full-run equivalents, {len(study.runs)} runs"),
        *(("evidence", str(finding)) for finding in study.evidence),
    ]


def parse_settings(entries: tuple[str, ...]) -> dict[str, Any]:
    """`name=low:high` as a range, `name=a,b,c` as choices.

    Raises:
        InvalidSpace: an entry is neither.
    """
    pairs = [_entry(entry) for entry in entries]
    names = [name for name, _ in pairs]
    if twice := {name for name in names if names.count(name) > 1}:
        raise InvalidSpace(f"--space names {', '.join(sorted(twice))} twice; give each setting once")
    return dict(pairs)


def _entry(entry: str) -> tuple[str, Any]:
    name, separator, values = entry.partition("=")
    if not separator or not name or not values:
        raise InvalidSpace(f"--space is name=low:high or name=a,b,c; got {entry!r}")
    if ":" in values:
        return name, tuple(_value(part) for part in values.split(":"))
    return name, [_value(part) for part in values.split(",")]


def _value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
