"""Optax: an optimizer from a policy, and what its state tells. A Schedule itself needs no adapter here."""

from stepsize._extras import extra

with extra("optax"):
    import jax as _jax  # noqa: F401  # so that a missing package is one clear line, from here on
    import optax as _optax  # noqa: F401

from stepsize.optax.build import build as build
from stepsize.optax.recorder import Recorder as Recorder
from stepsize.optax.state import hyperparams as hyperparams
from stepsize.optax.state import position as position
from stepsize.optax.task import Task as Task
