"""Scripts of all kinds, each training the same small bowl: it diverges above a rate of 0.1."""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from stepsize.script import Script

BOWL = """
import random, sys, os, time, json, math
args = dict(zip(sys.argv[1::2], sys.argv[2::2]))
peak, steps, seed = float(args["--lr"]), int(args["--steps"]), int(args.get("--seed", 0))
noise = random.Random(seed)
def curve():
    x = y = 1.0
    for step in range(steps):
        lr = peak * (1 - step / steps)
        x -= lr * (2 * x + noise.gauss(0, 0.1))
        y -= lr * (20 * y + noise.gauss(0, 0.1))
        yield step, lr, x * x + 10 * y * y
"""
WORDS = [sys.executable, "script.py", "--lr", "{lr}", "--steps", "{steps}", "--seed", "{seed}"]

Make = Callable[..., Script]


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Writes `script.py` into an empty folder, and makes a Script of it."""
    monkeypatch.chdir(tmp_path)

    def make(body: str, *more: str, bowl: bool = True, **options: Any) -> Script:
        Path("script.py").write_text((BOWL if bowl else "import sys, os, time, json\n") + dedent(body))
        return Script([*WORDS, *more], **options)

    return make


def gone(pid: int, seconds: float = 10) -> bool:
    """Whether a process ends within a time; one that only waits to be asked for its end is gone."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.02)
    return False


def eventually(path: Path, seconds: float = 30) -> str:
    """What a file holds, once it does."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if path.exists() and (text := path.read_text()):
            return text
        time.sleep(0.02)
    raise AssertionError(f"{path} was not written")
