"""`stepsize diagnose`: what it prints, writes, starts and returns."""

import ast
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import stepsize.diagnosis
from stepsize.cli.hook import run_hook
from stepsize.cli.main import run
from stepsize.diagnosis.kinds import FINDINGS
from stepsize.finding import Finding

# A training whose loss stops being a number: the one finding that no reading of the curve can dispute.
BROKEN = "step,loss,lr\n" + "".join(f"{i},{3 * 0.97**i:.6f},0.01\n" for i in range(60)) + "60,nan,0.01\n61,nan,0.01\n"
SOUND = "step,loss,val_loss,lr\n" + "".join(
    f"{i},{0.5 + 2 * 0.96**i:.6f},{0.6 + 2 * 0.96**i:.6f},{1e-3 * (1 - i / 200):.6g}\n" for i in range(200)
)


@pytest.fixture
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of two logs and a file that is none."""
    folder = tmp_path / "logs"
    (folder / "deep").mkdir(parents=True)
    (folder / "broken.csv").write_text(BROKEN)
    (folder / "deep" / "sound.csv").write_text(SOUND)
    (folder / "notes.txt").write_text("Nothing to see here.\n")
    monkeypatch.chdir(tmp_path)
    return folder


Said = Callable[..., tuple[int, str, str]]


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str], logs: Path) -> Said:
    """Runs a command; its exit code, what it printed, and what it said beside."""

    def command(*arguments: str) -> tuple[int, str, str]:
        try:
            code = run(["diagnose", *arguments])
        except SystemExit as end:
            code = int(end.code or 0)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return command


def test_a_pipe_gets_one_named_value_a_line(said: Said) -> None:
    code, out, err = said("logs/broken.csv")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].startswith("verdict")
    assert [line.split()[:2] for line in lines if line.startswith("finding")] == [["finding", "1"]]
    assert any(line.split() == ["kind", "nan"] for line in lines)
    assert "logs/broken.csv, 62 updates" in out


def test_an_undecided_verdict_names_the_experiment_that_decides(said: Said) -> None:
    code, out, _ = said("logs/deep/sound.csv")
    assert code == 0
    if "does not decide" in out:
        assert "at 3e-3, three times as high, and at 3.3e-4" in out
        assert "stepsize diagnose logs/deep/sound.csv --try train.py:training --steps 200" in out


def test_json_is_one_document(said: Said) -> None:
    code, out, err = said("logs/broken.csv", "--json", "-q")
    document = json.loads(out)
    assert (code, err, document["schema"]) == (0, "", "stepsize.diagnosis/1")
    assert document["source"] == "logs/broken.csv"
    assert "nan" in [finding["kind"] for finding in document["findings"]]
    assert document["message"].endswith(".")


def test_a_folder_is_a_table_with_the_worst_first(said: Said) -> None:
    code, out, err = said("logs")
    header, *rows = [line.split("\t") for line in out.splitlines()]
    assert code == 0
    assert header[:2] == ["verdict", "run"]
    assert [row[1] for row in rows] == ["logs/broken.csv", "logs/deep/sound.csv"]
    assert "2 runs: " in err


def test_several_logs_are_a_table_too(said: Said) -> None:
    code, out, _ = said("logs/deep/sound.csv", "logs/broken.csv", "-q")
    assert code == 0
    assert [line.split("\t")[1] for line in out.splitlines()] == ["run", "logs/broken.csv", "logs/deep/sound.csv"]


def test_a_folder_as_json_is_a_list(said: Said) -> None:
    code, out, _ = said("logs", "--json")
    document = json.loads(out)
    assert (code, document["schema"]) == (0, "stepsize.diagnoses/1")
    assert [it["source"] for it in document["diagnoses"]] == ["logs/broken.csv", "logs/deep/sound.csv"]


def test_runs_of_a_folder_are_called_as_in_their_own_record(said: Said) -> None:
    documents = json.loads(said("logs", "--json")[1])["diagnoses"]
    assert [document["name"] for document in documents] == ["", ""]
    assert said(documents[1]["source"])[0] == 0


@pytest.mark.parametrize("options", [("--json",), ("--json", "-q")])
def test_a_log_may_be_piped_in(said: Said, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(BROKEN.encode())))
    code, out, err = said("-", *options)
    assert (code, err) == (0, "")
    assert json.loads(out)["source"] == "-"
    assert "nan" in [finding["kind"] for finding in json.loads(out)["findings"]]


def test_what_is_piped_in_and_is_no_log_is_said(said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"no log at all")))
    code, _, err = said("-")
    assert code == 2
    assert err.startswith("stepsize: standard input: ")


def test_a_terminal_gets_the_curve_and_no_line_beyond_its_width(logs: Path) -> None:
    out = _on_a_terminal(80, "diagnose", "logs/broken.csv")
    lines = out.splitlines()
    assert any("⠁" <= character <= "⣿" for character in out)
    assert max(len(line) for line in lines if "command" not in line) <= 80
    assert lines[0].startswith("verdict")
    assert any(line.strip() and set(line.strip()) <= set("1─") for line in lines), "the finding is not marked"


def test_a_terminal_without_unicode_gets_the_same_in_ascii(logs: Path) -> None:
    out = _on_a_terminal(70, "diagnose", "logs/broken.csv", encoding="ascii")
    assert "Traceback" not in out
    assert out.isascii()
    assert "finding 1" in out


def _on_a_terminal(columns: int, *arguments: str, encoding: str = "utf-8") -> str:
    import pty

    ours, theirs = pty.openpty()
    told = {"COLUMNS": str(columns), "TERM": "dumb", "LANG": "C.UTF-8", "PYTHONIOENCODING": encoding}
    program = [sys.executable, "-c", "from stepsize.cli import main; main()", *arguments]
    # Not pty.fork: JAX, if an earlier test has imported it here, warns of forks.
    child = subprocess.Popen(program, stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, **told})
    os.close(theirs)
    said = b""
    try:
        while chunk := os.read(ours, 65536):
            said += chunk
    except OSError:  # the end, on Linux
        pass
    finally:
        os.close(ours)
        child.wait()
    return said.decode().replace("\r\n", "\n")


def test_the_page_is_written_and_not_over_another(said: Said) -> None:
    assert said("logs/broken.csv", "-o", "page.html")[0] == 0
    assert Path("page.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    code, out, err = said("logs/broken.csv", "-o", "page.html")
    assert (code, out) == (2, "")
    assert "--force" in err
    assert said("logs", "-o", "page.html", "--force")[0] == 0
    assert "deep/sound.csv" in Path("page.html").read_text(encoding="utf-8")


def test_fail_on_makes_a_verdict_or_a_finding_an_exit_code(said: Said) -> None:
    assert said("logs/broken.csv", "--fail-on", "overfitting,nan")[0] == 1
    assert said("logs/deep/sound.csv", "--fail-on", "nan")[0] == 0
    assert said("logs", "--fail-on", "nan")[0] == 1
    code, _, err = said("logs/broken.csv", "--fail-on", "nam")
    assert code == 2
    assert "nam" in err


def test_fail_on_knows_every_kind_that_the_checks_report() -> None:
    room = Path(stepsize.diagnosis.__file__).parent
    calls = [node for file in room.rglob("*.py") for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))]
    first = [call.args[0] for call in calls if isinstance(call, ast.Call) and ast.unparse(call.func) == "Finding"]
    kinds = {word.value for kind in first for word in ast.walk(kind) if isinstance(word, ast.Constant)}
    assert len(kinds) > 3
    assert kinds <= FINDINGS


@pytest.mark.parametrize(("arguments", "word"), [((), "missing"), (("--jsno", "logs"), "--jsno")])
def test_wrong_usage_of_diagnose_is_one_line(said: Said, arguments: tuple[str, ...], word: str) -> None:
    code, out, err = said(*arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert word in err


@pytest.mark.parametrize(
    ("path", "word"),
    [("nowhere.csv", "nowhere.csv"), ("logs/notes.txt", "no reader"), ("empty", "no record of a training")],
)
def test_what_cannot_be_read_is_one_line_and_exit_code_2(said: Said, path: str, word: str) -> None:
    Path("empty").mkdir()
    code, out, err = said(path)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert word in err


def test_a_run_of_many_is_chosen_by_name(said: Said) -> None:
    code, _, err = said("logs/broken.csv", "--run", "nobody")
    assert code == 2
    assert "'nobody'" in err


def test_the_hook_hears_of_every_finding(said: Said) -> None:
    hook = 'cat >> heard.json; echo "$STEPSIZE_KIND $STEPSIZE_SOURCE"'
    code, out, err = said("logs/broken.csv", "--on-finding", hook, "--json")
    findings = json.loads(out)["findings"]
    heard = [json.loads(line) for line in Path("heard.json").read_text().splitlines()]
    assert code == 0
    assert [{**finding, "source": "logs/broken.csv"} for finding in findings] == heard
    assert "nan logs/broken.csv" in err
    assert "nan logs/broken.csv" not in out.replace(json.dumps(findings), "")


NAN = Finding("nan", "The loss is NaN.", 1.0, "Lower it.", (("at", np.nan),))


@pytest.mark.parametrize(("command", "word"), [("exit 3", "3"), ("no_such_command_here", "127"), ("kill -9 $$", "-9")])
def test_a_hook_that_fails_is_one_line(capsys: pytest.CaptureFixture[str], command: str, word: str) -> None:
    run_hook(command, NAN, "log.csv")
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("stepsize: ")]
    assert len(said) == 1
    assert word in said[0]


def test_a_hook_that_hangs_is_ended_with_what_it_started(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    note = tmp_path / "pid"
    run_hook(f"sleep 60 & echo $! > {note}; wait", NAN, "log.csv", patience=0.5)
    assert "longer than 0.5 s" in capsys.readouterr().err
    child = int(note.read_text())
    for _ in range(100):
        if not _alive(child):
            return
        time.sleep(0.05)
    pytest.fail("it is still there")


def _alive(pid: int) -> bool:
    try:
        # A zombie has ended; nobody may be there to bury it.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_hook_may_ignore_what_it_is_told_and_leave_something_behind(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    # More than a pipe holds; and a process that keeps the output open until it is told to go.
    told = Finding("nan", "The loss is NaN.", evidence=tuple((str(i), 1.0) for i in range(9_000)))
    gone = tmp_path / "gone"
    run_hook(f"(while [ ! -e {gone} ]; do sleep 0.1; done) & echo done", told, "log.csv", patience=20)
    gone.touch()
    assert capsys.readouterr().err == "done\n"
