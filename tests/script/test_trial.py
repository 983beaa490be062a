"""`trial`: three lines in an existing script."""

import json
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

import stepsize as ss
from stepsize.script import Script, trial

SCRIPT = """
from stepsize.script import trial
run = trial(lr=1e-3, steps=5, width=8, name="a", bias=True, seed=0)
x = 1.0
for step in range(run.steps):
    x -= run.lr * x
    print({"step": step, "loss": "noise"}, '{"loss": NaN}')
    print('{"loss": NaN}')
    run.report(step, loss=x, val_loss=None if step % 2 else 2 * x)
print(run)
"""


@pytest.fixture
def searched(monkeypatch, tmp_path):
    """As inside of a search that reads this file."""
    monkeypatch.setenv("STEPSIZE_METRICS", str(tmp_path / "reports"))
    return tmp_path / "reports"


def test_outside_of_a_search_it_is_its_defaults_and_says_nothing(monkeypatch):
    monkeypatch.setenv("STEPSIZE_LR", "7")
    monkeypatch.delenv("STEPSIZE_METRICS", raising=False)
    run = trial(lr=1e-3, steps=1000)
    assert (run.lr, run.steps, run.searching) == (1e-3, 1000, False)
    run.report(1, loss=0.5)
    assert repr(run) == "trial(lr=0.001, steps=1000)"
    with pytest.raises(AttributeError, match="no 'width'; it has lr, steps"):
        _ = run.width


def test_inside_it_takes_part(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(SCRIPT)
    made = Script([sys.executable, "train.py"], environment=True)
    run = ss.drive(made, 0.5, steps=4, settings={"width": 16, "bias": False})
    assert run.loss.tolist() == [0.5, 0.25, 0.125, 0.0625]
    assert run.column("val_loss").step.tolist() == [0, 2]
    log = (tmp_path / "runs" / "1.log").read_text()
    assert "trial(lr=0.5, steps=4, width=16, name='a', bias=False, seed=0)" in log


def test_a_script_may_take_its_values_and_print_its_numbers(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    body = "from stepsize.script import trial\nrun = trial(lr=1.0)\nprint({'loss': run.lr})\nprint({'loss': %s})"
    for value, outcome in {"0.1": "finished", "float('nan')": "diverged"}.items():
        (tmp_path / "train.py").write_text(body % value)
        run = ss.drive(Script([sys.executable, "train.py"], environment=True), 0.5, steps=2)
        assert run.outcome == outcome
        assert run.loss[0] == 0.5


def test_values_have_the_types_of_their_defaults(searched, monkeypatch):
    for name, value in {"LR": "1e-05", "STEPS": "20", "BIAS": "False", "NAME": "b", "OUT": "x/1"}.items():
        monkeypatch.setenv(f"STEPSIZE_{name}", value)
    run = trial(lr=1.0, steps=1, bias=True, name="a", out=None)
    assert run.values == {"lr": 1e-5, "steps": 20, "bias": False, "name": "b", "out": "x/1"}
    monkeypatch.setenv("STEPSIZE_WIDTH", "1.5")
    with pytest.raises(ss.InvalidSpace, match=r"width is '1.5' in this search, but its default 8 is of type int"):
        trial(width=8)


def test_a_report_is_a_line_of_json(searched):
    run = trial(lr=1.0)
    run.report(np.int64(3), loss=np.float32(0.5), val_loss=None, other=np.array([2.0])[0])
    run.report(4, loss=float("nan"))
    first, second = searched.read_text().splitlines()
    assert json.loads(first) == {"step": 3, "loss": 0.5, "other": 2.0}
    assert second == '{"step": 4, "loss": NaN}'


def test_a_tensor_is_a_number(searched):
    torch = pytest.importorskip("torch")
    trial(lr=1.0).report(1, loss=torch.tensor(0.25, requires_grad=True).detach())
    assert json.loads(searched.read_text())["loss"] == 0.25


@pytest.mark.parametrize("variable", ["RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK", "PMI_RANK"])
def test_only_rank_0_reports(variable, searched, monkeypatch):
    run = trial(lr=1.0)
    monkeypatch.setenv(variable, "1")
    run.report(1, loss=1.0)
    assert searched.read_text() == ""
    monkeypatch.setenv(variable, "0")
    run.report(1, loss=1.0)
    assert searched.read_text() != ""


def test_a_rank_may_be_told(searched):
    trial(lr=1.0, rank=1).report(1, loss=1.0)
    assert not searched.exists()
    assert trial(lr=1.0, rank=1).values == {"lr": 1.0}


def test_reports_of_several_threads_do_not_mix(searched):
    run = trial(lr=1.0)
    threads = [threading.Thread(target=lambda: [run.report(k, loss=k / 7) for k in range(200)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rows = [json.loads(line) for line in searched.read_text().splitlines()]
    assert len(rows) == 800
    assert all(row["loss"] == row["step"] / 7 for row in rows)


def test_it_costs_no_more_than_numpy():
    code = "from stepsize.script import trial; import sys; print(*{name.split('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=os.environ | {"RANK": "0"})
    heavy = {"torch", "jax", "keras", "tensorflow", "scipy", "pandas", "sqlite3", "optuna", "ray", "cyclopts", "rich"}
    assert heavy.isdisjoint(done.stdout.split()), done.stderr
