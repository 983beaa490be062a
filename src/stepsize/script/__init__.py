"""Scripts: commands in any language as trainings, and what a script can use to take part."""

from stepsize.script.reporting import Trial as Trial
from stepsize.script.reporting import trial as trial
from stepsize.script.training import Script as Script
