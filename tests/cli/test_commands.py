"""What the commands print, write and return."""

import json
import re
from pathlib import Path

import pytest

import stepsize as ss
from stepsize.cli.main import COMMANDS, run
from stepsize.report import render
from stepsize.tuner import read_study
from stepsize.tuner.page import study_page
from tests.cli.conftest import Terminal

TUNE = ("tune", "t.py:bowl", "--steps", "120", "--budget", "3")


def test_tune_writes_a_policy_a_report_and_a_study(terminal: Terminal) -> None:
    done = terminal(*TUNE, "-o", "out")
    assert done.returncode == 0, done.stderr
    out = terminal.folder / "out"
    study = read_study(out / "study.db")
    assert ss.Policy.load(out / "policy.json") == study.policy
    assert (out / "report.html").read_text(encoding="utf-8") == render(study_page(study))
    assert done.stdout.startswith("policy")
    assert "run 1: lr" in done.stderr
    assert "run 1" not in done.stdout


def test_json_is_one_document_on_stdout_and_quiet_is_quiet(terminal: Terminal) -> None:
    done = terminal(*TUNE, "--json", "-q")
    document = json.loads(done.stdout)
    assert document["schema"] == "stepsize.tune/1"
    assert ss.Policy.from_json(json.dumps(document["policy"])).lr.length == 120
    assert document["range"]["low"] <= document["rate"] <= document["range"]["high"]
    assert len(document["runs"]) > 5
    assert done.stderr == ""


def test_what_the_training_prints_does_not_reach_stdout(terminal: Terminal) -> None:
    (terminal.folder / "loud.py").write_text(
        "from t import bowl\ndef training(seed):\n    print('hello from the training')\n    yield from bowl(seed)\n"
    )
    done = terminal("find", "loud.py:training", "--json")
    assert json.loads(done.stdout)["schema"] == "stepsize.find/1"
    assert "hello from the training" in done.stderr


def test_nothing_is_overwritten_without_force(terminal: Terminal) -> None:
    assert terminal(*TUNE, "-q").returncode == 0
    before = (terminal.folder / "out" / "policy.json").read_bytes()
    again = terminal(*TUNE, "-q")
    assert again.returncode == 2
    assert "--resume" in again.stderr
    assert "--force" in again.stderr
    assert (terminal.folder / "out" / "policy.json").read_bytes() == before
    assert terminal(*TUNE, "-q", "--force", "--low", "0").returncode == 2
    assert read_study(terminal.folder / "out" / "study.db").runs, "a slip of the keyboard deleted the study"
    assert terminal(*TUNE, "-q", "--resume").returncode == 0
    assert terminal(*TUNE, "-q", "--force", "--seed", "5").returncode == 0


def test_find_tells_the_range_and_writes_only_where_asked(terminal: Terminal) -> None:
    done = terminal("find", "t.py:bowl")
    assert done.returncode == 0, done.stderr
    assert "start from" in done.stdout
    assert sorted(path.name for path in terminal.folder.iterdir() if path.is_dir()) in ([], ["__pycache__"])
    assert terminal("find", "t.py:bowl", "-o", "range").returncode == 0
    assert json.loads((terminal.folder / "range" / "range.json").read_text())["informative"] is True
    assert terminal("find", "t.py:bowl", "-o", "range").returncode == 2


