"""Engines: where the runs of a search are made. The decisions are the same on each."""

from stepsize.engine.engine import Engine as Engine
from stepsize.engine.engine import as_engine as as_engine
from stepsize.engine.local import Local as Local
