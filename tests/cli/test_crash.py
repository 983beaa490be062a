"""A real `stepsize tune`, killed at random moments: what was finished stays, and the end is the same."""

import random
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

import stepsize as ss
from tests.cli.conftest import Terminal

# Each update takes a millisecond, so that a kill can meet a run at any point.
SLOW = """
import time
from t import bowl
def training(seed, weight_decay=0.0):
    inner, lr = bowl(seed, weight_decay), None
    next(inner)
    lr = yield
    while True:
        time.sleep(0.001)
        lr = yield inner.send(lr)
"""
SEARCH = ("tune", "slow.py:training", "--budget", "3", "--space", "weight_decay=1e-3:1")
TUNE = (*SEARCH, "--steps", "400", "-o", "out")
# Long enough to be still running when another process has started and looked at it, on any machine.
LONG = (*SEARCH, "--steps", "4000", "-o", "out")


@pytest.fixture
def slow(terminal: Terminal) -> Terminal:
    (terminal.folder / "slow.py").write_text(SLOW)
    return terminal


def essence(folder: Path) -> tuple[Any, Any]:
    """The policy and every run of a study, less what a clock says."""
    study = ss.Policy.load(folder / "policy.json")
    from stepsize.tuner import read_study

    return study, read_study(folder / "study.db").document()


def finished(folder: Path) -> int:
    from stepsize.run.store import Ledger

    if not (folder / "study.db").exists():
        return 0
    try:
        ledger = Ledger(folder / "study.db", write=False)
    except ss.UnreadableRun:  # killed before its tables were made
        return 0
    try:
        return ledger.count()
    finally:
        ledger.close()


def test_killed_and_resumed_a_study_ends_as_if_nothing_had_happened(slow: Terminal) -> None:
    whole = slow(*TUNE[:-1], "whole", "-q")
    assert whole.returncode == 0, whole.stderr
    moments = random.Random(20)
    kept, kills = 0, 0
    while kills < 5 or kept == 0:
        process = subprocess.Popen(slow.command(*TUNE, "--resume", "-q"), cwd=slow.folder, stderr=subprocess.PIPE)
        time.sleep(moments.uniform(0.3, 1.6))
        process.send_signal(signal.SIGKILL)
        _, error = process.communicate()
        assert error == b""
        now = finished(slow.folder / "out")
        assert now >= kept, "a finished run was lost"
        kept, kills = now, kills + 1
        if process.returncode == 0:
            break
    assert kept > 0
    last = slow(*TUNE, "--resume")
    assert last.returncode == 0, last.stderr
    assert last.stderr.count("(kept from before)") == kept
    assert essence(slow.folder / "out") == essence(slow.folder / "whole")


def test_ctrl_c_says_how_to_go_on_and_loses_no_finished_run(slow: Terminal) -> None:
    # A shell starts what it runs in the background with Ctrl-C ignored, and that would be inherited.
    ours = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(slow.command(*LONG), cwd=slow.folder, stderr=subprocess.PIPE, text=True)
    signal.signal(signal.SIGINT, ours)
    assert process.stderr is not None
    for _ in range(3):
        process.stderr.readline()
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "--resume" in rest
    assert "Traceback" not in rest
    assert finished(slow.folder / "out") >= 3


def test_a_full_disk_is_one_line_and_what_was_written_stays(slow: Terminal) -> None:
    # By the shell, in kilobytes: to change the limits of a fork of this process is no longer safe once JAX has threads.
    limited = ["bash", "-c", 'ulimit -f 96; exec "$@"', "bash", *slow.command(*TUNE, "-q")]
    process = subprocess.run(limited, cwd=slow.folder, capture_output=True, text=True, check=False)
    assert process.returncode == 1
    assert process.stderr.count("\n") == 1
    assert "resume" in process.stderr
    kept = finished(slow.folder / "out")
    assert kept > 0
    done = slow(*TUNE, "--resume")
    assert done.returncode == 0
    assert done.stderr.count("(kept from before)") == kept


def test_two_at_once_do_not_write_one_study(slow: Terminal) -> None:
    first = subprocess.Popen(slow.command(*LONG), cwd=slow.folder, stderr=subprocess.PIPE, text=True)
    assert first.stderr is not None
    first.stderr.readline()
    second = slow(*LONG, "--resume")
    assert second.returncode == 1
    assert "another process" in second.stderr
    first.send_signal(signal.SIGKILL)
    first.communicate()


def test_a_study_is_readable_while_it_grows(slow: Terminal) -> None:
    process = subprocess.Popen(slow.command(*LONG), cwd=slow.folder, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for _ in range(2):
        process.stderr.readline()
    assert finished(slow.folder / "out") >= 2
    shown = slow("show", "out/study.db")
    assert shown.returncode == 0
    assert "has not ended" in shown.stderr
    assert shown.stdout.count("finished") >= 2
    assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.communicate()
