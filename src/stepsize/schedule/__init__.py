"""Schedules: the value of one hyperparameter over training, as a pure function of the step."""

from stepsize.schedule.algebra import Schedule as Schedule
from stepsize.schedule.algebra import as_schedule as as_schedule
from stepsize.schedule.kinds import constant as constant
from stepsize.schedule.kinds import cosine as cosine
from stepsize.schedule.kinds import exponential as exponential
from stepsize.schedule.kinds import exponential_decay as exponential_decay
from stepsize.schedule.kinds import inverse_sqrt as inverse_sqrt
from stepsize.schedule.kinds import inverse_time as inverse_time
from stepsize.schedule.kinds import linear as linear
from stepsize.schedule.kinds import one_minus_sqrt as one_minus_sqrt
from stepsize.schedule.kinds import polynomial as polynomial
from stepsize.schedule.kinds import rex as rex
from stepsize.schedule.recipes import multistep as multistep
from stepsize.schedule.recipes import piecewise_constant as piecewise_constant
from stepsize.schedule.recipes import piecewise_linear as piecewise_linear
from stepsize.schedule.recipes import step_decay as step_decay
from stepsize.schedule.recipes import warmup_cosine as warmup_cosine
from stepsize.schedule.recipes import warmup_linear as warmup_linear
from stepsize.schedule.recipes import wsd as wsd
