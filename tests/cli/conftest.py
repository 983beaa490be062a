"""The command line as a person meets it: a real process in an empty folder."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

TRAININGS = Path(__file__).parent.parent / "trainings.py"


@dataclass(frozen=True)
class Terminal:
    """A folder to type commands in."""

    folder: Path

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-W", "error", "-c", "from stepsize.cli import main; main()", *arguments]

    def __call__(self, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments), cwd=self.folder, capture_output=True, text=True, timeout=timeout, check=False
        )


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """An empty folder with `t.py` in it, a file of trainings."""
    shutil.copy(TRAININGS, tmp_path / "t.py")
    return Terminal(tmp_path)
