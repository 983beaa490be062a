"""`find`: a quick look at which learning rates a training can use."""

from stepsize.finder.find import find as find
from stepsize.finder.range import Range as Range
