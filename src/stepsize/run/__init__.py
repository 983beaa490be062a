"""Runs: what happened in trainings, as values, as files of others, and in the ledger of a study."""

from stepsize.run.column import Column as Column
from stepsize.run.record import Outcome as Outcome
from stepsize.run.record import Run as Run
from stepsize.run.record import read_folder as read_folder
