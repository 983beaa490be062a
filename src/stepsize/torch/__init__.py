"""PyTorch: schedules on an optimizer, optimizers from a policy, and declared trainings."""

from stepsize._extras import extra

with extra("torch"):
    import torch as _torch  # noqa: F401  # so that a missing PyTorch is one clear line, from here on

from stepsize.torch.layers import layer_groups as layer_groups
from stepsize.torch.layers import scaled_groups as scaled_groups
from stepsize.torch.optimizers import build as build
from stepsize.torch.recorder import Recorder as Recorder
from stepsize.torch.scheduler import Scheduler as Scheduler
from stepsize.torch.task import Task as Task
