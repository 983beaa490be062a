"""`stepsize tune --engine process`: a file that only the command line can load, a kill, Ctrl-C."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

TRAININGS = Path(__file__).parent.parent / "trainings.py"
# It imports its neighbour, and holds what cannot be sent anywhere: a worker reads the file itself.
FILE = """
import threading
import time
from t import bowl
LOCK = threading.Lock()
def training(seed):
    print("talk")
    inner, lr = bowl(seed), None
    next(inner)
    lr = yield
    while True:
        time.sleep(0.002)
        with LOCK:
            lr = yield inner.send(lr)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(TRAININGS, tmp_path / "t.py")
    (tmp_path / "own.py").write_text(FILE)
    return tmp_path


def command(engine: str, *more: str) -> list[str]:
    call = [sys.executable, "-W", "error", "-c", "from stepsize.cli import main; main()", "tune", "own.py:training"]
    return [*call, "--steps", "240", "--budget", "3", "--engine", engine, "--json", *more]


def answer(folder: Path, engine: str, *more: str) -> dict[str, Any]:
    done = subprocess.run(command(engine, *more), cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)  # what the training prints is not in it
    del document["files"]
    return document


def stopped(folder: Path, how: signal.Signals) -> str:
    """A search in processes, stopped after its second run; what it said. None of its processes is left."""
    ours = signal.signal(signal.SIGINT, signal.default_int_handler)
    program = subprocess.Popen(
        command("process", "--workers", "2", "-o", "out"),
        cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    signal.signal(signal.SIGINT, ours)
    assert program.stderr is not None
    said = ""
    while "run 2:" not in said:
        said += program.stderr.readline()
    workers = psutil.Process(program.pid).children(recursive=True)
    assert workers
    program.send_signal(how)
    said += program.communicate(timeout=60)[1]
    assert not [worker for worker in psutil.wait_procs(workers, timeout=60)[1] if worker.status() != "zombie"]
    return said


def test_a_file_is_tuned_in_processes_as_it_is_here(folder: Path) -> None:
    assert answer(folder, "process", "--workers", "2", "-o", "there") == answer(folder, "local", "-o", "here")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_stopped_it_leaves_nothing_running_and_goes_on_here(folder: Path, how: signal.Signals) -> None:
    said = stopped(folder, how)
    assert ("--resume" in said) == (how is signal.SIGINT)
    assert "Traceback" not in said
    assert answer(folder, "local", "-o", "out", "--resume") == answer(folder, "local", "-o", "whole")


def test_an_engine_nobody_knows_is_a_question_that_makes_no_sense(folder: Path) -> None:
    done = subprocess.run(command("proces"), cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "engine must be one of local" in done.stderr
