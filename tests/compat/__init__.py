"""The schedules of other libraries, as `stepsize.compat` makes them, against what those libraries compute."""
