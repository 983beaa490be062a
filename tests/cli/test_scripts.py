"""`stepsize tune … -- COMMAND` with real commands, in several languages, that report in several ways."""

import json
import math
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

import stepsize as ss
from stepsize.tuner import read_study
from tests.cli.conftest import Terminal
from tests.cli.test_crash import finished
from tests.script.conftest import BOWL, gone

PY = sys.executable
BEST = (0.008, 0.15)  # of the bowl, whose rates diverge from 0.1 on, or from 0.2 where the rate decays
COMMAND = (PY, "train.py", "--lr", "{lr}", "--steps", "{steps}")
PRINTS = "for step, lr, loss in curve(): print(json.dumps({'step': step, 'loss': loss}))\n"


def write(terminal: Terminal, body: str, name: str = "train.py", bowl: bool = True) -> None:
    (terminal.folder / name).write_text((BOWL if bowl else "") + body)


def rate_of(terminal: Terminal, out: str = "out") -> float:
    """The answer, held against the files."""
    study = read_study(terminal.folder / out / "study.db")
    policy = ss.Policy.load(terminal.folder / out / "policy.json")
    assert policy == study.policy
    assert policy.lr(0) == policy.lr(study.order.plan.steps - 1) == study.rate
    return study.rate


def test_the_line_of_the_readme_works_and_so_does_the_line_it_prints(terminal: Terminal) -> None:
    write(terminal, PRINTS)
    done = terminal("tune", "--set", "lr=1e-5:1", "--", *COMMAND)
    assert done.returncode == 0, done.stderr
    rate = rate_of(terminal)
    assert BEST[0] < rate < BEST[1]
    assert done.stdout.startswith(
        f"peak lr   {rate:.3g} for your script, which keeps its own schedule, over 1000 steps"
    )
    assert "no --steps: a full run is taken to have 1000" in done.stderr
    line = done.stdout.splitlines()[-1].removeprefix("next").strip()
    assert line == f"{PY} train.py --lr {rate!r} --steps 1000"
    again = subprocess.run(["sh", "-c", line], cwd=terminal.folder, capture_output=True, text=True, check=True)
    assert again.stdout.count("loss") == 1000
    assert not (terminal.folder / "out" / "final").exists()


AWK = """
BEGIN {
    srand(seed); x = 1; y = 1
    for (step = 0; step < steps; step++) {
        x -= lr * 2 * x; y -= lr * 20 * y
        printf "{\\"step\\": %d, \\"loss\\": %.9g}\\n", step, x * x + 10 * y * y
        if (y > 1e6 || y < -1e6) { printf "{\\"loss\\": %g}\\n", log(-1); exit }
    }
}
"""


def test_a_script_need_not_be_python(terminal: Terminal) -> None:
    (terminal.folder / "train.awk").write_text(AWK)
    command = ("awk", "-v", "lr={lr}", "-v", "steps={steps}", "-v", "seed={seed}", "-f", "train.awk")
    done = terminal("tune", "--set", "lr=1e-3:10", "--steps", "100", "--budget", "3", "--json", "-q", "--", *command)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    answer = json.loads(done.stdout)
    assert BEST[0] < answer["rate"] < BEST[1]
    assert {run["outcome"] for run in answer["runs"]} <= {"finished", "diverged"}
    assert answer["next"] == f"awk -v lr={answer['rate']!r} -v steps=100 -v seed=0 -f train.awk"


def test_a_shell_reads_the_environment(terminal: Terminal) -> None:
    (terminal.folder / "train.awk").write_text(AWK)
    shell = 'awk -v lr="$STEPSIZE_LR" -v steps="$STEPSIZE_STEPS" -f train.awk | grep -v nothing'
    done = terminal("tune", "--set", "lr=1e-3:1", "--steps", "100", "--budget", "3", "-q", "--", "sh", "-c", shell)
    assert done.returncode == 0, done.stderr
    assert BEST[0] < rate_of(terminal) < BEST[1]
    assert "STEPSIZE_LR=" in done.stdout.splitlines()[-1]


