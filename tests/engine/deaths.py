"""Trainings that end badly, each in its own way, for the tests of engines that must survive them."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.trainings import Training, bowl

MIB = 2**20
kept = []


def segfault() -> None:
    ctypes.string_at(0)


def hog() -> None:
    kept.append(b"x" * (400 * MIB))
    time.sleep(60)


def brood() -> None:
    subprocess.run([sys.executable, "-c", "import time; kept = b'x' * (400 * 2**20); time.sleep(60)"], check=True)


def forked() -> None:
    """Die, and leave a process behind that holds all that was open."""
    if os.fork() == 0:
        time.sleep(600)
        os._exit(0)
    os.kill(os.getpid(), signal.SIGKILL)


WAYS = {
    "": lambda: None,
    "killed": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "exit": lambda: os._exit(7),
    "leave": lambda: sys.exit(8),
    "segfault": segfault,
    "hang": lambda: time.sleep(60),
    "hog": hog,
    "brood": brood,
    "forked": forked,
}


def mortal(seed: int, way: str = "", at: int = 5) -> Training:
    """The bowl, until something happens before update `at`."""
    inner, step, lr = bowl(seed), 0, (yield)
    next(inner)
    while True:
        if step == at:
            WAYS[way]()
        step += 1
        lr = yield inner.send(lr)


def dies_once(seed: int, folder: str) -> Training:
    """The bowl, but the first attempt at each seed is killed."""
    mark = Path(folder, str(seed))
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    yield from bowl(seed)


def leaks(seed: int) -> Training:
    """The bowl; each run leaves memory behind in its process."""
    kept.append(b"x" * (100 * MIB))
    yield from bowl(seed)


def pids(seed: int, folder: str, way: str = "") -> Training:
    """Says which processes it has: its own and one that it starts; then it takes its time, or dies."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    Path(folder, f"{seed}.new").write_text(f"{os.getpid()} {child.pid}")
    Path(folder, f"{seed}.new").rename(Path(folder, f"{seed}.pids"))
    yield
    WAYS[way]()
    while True:
        time.sleep(0.02)
        yield 1.0


def slow(seed: int, pause: float = 0.0) -> Training:
    """The bowl, with a pause after every update."""
    inner = bowl(seed)
    next(inner)
    lr = yield
    while True:
        time.sleep(pause)
        lr = yield inner.send(lr)
