"""`Script`: a command, in any language, as a training that makes whole runs."""

from __future__ import annotations

import itertools
import os
import shlex
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, final

from stepsize._codec import is_finite, summary
from stepsize.errors import InvalidSpace, InvalidTraining
from stepsize.job import Job, Watch
from stepsize.policy import Policy
from stepsize.run import Run
from stepsize.schedule import Schedule, constant
from stepsize.script.command import (
    REPORTS,
    asked,
    check_program,
    check_settings,
    environment,
    filled,
    reads,
    shown,
)
from stepsize.script.metrics import PrintedOrReported, Source, Written
from stepsize.script.running import Running


@final
class Script:
    """A command as a training: `{lr}`, `{steps}`, `{seed}`, `{out}` and every setting are filled in for each run.

    The rate is the peak: the script keeps its own schedule. Each run has a fresh folder, `{out}`, and everything it
    prints is kept beside it. Its numbers are read from the JSON lines it prints, or from a file.

    Args:
        command: its words; a text is split as a shell would, but no shell runs it.
        steps: optimizer updates of a full run.
        metric: what is minimised, a name exactly as it is reported; by default `val_loss`, else `loss`.
        metrics: the file or folder the script writes its numbers to, with `{out}` in it: JSON lines, CSV, or
            TensorBoard events.
        out: the folder for the folders and logs of the runs.
        timeout: seconds after which a run has failed; None for no limit.
        environment: the script reads its values from STEPSIZE_LR, STEPSIZE_STEPS, … by itself, as
            `stepsize.script.trial` does, so the command need not hold them.
        optional: settings that some runs do not have, such as the momentum of one optimizer of several: a word that
            asks for one, `--momentum={momentum}`, is then left out.
    Raises:
        InvalidTraining: there is no such program, or an argument makes no sense.

    >>> import sys
    >>> script = Script([sys.executable, "train.py", "--lr", "{lr}", "--steps", "{steps}"], steps=2000)
    >>> script.words(lr=0.001, steps=2000)[2:]
    ['--lr', '0.001', '--steps', '2000']
    """

    def __init__(
        self,
        command: str | Sequence[str],
        steps: int | None = None,
        *,
        metric: str | None = None,
        metrics: str | None = None,
        out: str | os.PathLike[str] = "runs",
        timeout: float | None = None,
        environment: bool = False,
        optional: Iterable[str] = (),
    ) -> None:
        self.command = tuple(shlex.split(command) if isinstance(command, str) else command)
        self.steps, self.metric, self.metrics = steps, metric, metrics
        self.out, self.timeout, self.environment = Path(out), timeout, environment
        self.optional = frozenset(optional)
        self.__name__ = shlex.join(self.command)  # as a study calls it
        check_program(self.command)
        if metrics is not None and "out" not in asked([metrics]):
            raise InvalidTraining(
                f"metrics must be within the folder of the run, as in {{out}}/log.csv; got {metrics!r}"
            )
        if timeout is not None and not (is_finite(timeout) and timeout > 0):
            raise InvalidTraining(f"timeout must be seconds above 0, got {summary(timeout)}")

    @property
    def fixed_length(self) -> bool:
        """Whether every run has full length, because nothing tells the script of `steps`."""
        return not (self.environment or reads(self.command, "steps"))

    @property
    def schedule(self) -> Schedule:
        """The rule of the rate: a constant, as the script makes its own of it."""
        return constant(1.0, 1)

    def check(self, settings: Iterable[str]) -> None:
        """Refuse settings that the command does not use, and placeholders that nothing fills.

        Raises:
            InvalidTraining: the message names it.
        """
        names = list(settings)
        check_settings(self.command, names, self.environment, self.optional)
        if self.metrics is not None and (
            unknown := sorted(asked([self.metrics]) - {"lr", "steps", "seed", "out", *names})
        ):
            raise InvalidTraining(f"metrics asks for {{{unknown[0]}}}, which nothing sets")

    def words(self, **values: Any) -> list[str]:
        """The command with these values; less the words that ask for an optional setting that has none.

        Raises:
            InvalidTraining: another value is missing.
        """
        absent = asked(self.command) - values.keys()
        if missing := sorted(absent - self.optional):
            raise InvalidTraining(f"the command asks for {{{missing[0]}}}; give its value")
        return [filled(word, values) for word in self.command if not absent & asked([word])]

    def line(self, **values: Any) -> str:
        """The command with these values as a person would type it, with its variables where it reads them."""
        variables = environment(values)
        used = (
            variables if self.environment else {n: v for n, v in variables.items() if any(n in w for w in self.command)}
        )
        return shown(self.words(**values), used)

    def run(self, job: Job, watch: Watch | None) -> Run:
        """One run of the command.

        It has diverged when a loss is no longer finite, and is ended at once; it has failed when it ends with another
        code than 0, or takes too long.

        Raises:
            InvalidTraining: it cannot be started, or reported nothing.
            InvalidSpace: the policy has a schedule, which a script does not take.
        """
        rate, settings = _peak(job.policy, job.steps), {**_constants(job.policy), **job.settings}
        if job.policy.optimizer is not None and (self.environment or reads(self.command, "optimizer")):
            settings["optimizer"] = job.policy.optimizer
        self.check(settings)
        folder = _fresh(self.out)
        values = {"lr": rate, "steps": job.steps, "seed": job.seed, "out": str(folder), **settings}
        reports = folder / "stepsize.jsonl"
        variables = environment(values) | {REPORTS: str(reports)}
        running = Running(job, rate, self.metric or "", self._source(reports, values), self.timeout, watch)
        log = folder.with_suffix(".log")
        log.write_text(f"$ {self.line(**values)}\n", encoding="utf-8")
        return running.run(self.words(**values), variables, log)

    def _source(self, reports: Path, values: Mapping[str, Any]) -> Source:
        if self.metrics is None:
            return PrintedOrReported(reports, self.metric or "")
        return Written(Path(filled(self.metrics, values)), self.metric or "")

    def __repr__(self) -> str:
        return f"<Script {self.__name__}>"


def _fresh(out: Path) -> Path:
    """The next free folder: a number. Several processes may ask at once."""
    out.mkdir(parents=True, exist_ok=True)
    taken = [int(entry.stem) for entry in out.iterdir() if entry.stem.isdecimal()]
    for number in itertools.count(max(taken, default=0) + 1):
        with suppress(FileExistsError):
            (out / str(number)).mkdir()
            break
    return (out / str(number)).resolve()


def _peak(policy: Policy, steps: int) -> float:
    if len(policy.schedules) > 1:
        raise InvalidSpace(f"a script takes numbers, no schedules, so {' and '.join(policy.schedules)} cannot change")
    rates = {float(policy.lr(step)) for step in (0, steps // 2, steps - 1)}
    if len(rates) > 1:
        raise InvalidSpace(
            "a script keeps its own schedule and is given one rate, so there is no range test of it: "
            "drive it with a number, or tune it with schedule=script.schedule"
        )
    return rates.pop()


def _constants(policy: Policy) -> dict[str, Any]:
    """The settings in a policy, by the names that a search has for them."""
    constants: dict[str, Any] = policy.constants
    betas = constants.pop("betas", None)
    return constants if betas is None else {**constants, "beta1": betas[0], "beta2": betas[1]}
