"""What would decide: the cheap experiments that a log cannot replace, as sentences and commands."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from stepsize.diagnosis.trace import Trace, trace_of
from stepsize.report.digits import number

if TYPE_CHECKING:
    from stepsize.diagnosis.answer import Diagnosis

# The branches that tell the direction: this much above and below the rate, for this share of the run and no less.
FACTOR, SHARE, LEAST = 3.0, 0.1, 50
# A verdict that is right less often is worth an experiment.
DOUBTFUL = 0.9


@final
@dataclass(frozen=True)
class Proposal:
    """What to do, and the command that does it, with a name, where there is one."""

    words: str
    command: str = ""
    label: str = ""


def proposals(diagnosis: Diagnosis) -> list[Proposal]:
    """The experiments that would decide, the cheapest first; where the verdict is sure, the one that would test it."""
    if diagnosis.verdict == "diverged":
        return []
    trace = trace_of(diagnosis.run)
    if diagnosis.verdict != "undecided" and diagnosis.confidence >= DOUBTFUL:
        return [Proposal(by_hand(trace))]
    record, steps = this_command(diagnosis), _steps(trace)
    search = f"stepsize tune --set lr={_range(diagnosis.suggestion or trace.rate)} --steps {steps}"
    return [
        Proposal(by_hand(trace)),
        Proposal(
            "Or let stepsize make these runs, and judge them: train.py:training is a generator or a Task of yours.",
            f"{record} --try train.py:training --steps {steps}",
            "Three short runs",
        ),
        Proposal(
            "Or have the whole range searched with any script, which costs a few runs.",
            f"{search} -- python train.py --lr {{lr}} --steps {{steps}}",
            "A search",
        ),
    ]


def by_hand(trace: Trace) -> str:
    """The experiment that needs no tool: short runs like higher rates than long ones, so a high winner proves less."""
    updates = max(LEAST, round(SHARE * (trace.planned or trace.length)))
    short = f"{updates:,} updates" if trace.clock == "step" else "a tenth of the run"
    high, low = "three times the rate", "a third of it"
    if trace.rate > 0:
        high, low = (f"{number(rate, 2)}, {name}" for rate, name in _around(trace.rate))
    return (
        f"Make three short runs of {short}, each with its whole schedule: at the same rate, at {high}, and at {low}. "
        "If the lowest rate ends best, the rate is too high; if the highest ends best by far, it is too low."
    )


def _around(rate: float) -> tuple[tuple[float, str], tuple[float, str]]:
    return (FACTOR * rate, "three times as high"), (rate / FACTOR, "a third of it")


def this_command(diagnosis: Diagnosis) -> str:
    """The command that makes this diagnosis."""
    run = diagnosis.run
    name = f" --run {shlex.quote(run.name)}" if run.name else ""
    return f"stepsize diagnose {shlex.quote(run.source or 'LOG')}{name}"


def _steps(trace: Trace) -> str:
    return str(trace.planned or trace.length) if trace.clock == "step" and trace.length > 1 else "UPDATES"


def _range(rate: float) -> str:
    """Two decades below a rate to one above, in round numbers that a command understands."""
    if not rate > 0:
        return "1e-5:1"
    low, high = (float(f"{end:.1g}") for end in (rate / 100, rate * 10))
    return f"{low:g}:{high:g}"
