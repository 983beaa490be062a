"""Whole curves of `compat` against those of the libraries: installed ones as they run, others as tabulated."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import stepsize as ss
from tests.compat import peers
from tests.compat.cases import Case

TABLES = Path(__file__).with_name("tables")
# What a library's own rounding needs: the largest relative difference, and the share of the curve's peak below which
# a value is measured against that share instead.
FLOAT64, FLOAT32 = (1e-9, 1e-6), (1e-5, 0.1)
PRECISION = {"keras": FLOAT32, "fastai": FLOAT32}


# Where a library is known to differ from its own formula by rounding, or by what was asked before: the call and a word
# of the case's defect -> the places in its list of steps.
MISSED = {
    ("timm:CosineLRScheduler", "restart 121"): (121,),
    ("paddle:LinearWarmup", "restart 121"): (141,),
    ("fastai:fit_sgdr", "update 30 of 70"): (30,),
    ("lrbench:NSTEP", "skipped updates"): (2,),
    ("lrbench:NSTEP", "asked again from 0"): (10, 11, 12),
}
# What compat refuses to make, by an argument or by the call.
REFUSED = ("noise_range_t", "pytorch_warmup:RAdamWarmup")


@dataclass(frozen=True)
class Comparison:
    """One call: its curve there, and how far ours is away at most."""

    case: Case
    values: list[float]

    @property
    def call(self) -> str:
        return str(self.case["call"])

    def ours(self) -> Any:
        return schedule(self.case)(self.case["steps"])

    def differences(self) -> Any:
        """The relative difference at each step."""
        theirs = np.asarray(self.values, dtype=float)
        _, share = PRECISION.get(self.call.split(":")[0], FLOAT64)
        scale = np.maximum(np.abs(theirs), share * np.abs(theirs).max(initial=1e-300))
        return np.abs(self.ours() - theirs) / scale

    @property
    def tolerance(self) -> float:
        return PRECISION.get(self.call.split(":")[0], FLOAT64)[0]

    def missed(self) -> tuple[int, ...]:
        """The places where the library misses its own formula."""
        found = [at for (call, word), at in MISSED.items() if call == self.call and word in self.case.get("defect", "")]
        return found[0] if found else ()

    def largest(self) -> float:
        """The largest difference elsewhere."""
        return float(np.delete(self.differences(), self.missed()).max(initial=0.0))


def schedule(case: Case) -> ss.Schedule:
    """The call, made by `compat`."""
    arguments = {key: argument(value) for key, value in case["arguments"].items()}
    if case["call"].split(":")[0] in RATE_IS_THE_OPTIMIZERS and "lr" in arguments:
        arguments["base_lr"] = arguments.pop("lr")
    if "Multiplicative" in case["call"]:
        arguments["updates"] = max(case["steps"])
    return ss.compat(case["call"], **arguments)


# Their tables call it lr.
RATE_IS_THE_OPTIMIZERS = ("timm", "composer", "pytorch_optimizer", "pytorch_warmup")


def argument(value: Any) -> Any:
    """An argument as `compat` takes it: nested calls are schedules, Python text is a function."""
    if isinstance(value, dict) and "call" in value:
        return schedule(value)
    if isinstance(value, dict) and "python" in value:
        return function(value["python"])
    if isinstance(value, list) and any(isinstance(one, dict) and "call" in one for one in value):
        return [argument(one) for one in value]
    return value


@cache
def function(source: str) -> Callable[[Any], Any]:
    """A function with a name in this module, so that a document can say which it is."""
    made: Callable[[Any], Any] = eval(source)
    made.__module__, made.__qualname__ = __name__, f"function_{len(FUNCTIONS)}"
    FUNCTIONS[f"{__name__}:{made.__qualname__}"] = made
    globals()[made.__qualname__] = made
    return made


FUNCTIONS: dict[str, Callable[[Any], Any]] = {}


@cache
def comparisons(library: str) -> list[Comparison]:
    """Every case of a library with its own values."""
    if library in peers.LIVE:
        pairs = zip(peers.named(library), peers.LIVE[library](), strict=True)
        return [Comparison(case, values) for case, values in pairs]
    return [Comparison(case, case["values"]) for case in cases(library)]


def cases(library: str) -> list[Case]:
    """Every case of a library that is compared."""
    if library in peers.LIVE:
        return peers.named(library)
    late = [one | {"arguments": {**one["arguments"], "trainer": True}} for one in table(library).get("trained", ())]
    every = [*table(library)["cases"], *late]
    return [one for one in every if not any(name in (*one["arguments"], one["call"]) for name in REFUSED)]


@cache
def table(library: str) -> dict[str, Any]:
    """What `tabulate.py` wrote of a library that is not installed beside the others."""
    return json.loads((TABLES / f"{library}.json").read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def power_of_ten(difference: float) -> float:
    """Rounded up, so that the last digits of another machine change nothing; below 1e-15 it is 1e-15."""
    return 10.0 ** math.ceil(math.log10(max(difference, 1e-15)))