def test_crashes_at_high_rates_are_no_end_of_the_search(terminal: Terminal) -> None:
    write(terminal, PRINTS.replace("): print", "):\n    if loss > 1e3: raise OverflowError('too high')\n    print"))
    done = terminal("tune", "--set", "lr=1e-4:1", "--steps", "100", "--budget", "3", "--json", "-q", "--", *COMMAND)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert BEST[0] < answer["rate"] < BEST[1]
    reasons = {run["reason"] for run in answer["runs"] if run["outcome"] == "failed"}
    assert reasons
    assert all("OverflowError: too high" in reason for reason in reasons)


def test_a_script_that_always_crashes_is_told_why(terminal: Terminal) -> None:
    write(terminal, "import sys\nraise SystemExit(f'{sys.argv[-1]}: no data: download it first')")
    done = terminal("tune", "--steps", "50", "-q", "--", *COMMAND, "--debug")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "--debug: no data: download it first" in done.stderr  # its own option, and none of ours


def test_a_script_of_fixed_length_always_makes_full_runs(terminal: Terminal) -> None:
    write(terminal, PRINTS)
    command = (*COMMAND[:-1], "60")
    done = terminal("tune", "--set", "lr=1e-3:1", "--steps", "60", "--budget", "6", "--", *command)
    assert done.returncode == 0, done.stderr
    assert "no {steps}, so every run is a full one" in done.stderr
    assert BEST[0] < rate_of(terminal) < BEST[1]
    runs = read_study(terminal.folder / "out" / "study.db").runs
    assert {run.updates for run in runs if run.outcome == "finished"} == {60}
    assert done.stdout.splitlines()[-1].endswith("--steps 60")


def test_nan_is_a_divergence_and_is_not_waited_for(terminal: Terminal) -> None:
    write(
        terminal,
        "for step, lr, loss in curve():\n"
        "    if loss > 100: print(json.dumps({'step': step, 'loss': math.nan})); time.sleep(600)\n"
        "    print(json.dumps({'step': step, 'loss': loss}))\n",
    )
    done = terminal("tune", "--set", "lr=1e-4:10", "--steps", "100", "--budget", "2", "--json", "-q", "--", *COMMAND)
    answer = json.loads(done.stdout)
    assert BEST[0] < answer["rate"] < BEST[1]
    assert any("loss is nan" in run["reason"] for run in answer["runs"])


WRITES_CSV = """
with open(args["--log"], "w") as f:
    f.write("epoch,step,train/loss,val/loss\\n")
    for step, lr, loss in curve(): f.write(f"{step // 10},{step},{loss},{loss + 1 if step % 9 == 0 else ''}\\n")
"""


def test_metrics_may_be_in_a_csv_and_settings_vary(terminal: Terminal) -> None:
    write(terminal, WRITES_CSV + "assert args['--kind'] in 'ab' and 1 <= int(args['--width']) <= 9\n")
    options = ("--set", "lr=1e-3:0.3", "--set", "width=1:9", "--set", "kind=a,b", "--metrics", "{out}/log.csv")
    more = ("--log", "{out}/log.csv", "--width", "{width}", "--kind={kind}")
    more = (*more[:4], "--kind", "{kind}")
    done = terminal("tune", *options, "--steps", "90", "--budget", "2", "--", *COMMAND, *more)
    assert done.returncode == 0, done.stderr
    study = read_study(terminal.folder / "out" / "study.db")
    assert study.order.metric == "val_loss"
    assert study.settings.keys() == {"width", "kind"}
    line = done.stdout.splitlines()[-1]
    assert f"--width {study.settings['width']} --kind {study.settings['kind']}" in line
    assert (terminal.folder / "out" / "final").is_dir()
    assert "out/final/log.csv" in line
    assert (terminal.folder / "out" / "runs" / "1" / "log.csv").is_file()
    assert (terminal.folder / "out" / "runs" / "1.log").is_file()


