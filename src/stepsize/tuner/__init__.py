"""`tune`: from a training and a budget to a policy with evidence."""

from stepsize.tuner.condition import when as when
from stepsize.tuner.recall import read_kept as read_kept
from stepsize.tuner.recall import read_study as read_study
from stepsize.tuner.study import Study as Study
from stepsize.tuner.study import Unfinished as Unfinished
from stepsize.tuner.tune import tune as tune
