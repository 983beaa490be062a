"""`stepsize diagnose --try`: the cheap experiment, for the training on the command line."""

from __future__ import annotations

from collections.abc import Sequence

from stepsize.cli.load import load
from stepsize.cli.output import Output, work
from stepsize.diagnosis import Diagnosis
from stepsize.diagnosis.experiment import SEEDS, Experiment, try_rates
from stepsize.errors import InvalidSpace


def tried(
    target: str, diagnoses: Sequence[Diagnosis], steps: int | None, rate: float | None, seed: int, output: Output
) -> Experiment:
    """Make the experiment about the one run that was diagnosed.

    Raises:
        InvalidSpace: there are several runs, or nothing says how long a full run is.
        InvalidTraining, EngineError: the training cannot be loaded or started, or failed.
    """
    if len(diagnoses) != 1:
        raise InvalidSpace(f"--try is about one run, and here are {len(diagnoses)}; say which with --run")
    run = diagnoses[0].run
    with work():
        training = load(target)
        full = steps or getattr(training, "steps", None) or run.steps
        if not full:
            raise InvalidSpace("--steps is missing: how many optimizer updates has a full run?")
        output.say(f"trying: {3 * SEEDS} short runs, each of a tenth of a run of {full:,} updates")
        return try_rates(training, run if rate is None else rate, steps=full, seed=seed)


def print_experiment(experiment: Experiment) -> None:
    """The answer, one named value a line."""
    sure = f"Right {round(100 * experiment.confidence)} times in 100." if experiment.confidence else ""
    print(f"experiment  {' '.join(filter(None, [str(experiment.finding), sure]))}", flush=True)
    print(f"cost        {experiment.cost:.2f} full runs", flush=True)