def test_a_setting_may_exist_under_a_choice_of_another(terminal: Terminal) -> None:
    body = """
import sys, json
options = dict(word.split("=") for word in sys.argv[1:])
assert ("beta" in options) == (options["rule"] == "adam"), options
for step in range(int(options["steps"])): print(json.dumps({"step": step, "loss": (1 - float(options["lr"])) ** step}))
"""
    write(terminal, body, bowl=False)
    command = (PY, "train.py", "rule={rule}", "lr={lr}", "steps={steps}", "beta={beta}")
    options = ("--set", "rule=adam,sgd", "--set", "beta=0.8:0.99@rule=adam", "--set", "lr=0.01:0.3")
    done = terminal("tune", *options, "--steps", "40", "--budget", "3", "-q", "--", *command)
    assert done.returncode == 0, done.stderr
    settings = [run.settings for run in read_study(terminal.folder / "out" / "study.db").runs]
    assert {"rule": "sgd"} in settings
    assert any(given.keys() == {"rule", "beta"} for given in settings)


WRITES_EVENTS = """
sys.modules["tensorflow"] = None
from torch.utils.tensorboard import SummaryWriter
with SummaryWriter(args["--log"]) as writer:
    for step, lr, loss in curve():
        writer.add_scalar("loss/train", loss, step)
        writer.add_scalar("loss/val", loss + 1, step)
"""


def test_metrics_may_be_tensorboard_s(terminal: Terminal) -> None:
    if find_spec("torch") is None or find_spec("tensorboard") is None:
        pytest.skip("torch and tensorboard are not installed")
    write(terminal, WRITES_EVENTS)
    options = ("--metrics", "{out}", "--metric", "loss/val", "--steps", "20", "--budget", "1", "--set", "lr=0.02:0.08")
    done = terminal("tune", *options, "--", *COMMAND, "--log", "{out}")
    assert done.returncode == 0, done.stderr
    study = read_study(terminal.folder / "out" / "study.db")
    assert study.order.metric == "loss/val"
    for run in study.runs:
        assert run["loss/val"].tolist() == run["val_loss"].tolist()
        assert run["val_loss"] == pytest.approx(run.loss + 1)


WRAPPED = """
from stepsize.script import trial
run = trial(lr=1e-3, steps=100, width=1)
sys.argv[1:] = ["--lr", str(run.lr), "--steps", str(run.steps)]
""".strip()


def test_three_lines_make_an_existing_script_take_part(terminal: Terminal) -> None:
    body = "import sys\n" + WRAPPED + BOWL + "for step, lr, loss in curve(): run.report(step, loss=loss); print(step)\n"
    write(terminal, body, bowl=False)
    assert (
        subprocess.run([PY, "train.py"], cwd=terminal.folder, check=True, capture_output=True).stdout.count(b"\n")
        == 100
    )
    options = ("--set", "lr=1e-3:1", "--set", "width=1,2", "--steps", "80", "--budget", "2", "--env", "-q")
    done = terminal("tune", *options, "--", PY, "train.py")
    assert done.returncode == 0, done.stderr
    assert BEST[0] < rate_of(terminal) < BEST[1]
    line = done.stdout.splitlines()[-1].removeprefix("next").strip()
    assert line.startswith("STEPSIZE_LR=")
    subprocess.run(["sh", "-c", line], cwd=terminal.folder, capture_output=True, check=True)


