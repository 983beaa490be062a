"""Diagnosis: what a record says of its learning rate, how sure that is, and what to do."""

from stepsize.diagnosis.answer import Diagnosis as Diagnosis
from stepsize.diagnosis.answer import Verdict as Verdict
from stepsize.diagnosis.experiment import Experiment as Experiment
from stepsize.diagnosis.experiment import try_rates as try_rates
from stepsize.diagnosis.reasons import Reason as Reason
from stepsize.diagnosis.verb import diagnose as diagnose
