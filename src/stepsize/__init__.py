"""stepsize: choose and schedule learning rates, with evidence.

The nouns and verbs of the library, gathered; nothing is defined here. What needs more than NumPy is
imported when it is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from stepsize.errors import EngineError as EngineError
from stepsize.errors import InvalidPolicy as InvalidPolicy
from stepsize.errors import InvalidSchedule as InvalidSchedule
from stepsize.errors import InvalidSpace as InvalidSpace
from stepsize.errors import InvalidTraining as InvalidTraining
from stepsize.errors import MissingExtra as MissingExtra
from stepsize.errors import StepsizeError as StepsizeError
from stepsize.errors import UnreadableRun as UnreadableRun
from stepsize.policy import Policy as Policy
from stepsize.schedule import Duration as Duration
from stepsize.schedule import Schedule as Schedule
from stepsize.schedule import chebyshev as chebyshev
from stepsize.schedule import constant as constant
from stepsize.schedule import cosine as cosine
from stepsize.schedule import cyclic as cyclic
from stepsize.schedule import exp_hyperbolic as exp_hyperbolic
from stepsize.schedule import exponential as exponential
from stepsize.schedule import exponential_decay as exponential_decay
from stepsize.schedule import function as function
from stepsize.schedule import hyperbolic as hyperbolic
from stepsize.schedule import inverse_sqrt as inverse_sqrt
from stepsize.schedule import inverse_time as inverse_time
from stepsize.schedule import k_decay as k_decay
from stepsize.schedule import knee as knee
from stepsize.schedule import linear as linear
from stepsize.schedule import logistic as logistic
from stepsize.schedule import mirror_cosine as mirror_cosine
from stepsize.schedule import multistep as multistep
from stepsize.schedule import noam as noam
from stepsize.schedule import one_cycle as one_cycle
from stepsize.schedule import one_minus_power as one_minus_power
from stepsize.schedule import one_minus_sqrt as one_minus_sqrt
from stepsize.schedule import piecewise_constant as piecewise_constant
from stepsize.schedule import piecewise_linear as piecewise_linear
from stepsize.schedule import polynomial as polynomial
from stepsize.schedule import power_law as power_law
from stepsize.schedule import random as random
from stepsize.schedule import rex as rex
from stepsize.schedule import sgdr as sgdr
from stepsize.schedule import sigmoid as sigmoid
from stepsize.schedule import sine as sine
from stepsize.schedule import slanted_triangular as slanted_triangular
from stepsize.schedule import step_decay as step_decay
from stepsize.schedule import tanh as tanh
from stepsize.schedule import warmup_cosine as warmup_cosine
from stepsize.schedule import warmup_linear as warmup_linear
from stepsize.schedule import wsd as wsd

if TYPE_CHECKING:
    from stepsize.diagnosis import Diagnosis as Diagnosis
    from stepsize.diagnosis import diagnose as diagnose
    from stepsize.finder import Range as Range
    from stepsize.finder import find as find
    from stepsize.finding import Finding as Finding
    from stepsize.loop import drive as drive
    from stepsize.recorder import Recorder as Recorder
    from stepsize.run import Run as Run
    from stepsize.schedule.compat import compat as compat
    from stepsize.script import Script as Script
    from stepsize.tuner import Study as Study
    from stepsize.tuner import tune as tune
    from stepsize.tuner import when as when

__version__ = "0.1.0"

# Asked for by name -> the module that has it. No room is named like what it offers: importing a module
# `stepsize.tune` would put the module where the function `stepsize.tune` belongs.
_LATER = {
    "Diagnosis": "stepsize.diagnosis",
    "Finding": "stepsize.finding",
    "Range": "stepsize.finder",
    "Recorder": "stepsize.recorder",
    "Run": "stepsize.run",
    "Script": "stepsize.script",
    "Study": "stepsize.tuner",
    "compat": "stepsize.schedule.compat",
    "diagnose": "stepsize.diagnosis",
    "drive": "stepsize.loop",
    "find": "stepsize.finder",
    "tune": "stepsize.tuner",
    "when": "stepsize.tuner",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module 'stepsize' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_LATER[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})
