"""`compat`: the schedules of other libraries, by their own names and arguments, as schedules of ours."""

from stepsize.schedule.compat.call import compat as compat