def test_killed_and_resumed_a_search_of_a_script_loses_nothing(terminal: Terminal) -> None:
    whoami = "open('pid.new', 'w').write(str(os.getpid()))\nos.replace('pid.new', 'pid')\n"  # whole, or not there
    write(terminal, whoami + PRINTS + "time.sleep(0.15)\n")
    search = ("tune", "--set", "lr=1e-4:1", "--steps", "100", "--budget", "3")
    whole = terminal(*search, "-o", "whole", "-q", "--", *COMMAND)
    assert whole.returncode == 0, whole.stderr
    kept = 0
    for wanted in (2, 5):
        process = subprocess.Popen(
            terminal.command(*search, "--resume", "-q", "--", *COMMAND), cwd=terminal.folder, stderr=subprocess.PIPE
        )
        while (kept := finished(terminal.folder / "out")) < wanted and process.poll() is None:
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert gone(int((terminal.folder / "pid").read_text()), 20), "the script goes on without a search"
        assert finished(terminal.folder / "out") >= kept >= wanted
    kept = finished(terminal.folder / "out")
    last = terminal(*search, "--resume", "--", *COMMAND)
    assert last.returncode == 0, last.stderr
    assert last.stderr.count("(kept from before)") == kept
    documents = [read_study(terminal.folder / out / "study.db").document() for out in ("out", "whole")]
    assert documents[0] == documents[1]
    logs = list((terminal.folder / "out" / "runs").glob("*.log"))
    assert len(logs) >= len(documents[0]["runs"]), "a log of each run, also of those in flight when it was killed"


USAGE = {
    "no rate": (("--", PY, "train.py"), "does not use lr"),
    "unknown placeholder": (("--", *COMMAND, "{width}"), "{width}"),
    "unused": (("--set", "width=1:2", "--", *COMMAND), "does not use width"),
    "no program": (("--", "pyton", "train.py", "{lr}"), "no program 'pyton'"),
    "a phrase": (("--", "python train.py --lr {lr}"), "leave out the quotes"),
    "nothing": ((), "a training is missing"),
    "choices of rates": (("--set", "lr=1,2", "--", *COMMAND), "--set lr=1e-5:1"),
    "bounded twice": (("--set", "lr=1:2", "--low", "1", "--", *COMMAND), "bounded twice"),
    "a schedule": (("--schedule", "wsd", "--", *COMMAND), "keeps its own schedule"),
    "metrics anywhere": (("--metrics", "log.csv", "--", *COMMAND), "{out}"),
    "unused metrics": (("--metrics", "{out}/{width}", "--", *COMMAND), "metrics asks for {width}"),
    "the seed": (("--set", "seed=1:2", "--", *COMMAND, "{seed}"), "seed cannot be set"),
}


@pytest.mark.parametrize(("arguments", "word"), USAGE.values(), ids=USAGE)
def test_wrong_usage_is_one_line_before_anything_runs(
    arguments: tuple[str, ...], word: str, terminal: Terminal
) -> None:
    write(terminal, "open('ran', 'w')")
    done = terminal("tune", "--steps", "50", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert word in done.stderr
    assert not (terminal.folder / "ran").exists()
    assert not (terminal.folder / "out").exists()


def test_a_script_that_reports_nothing_is_one_line_with_what_it_printed(terminal: Terminal) -> None:
    write(terminal, "print('Epoch 1: loss=0.3')")
    done = terminal("tune", "--steps", "50", "-q", "--", *COMMAND)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "it printed: Epoch 1: loss=0.3" in done.stderr


def test_the_bounds_of_the_rate_may_be_set_for_any_training(terminal: Terminal) -> None:
    done = terminal("tune", "t.py:bowl", "--set", "lr=1e-3:0.02", "--steps", "100", "--budget", "2", "--json", "-q")
    answer = json.loads(done.stdout)
    plan = read_study(terminal.folder / "out" / "study.db").order.plan
    assert (10**plan.low, 10**plan.high) == pytest.approx((1e-3, 0.02))
    assert 1e-3 <= answer["runs"][0]["rate"] <= 0.02
    assert math.isfinite(answer["best"])
    assert "next" not in answer
    assert Path(answer["files"]["study"]).name == "study.db"
