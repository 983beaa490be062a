"""Lanes: many runs of a Task side by side in one process, their tensors stacked, by torch.func."""

from stepsize.torch.lanes.probe import Choice as Choice
from stepsize.torch.lanes.side import side_by_side as side_by_side
