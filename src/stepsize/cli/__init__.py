"""The command line: `stepsize show | find | tune | demo`."""

from stepsize.cli.main import main as main
