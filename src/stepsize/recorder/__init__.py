"""The recorder: a log of a training that survives a kill, written from the training's own loop."""

from stepsize.recorder.pace import Pace as Pace
from stepsize.recorder.recorder import Recorder as Recorder
