"""transformers: the recorder as a callback of its Trainer. A stepsize Scheduler itself needs no adapter there."""

from stepsize._extras import extra

with extra("transformers"):
    import torch as _torch  # noqa: F401  # so that a missing package is one clear line, from here on
    import transformers as _transformers  # noqa: F401

from stepsize.transformers.recorder import Recorder as Recorder
