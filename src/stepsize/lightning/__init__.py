"""Lightning: the recorder as a callback of its Trainer. A stepsize Scheduler itself needs no adapter there."""

from stepsize._extras import extra

with extra("lightning"):
    import lightning as _lightning  # noqa: F401  # so that a missing package is one clear line, from here on

from stepsize.lightning.recorder import Recorder as Recorder