def test_find_with_a_length_spends_at_most_one_full_run(terminal: Terminal) -> None:
    done = terminal("find", "t.py:bowl", "--steps", "300", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["low"] < document["suggestion"] < document["high"]
    assert 0 < document["cost"] <= 1


def in_this_process(arguments: list[str]) -> int:
    try:
        return run(arguments)
    except SystemExit as left:
        return int(left.code or 0)


def test_show_knows_what_stepsize_writes_and_reads(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = terminal.folder
    monkeypatch.chdir(folder)
    assert terminal(*TUNE, "-q").returncode == 0
    (folder / "schedule.json").write_text(ss.linear(0, 1e-3, 10).to_json())
    (folder / "log.csv").write_text("step,loss\n0,3.0\n10,1.5\n")
    (folder / "own.py").write_text("import stepsize as ss\nlr = ss.cosine(1.0, 0.0, 8)\n")
    shown = {
        "out/study.db": ("stepsize.tune/1", "peak"),
        "out/policy.json": ("stepsize.policy/1", "120 updates"),
        "schedule.json": ("stepsize.schedule/1", "linear(0.0, 0.001, 10)"),
        "log.csv": ("stepsize.run/1", "3 to 1.5"),
        "own.py:lr": ("stepsize.schedule/1", "cosine(1.0, 0.0, 8)"),
        "ss.linear(0, 1, 5) >> ss.constant(1)": ("stepsize.schedule/1", "no end"),
    }
    for what, (schema, words) in shown.items():
        assert in_this_process(["show", what]) == 0
        assert words in capsys.readouterr().out, what
        assert in_this_process(["show", what, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["schema"] == schema
        assert in_this_process(["show", what, "-o", "page.html", "--force"]) == 0
        assert (folder / "page.html").read_text(encoding="utf-8").startswith("<!doctype html>")


USAGE = {
    "setting twice": (("tune", "t.py:bowl", "--steps", "10", "--space", "a=1:2", "--space", "a=3,4"), "a twice"),
    "missing file": (("tune", "nowhere.py:training", "--steps", "10"), "nowhere.py"),
    "missing name": (("tune", "t.py:trainin", "--steps", "10"), "trainings in it: bowl, always_nan, deaf"),
    "no name": (("tune", "t.py", "--steps", "10"), "file.py:name"),
    "no steps": (("tune", "t.py:bowl"), "steps"),
    "not a number": (("tune", "t.py:bowl", "--steps", "ten"), "ten"),
    "unknown option": (("tune", "t.py:bowl", "--stepz", "10"), "--steps"),
    "budget": (("tune", "t.py:bowl", "--steps", "10", "--budget", "0.3"), "budget"),
    "zero rate": (("tune", "t.py:bowl", "--steps", "10", "--low", "0"), "low"),
    "space": (("tune", "t.py:bowl", "--steps", "10", "--space", "width"), "--space"),
    "zero length": (("show", "linear(0, 1, -1)"), "steps"),
    "no schedule": (("show", "1 + 1"), "not a schedule"),
    "unknown words": (("show", "cosin(1, 0, 10)"), "cosin"),
    "missing log": (("show", "nowhere.csv"), "nowhere.csv"),
    "command": (("tun",), "tun"),
}


@pytest.mark.parametrize(("arguments", "word"), USAGE.values(), ids=USAGE)
def test_wrong_usage_is_one_line_and_exit_code_2(arguments: tuple[str, ...], word: str, terminal: Terminal) -> None:
    done = terminal(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert word in done.stderr


def test_a_foreign_study_is_not_touched(terminal: Terminal) -> None:
    (terminal.folder / "out").mkdir()
    database = terminal.folder / "out" / "study.db"
    database.write_bytes(b"precious data of somebody else, long enough to be taken for a database header ...." * 20)
    before = database.read_bytes()
    for arguments in (TUNE, (*TUNE, "--resume")):
        done = terminal(*arguments)
        assert done.returncode == 2
        assert done.stderr.count("\n") == 1
        assert database.read_bytes() == before


def test_work_that_fails_is_one_line_and_exit_code_1(terminal: Terminal) -> None:
    (terminal.folder / "bad.py").write_text(
        "import numpy as np\ndef vector(seed):\n    lr = yield\n    lr = yield np.ones(3)\n"
    )
    (terminal.folder / "worse.py").write_text("import no_such_module\n")
    for target, word in {"t.py:always_nan": "NaN", "bad.py:vector": "scalar", "worse.py:x": "no_such_module"}.items():
        done = terminal("tune", target, "--steps", "50", "-q", "--force")
        assert done.returncode == 1, target
        assert done.stderr.count("\n") == 1
        assert word in done.stderr


def test_a_task_that_cannot_be_is_one_line_and_exit_code_2(terminal: Terminal) -> None:
    (terminal.folder / "empty.py").write_text(
        "import torch\nfrom stepsize.torch import Task\nx = torch.zeros(8, 1)\n"
        "task = Task(torch.nn.Linear(1, 1), torch.nn.functional.mse_loss, train=(x, x), val=(x[:0], x[:0]))\n"
    )
    done = terminal("tune", "empty.py:task", "--steps", "20")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "val is empty" in done.stderr


def test_debug_shows_the_traceback(terminal: Terminal) -> None:
    done = terminal("show", "linear(0, 1, -1)", "--debug")
    assert done.returncode == 2
    assert "Traceback" in done.stderr


def test_help_has_an_example_for_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    for command in COMMANDS:
        assert in_this_process([command, "--help"]) == 0
        assert f"stepsize {command}" in capsys.readouterr().out


def test_help_has_a_sentence_for_every_command(terminal: Terminal) -> None:
    done = terminal("--help")
    assert done.returncode == 0
    for command in COMMANDS:
        assert re.search(rf"\s{command}\s+[A-Z][a-z]+ ", done.stdout), command


def test_a_reader_that_hangs_up_is_no_disaster(terminal: Terminal) -> None:
    import subprocess

    command = terminal.command("show", "linear(0, 1, 100)")
    shell = " ".join(f"'{part}'" for part in command) + " | head -1"
    done = subprocess.run(["bash", "-c", shell], cwd=terminal.folder, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("schedule")
    assert "Traceback" not in done.stderr


def test_the_demo_runs_at_a_short_horizon(terminal: Terminal) -> None:
    pytest.importorskip("mlxtend")
    done = terminal("demo", "--steps", "24", "--seeds", "1", "--budget", "2", "-o", "out", timeout=240)
    assert done.returncode == 0, done.stderr
    for words in ("chosen by stepsize", "adam, constant 1e-3", "costs less than 1 %", "full-run equivalents", "next:"):
        assert words in done.stdout
    for name in ("policy.json", "report.html", "study.db"):
        assert (terminal.folder / "out" / name).stat().st_size > 0
    assert Path(terminal.folder / "out" / "report.html").read_text(encoding="utf-8").count(">Beside two defaults<") == 1
