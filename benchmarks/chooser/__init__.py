"""The replay benchmark of the chooser: see `__main__.py` for how it is run, and benchmarks/README.md."""

import os
from pathlib import Path

# What takes long to make is kept outside of the checkout, where no `make clean` reaches it.
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "stepsize-chooser"
