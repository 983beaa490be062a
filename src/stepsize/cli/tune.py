"""`stepsize tune`."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from stepsize.cli.output import Output, work
from stepsize.cli.progress import watched
from stepsize.cli.script import Scripting, chosen, label, next_command, rule, script_lines, with_bounds
from stepsize.errors import InvalidSpace
from stepsize.script import Script
from stepsize.tuner import Study, when
from stepsize.tuner import tune as search


def tune(
    *training: str,
    steps: int | None = None,
    budget: float = 4.0,
    metric: str | None = None,
    optimizer: str | None = None,
    schedule: str | None = None,
    low: float | None = None,
    high: float | None = None,
    space: Annotated[tuple[str, ...], Parameter(name=["--set", "--space"], negative="")] = (),
    sampler: str = "surface",
    seed: int = 0,
    out: Annotated[Path, Parameter(name=["--out", "-o"])] = Path("out"),
    resume: Annotated[bool, Parameter(negative="")] = False,
    engine: str = "local",
    workers: int | None = None,
    parallel: int = 1,
    widen: bool = True,
    script: Scripting = Scripting(),  # noqa: B008  # frozen, and what the parser fills in
    output: Output = Output(),  # noqa: B008  # frozen, and what the parser fills in
) -> None:
    """Find the learning-rate policy of a training, with evidence.

    Example: stepsize tune train.py:training --steps 2000 --metric val_loss --budget 4 -o out/

    Any script: stepsize tune --set lr=1e-5:1 --steps 2000 -- python train.py --lr {lr} --steps {steps}

    Parameters
    ----------
    training
        file.py:name of a generator function or a Task; or after --, a command with {lr}, {steps}, {seed}, {out}.
    steps
        Optimizer updates of a full run; a Task knows its own.
    budget
        What may be spent, in full-run equivalents.
    metric
        What to minimise at the end of a run [default: val_loss where reported, else loss].
    optimizer
        The optimizer to tune, or the one the training brings.
    schedule
        warmup_cosine, warmup_linear, wsd or constant [default: warmup_cosine]; a command keeps its own.
    low
        Lowest peak learning rate considered.
    high
        Highest peak learning rate considered.
    space
        What else may vary: name=low:high or name=a,b,c; repeatable; lr=low:high bounds the rate;
        name=low:high@optimizer=adamw exists under that choice alone.
    sampler
        Who proposes settings: surface or random; with the extra tune also tpe, gp, cma or qmc of Optuna.
    seed
        Of the runs.
    out
        Folder for policy.json, report.html and study.db.
    resume
        Go on with the study in that folder.
    engine
        Where the runs are made: local, process, lanes or ray.
    workers
        Runs at once at most [default: what there is room for].
    parallel
        Runs that the search asks for at once where it need not wait.
    widen
        Leave low and high, by two decades at most, where the best rate seems to lie beyond.
    """
    low, high, settings = with_bounds(parse_settings(space), low, high)
    with work():
        target = chosen(training, settings, out, steps, metric, script, output)
        curve = rule(target, schedule)
        database = prepare(out)
        updates = steps or getattr(target, "steps", None) or 1
        with watched(output.quiet, budget, updates) as progress:
            study = search(
                target,
                budget,
                steps,
                metric=metric,
                optimizer=optimizer,
                schedule=curve,
                low=low,
                high=high,
                space=settings,
                sampler=sampler,
                seed=seed,
                out=database,
                resume=resume,
                overwrite=output.force,
                name=label(target, training),
                progress=progress,
                engine=engine,
                workers=workers,
                parallel=parallel,
                widen=widen,
            )
    paths = deliver(study, out)
    command = next_command(target, study, out) if isinstance(target, Script) else None
    if output.json:
        output.document({**study.document(), "files": paths, **({"next": command} if command else {})})
        return
    lines = script_lines(answer_lines(study), study) if command else answer_lines(study)
    output.lines([*lines, *((name, path) for name, path in paths.items()), *([("next", command)] if command else [])])
    if not command:
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
    chosen = dict(study.decision.settings)
    rule = chosen.pop("schedule", study.order.recipe.schedule)
    settings = "".join(f", {name} {value}" for name, value in chosen.items() if name != "optimizer")
    kind = rule if isinstance(rule, str) else "your schedule"
    return [
        ("policy", f"{optimizer}{kind}, peak {study.rate:.3g}, {study.policy.lr.length} updates{settings}"),
        ("range", f"{low:.2g} to {high:.2g} costs less than 1 % of what training gains"),
        ("likely", "the best rate lies between {:.2g} and {:.2g} (80 %)".format(*study.interval())),
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
    own, *conditions = entry.split("@")
    name, separator, values = own.partition("=")
    if not separator or not name or not values:
        raise InvalidSpace(f"--space is name=low:high or name=a,b,c; got {entry!r}")
    found: Any = [_value(part) for part in values.split(",")]
    if ":" in values:
        found = tuple(_value(part) for part in values.split(":"))
    return name, when(found, **dict(map(_condition, conditions))) if conditions else found


def _condition(text: str) -> tuple[str, Any]:
    """`optimizer=adamw`, or `optimizer=adam,adamw` for any of them."""
    name, separator, values = text.partition("=")
    if not separator or not name or not values:
        raise InvalidSpace(f"a condition is @name=value or @name=a,b; got {text!r}")
    return name, [_value(part) for part in values.split(",")]


def _value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
