"""Schedules on the command line: how one is written, printed, drawn and compared with another."""

from __future__ import annotations

import ast
import json
import math
from typing import Any

import stepsize as ss
from stepsize._codec import is_finite
from stepsize.cli.output import Output
from stepsize.errors import InvalidSchedule
from stepsize.finding import Finding
from stepsize.report import Chart, Code, Fact, Page, Section, Series, Text
from stepsize.schedule import Schedule
from stepsize.schedule.compat import compat
from stepsize.schedule.picture import steps_to_draw

COMPAT = "compat:"
# Rows of the table of values, and points of a drawing.
ROWS, POINTS = 11, 1_000


def evaluated(expression: str, arguments: tuple[str, ...] = ()) -> Schedule:
    """A schedule written in Python with the names of stepsize, or `compat:LIBRARY:NAME` with its arguments.

    Raises:
        InvalidSchedule: it is neither, or gives no schedule.
    """
    if expression.startswith(COMPAT):
        return compat(expression.removeprefix(COMPAT), **dict(map(_argument, arguments)))
    if arguments:
        raise InvalidSchedule(f"{' '.join(arguments)!r}: only {COMPAT}LIBRARY:NAME takes arguments, as name=value")
    names = {name: getattr(ss, name) for name in dir(ss) if not name.startswith("_")}
    try:
        value = eval(expression, {"__builtins__": {}, "ss": ss, **names})
    except ss.StepsizeError:
        raise
    except Exception as error:  # anything may be written there
        raise InvalidSchedule(
            f"{expression!r} is neither a file nor a schedule such as 'warmup_cosine(1e-3, 1000, 50)': {error}"
        ) from error
    if not isinstance(value, Schedule):
        raise InvalidSchedule(f"{expression!r} gives {type(value).__name__}, not a schedule")
    return value


def _argument(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise InvalidSchedule(f"an argument is written name=value, got {text!r}")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value  # a plain word, such as linear


def shown_steps(schedules: list[Schedule], points: int, steps: int | None = None) -> Any:
    """The steps at which to look at some schedules: to the end of the longest, or of the training."""
    finite = [schedule.length for schedule in schedules if not math.isinf(schedule.length)]
    return steps_to_draw(steps or max(finite, default=math.inf), points)


def print_schedule(schedule: Schedule, output: Output, steps: int | None = None) -> None:
    """The schedule in numbers, with what its check found."""
    values = schedule(shown_steps([schedule], POINTS, steps))
    pairs = [
        ("schedule", repr(schedule)),
        ("length", "no end" if math.isinf(schedule.length) else f"{schedule.length} updates"),
        ("first", _text(values[0])),
        ("highest", f"{values.max():.6g}"),
        ("last", _text(values[-1])),
        *([] if schedule.node.shape else [("curve", schedule.sparkline())]),
        *(("check", str(finding)) for finding in schedule.check(steps)),
    ]
    output.lines(pairs)
    rows = shown_steps([schedule], ROWS, steps)
    output.table(["update", "value"], [[f"{int(step)}", _text(schedule(step))] for step in rows])


def print_difference(old: Schedule, new: Schedule, output: Output) -> None:
    """What the second has that the first has not, in parts and in numbers."""
    print(old.diff(new))
    rows = shown_steps([old, new], ROWS)
    output.table(["update", "old", "new"], [[f"{int(step)}", _text(old(step)), _text(new(step))] for step in rows])


def _text(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else " ".join(f"{item:.6g}" for item in value.reshape(-1))


def schedule_document(schedule: Schedule, steps: int | None, against: Schedule | None) -> dict[str, Any]:
    """The schedule as JSON, with a short curve and its findings."""
    rows = shown_steps([schedule], ROWS, steps)
    document: dict[str, Any] = {
        **json.loads(schedule.to_json()),
        "length": schedule.length if is_finite(schedule.length) else None,
        "curve": [[int(step), _plain(schedule(step))] for step in rows],
        "check": [finding.document() for finding in schedule.check(steps)],
    }
    if against is not None:
        difference = against.diff(schedule)
        document["difference"] = {"lines": difference.lines, "summary": difference.summary}
    return document


def _plain(value: Any) -> Any:
    return value if isinstance(value, float) else value.tolist()


def schedule_page(
    title: str, code: str, schedules: dict[str, Schedule], steps: int | None, against: Schedule | None
) -> Page:
    """One page with a chart for each schedule, or one with both curves of a comparison."""
    first = next(iter(schedules.values()))
    if against is not None:
        drawn = shown_steps([first, against], POINTS)
        both = [Series("old", drawn, _one(against, drawn)), Series("new", drawn, _one(first, drawn))]
        charts = [Chart("value", "update", "value", both)]
    else:
        charts = [_chart(name, schedule) for name, schedule in schedules.items()]
    values = first(shown_steps([first], POINTS))
    length = "without an end" if math.isinf(first.length) else f"over {first.length} updates"
    facts = [
        Fact("First", _text(values[0])),
        Fact("Highest", f"{values.max():.4g}"),
        Fact("Last", _text(values[-1])),
    ]
    talk: list[Any] = [Text(str(finding)) for finding in _findings(schedules, steps)]
    if against is not None:
        talk = [Code(str(against.diff(first)))]
    sections = [Section("Curve", [*charts, Code(code), *talk])]
    return Page(title, f"From {_text(values[0])} to a peak of {values.max():.3g}, {length}.", facts, sections)


def _findings(schedules: dict[str, Schedule], steps: int | None) -> list[Finding]:
    """What the check finds in the first: of a policy, the learning rate."""
    return next(iter(schedules.values())).check(steps)


def _chart(name: str, schedule: Schedule) -> Chart:
    steps = shown_steps([schedule], POINTS)
    return Chart(name, "update", name, [Series(name, steps, _one(schedule, steps))])


def _one(schedule: Schedule, steps: Any) -> Any:
    """One curve: of a schedule of arrays, the highest values."""
    values = schedule(steps)
    return values.reshape(len(steps), -1).max(axis=1)
