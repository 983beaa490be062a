"""Nothing is left behind: however the program ends, its workers end, and what those have started."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

import stepsize as ss
from stepsize.engine.process import Process
from stepsize.job import Job
from tests.engine import deaths
from tests.trainings import bowl

ROOT = Path(__file__).parents[2]
PATIENCE = 60

# Says its name first: it must be run once, not once more in every worker.
PROGRAM = """
import sys
import time
from stepsize.engine import as_engine
from stepsize.job import Job
from stepsize.policy import Policy
from tests.engine.deaths import pids
print("begun", flush=True)
engine = as_engine("process", workers=2)
runs = engine.runs(pids, [Job(Policy(0.1), 10_000, seed, {"folder": sys.argv[1]}) for seed in (0, 1)], lambda *_: None)
"""
SCRIPT = """
import stepsize as ss
print("begun")
rates = [3.0]
def training(seed):
    x, lr = 1.0, (yield)
    while True:
        x -= lr * rates[0] * x
        lr = yield x * x
study = ss.tune(training, budget=2, steps=80, engine="process")
assert study.document() == ss.tune(training, budget=2, steps=80).document()
print("ended")
"""


def started(folder: Path, rest: str) -> subprocess.Popen[str]:
    (folder / "program.py").write_text(PROGRAM + rest)
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-W", "error", str(folder / "program.py"), str(folder)]
    # A shell starts what it runs in the background with Ctrl-C ignored, and that would be inherited.
    ours = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(
        command, env={**os.environ, "PYTHONPATH": path}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    signal.signal(signal.SIGINT, ours)
    return process


def family(folder: Path, count: int) -> list[int]:
    """The workers that have said so, and what they have started."""
    until = time.monotonic() + PATIENCE
    while len(files := list(folder.glob("*.pids"))) < count:
        assert time.monotonic() < until, "the workers did not start"
        time.sleep(0.05)
    return [int(pid) for file in files for pid in file.read_text().split()]


def alive(process: int) -> bool:
    try:
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def gone(processes: list[int]) -> bool:
    until = time.monotonic() + PATIENCE
    while any(map(alive, processes)) and time.monotonic() < until:
        time.sleep(0.05)
    return not any(map(alive, processes))


def test_a_program_that_is_killed_leaves_nothing_behind(tmp_path: Path) -> None:
    program = started(tmp_path, "next(runs)")
    left = family(tmp_path, 2)
    assert len(left) == 4
    program.send_signal(signal.SIGKILL)
    program.communicate()
    assert gone(left)


def test_ctrl_c_leaves_nothing_behind(tmp_path: Path) -> None:
    program = started(tmp_path, "try: next(runs)\nfinally: engine.close()")
    left = family(tmp_path, 2)
    program.send_signal(signal.SIGINT)
    _, error = program.communicate(timeout=PATIENCE)
    assert gone(left)
    assert error.count("Traceback") == 1  # the program's own; none from a worker
    assert error.rstrip().endswith("KeyboardInterrupt")


def test_a_program_that_forgets_to_close_leaves_nothing_behind(tmp_path: Path) -> None:
    program = started(
        tmp_path,
        "import threading\nthreading.Thread(target=next, args=(runs,), daemon=True).start()\n"
        "from pathlib import Path\n"
        "while len(list(Path(sys.argv[1]).glob('*.pids'))) < 2: time.sleep(0.05)\n",
    )
    left = family(tmp_path, 2)
    program.communicate(timeout=PATIENCE)
    assert gone(left)


def test_what_a_dead_worker_has_started_is_ended_too(tmp_path: Path) -> None:
    job = Job(ss.Policy(0.1), 50, 0, {"folder": str(tmp_path), "way": "killed"})
    engine = Process(workers=1, retries=0)
    ((_, run),) = engine.runs(deaths.pids, [job], lambda *place: None)
    engine.close()
    assert run.outcome == "failed"
    assert gone(family(tmp_path, 1))


def test_runs_that_nobody_waits_for_any_more_are_ended(tmp_path: Path) -> None:
    jobs = [Job(ss.Policy(0.1), 10_000, seed, {"folder": str(tmp_path)}) for seed in (0, 1)]
    engine = Process(workers=2)

    def enough(index: int, step: int) -> None:
        if len(list(tmp_path.glob("*.pids"))) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(engine.runs(deaths.pids, jobs, enough))
    assert gone(family(tmp_path, 2))
    again = [Job(ss.Policy(0.01), 20, 0)]
    assert [run.outcome for _, run in engine.runs(bowl, again, lambda *place: None)] == ["finished"]
    engine.close()


def test_a_script_without_a_guard_is_run_once(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, "-W", "error", "script.py"], cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.stderr == ""
    assert done.stdout == "begun\nended\n"
