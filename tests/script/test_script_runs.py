"""One run of a command: where its numbers come from, how it ends, and that nothing is left of it."""

import json
import math
import os
import pickle
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import stepsize as ss
from stepsize.job import Job
from stepsize.script.metrics import Printed
from tests.script.conftest import BOWL, eventually, gone

JSON = 'for step, lr, loss in curve(): print(json.dumps({"step": step, "loss": loss, "lr": lr}))'

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def expected(rate, steps, seed=0):
    scope = {}
    old, sys.argv = sys.argv, ["", "--lr", str(rate), "--steps", str(steps), "--seed", str(seed)]
    try:
        exec(BOWL, scope)
    finally:
        sys.argv = old
    return [loss for _, _, loss in scope["curve"]()]


def test_a_run_is_what_the_script_printed(script):
    seen = []
    run = ss.drive(
        script(f"print('loading')\n{JSON}\nprint('{{not json')"),
        0.03,
        steps=40,
        seed=3,
        watch=lambda step, values: seen.append((step, values["loss"])) or True,
    )
    assert (run.outcome, run.steps, run.seed) == ("finished", 40, 3)
    assert run.loss.tolist() == expected(0.03, 40, 3)
    assert run.column("loss").step.tolist() == list(range(40))
    assert run["lr"][0] == 0.03
    assert run["lr"][-1] < 0.001, "the script's own schedule"
    assert seen == list(enumerate(run.loss.tolist()))


def test_all_it_prints_is_kept_beside_the_study(script):
    ss.drive(script(f"{JSON}\nprint('out', flush=True)\nsys.stderr.write('err')"), 0.03, steps=2)
    log = Path("runs/1.log").read_text()
    assert log.startswith("$ ")
    assert " --lr 0.03 --steps 2 --seed 0\n" in log
    assert log.count('{"step"') == 2
    assert "out\n" in log
    assert "err" in log


FORMATS = {
    "csv": (
        "with open(args['--out'] + '/log.csv', 'w') as f:\n"
        "    f.write('step,train/loss\\n')\n"
        "    for step, lr, loss in curve(): f.write(f'{step},{loss!r}\\n')",
        "{out}/log.csv",
    ),
    "json lines": (
        "with open(args['--out'] + '/log.jsonl', 'w') as f:\n"
        "    for step, lr, loss in curve(): f.write(json.dumps({'global_step': step, 'Loss/train': loss}) + '\\n')",
        "{out}/log.jsonl",
    ),
}


@pytest.mark.parametrize("form", FORMATS)
def test_a_run_is_what_the_script_wrote(form, script):
    body, metrics = FORMATS[form]
    run = ss.drive(script(body, "--out", "{out}", metrics=metrics), 0.03, steps=40)
    assert run.loss.tolist() == expected(0.03, 40)
    assert set(run["lr"]) == {0.03}


ROWS = [
    ('{"step": 7, "loss": 1, "epoch": 2}', {"loss": [(7, 1.0)], "epoch": [(7, 2.0)]}),
    ('{"epoch": 0, "loss": 2}\n{"epoch": 1, "loss": 1}', {"loss": [(0, 2.0), (1, 1.0)], "epoch": [(0, 0.0), (1, 1.0)]}),
    ('{"iteration": 5, "loss": 2}\n{"val_loss": 3}', {"loss": [(5, 2.0)], "val_loss": [(5, 3.0)]}),
    ('{"config": 1}\n{"loss": 2}\n{"loss": "1.5"}', {"loss": [(1, 2.0), (2, 1.5)], "config": [(0, 1.0)]}),
    ('{"global_step": "3", "Loss/train": 2, "val/loss": null}', {"loss": [(3, 2.0)]}),
    ('{"step": 1, "loss": 2, "ok": true, "name": "x", "list": [1]}', {"loss": [(1, 2.0)]}),
    ('{"step": 1, "loss": 2}\r{"step": 2, "loss": 1}\r\n', {"loss": [(1, 2.0), (2, 1.0)]}),
    ('  {"loss": 2}\n[1]\n{"loss"\n{}\n{"a": [[[[\n"x"', {"loss": [(0, 2.0)]}),
    ("{'loss': 2, 'epoch': 0.5}\n{'loss': '1', 'grad_norm': nan}", {"loss": [(0, 2.0), (1, 1.0)], "epoch": [(0, 0.5)]}),
    ('{"loss": 2}\n{"step": 1e400, "loss": 1}', {"loss": [(0, 2.0), (1, 1.0)], "step": [(1, math.inf)]}),
]


@pytest.mark.parametrize(("printed", "columns"), ROWS, ids=range(len(ROWS)))
def test_a_line_that_is_a_json_object_is_a_report(printed, columns, script):
    run = ss.drive(script(f"sys.stdout.write({printed!r})", bowl=False), 0.1, steps=10)
    assert run.outcome == "finished"
    found = {n: list(zip(c.step.tolist(), c.value.tolist(), strict=True)) for n, c in run.columns.items() if n != "lr"}
    found.pop("grad_norm", None)
    assert found == columns


@pytest.mark.parametrize(
    "spelled", ["NaN", '"nan"', "Infinity", '"-inf"', "null", "1e999", "nan", "-nan", "-inf", "-nan(ind)", "inf"]
)
def test_a_loss_that_is_no_number_ends_the_run_at_once(spelled, script):
    body = f"""
    print('{{"step": 1, "loss": 2.0}}')
    print('{{"step": 2, "lr": 0.1, "loss": {spelled}}}')
    time.sleep(600)
    """
    run = ss.drive(script(body, bowl=False), 0.1, steps=10)
    assert run.outcome == "diverged"
    assert "at update 2" in run.reason
    assert run.final("loss") == math.inf


def test_a_loss_beyond_hope_and_a_metric_that_is_no_number_are_divergences_too(script):
    run = ss.drive(script("""print('{"loss": 2}\\n{"loss": 1e9}'); time.sleep(600)""", bowl=False), 0.1, steps=10)
    assert run.outcome == "diverged"
    body = """print('{"loss": 2, "perplexity": NaN}'); time.sleep(600)"""
    run = ss.drive(script(body, bowl=False, metric="perplexity"), 0.1, steps=10)
    assert run.outcome == "diverged"
    assert "perplexity" in run.reason


def test_a_divergence_in_a_file_is_seen_while_the_script_runs(script):
    body = """
    with open(sys.argv[-1] + '/log.csv', 'w') as f:
        f.write('step,loss\\n0,1.0\\n1,nan\\n')
    time.sleep(600)
    """
    run = ss.drive(script(body, "--out", "{out}", bowl=False, metrics="{out}/log.csv"), 0.1, steps=10)
    assert (run.outcome, run.updates) == ("diverged", 2)


def test_a_crash_is_a_failure_with_its_last_words(script):
    run = ss.drive(script(f"{JSON}\nraise RuntimeError('out of memory')"), 0.03, steps=5)
    assert run.outcome == "failed"
    for words in ("code 1", "RuntimeError: out of memory", "1.log"):
        assert words in run.reason
    assert run.loss.size == 5, "what was measured is kept"
    run = ss.drive(script("os.kill(os.getpid(), 11)", bowl=False), 0.03, steps=5)
    assert "SIGSEGV" in run.reason


def test_a_run_that_printed_nan_and_then_crashed_has_diverged(script):
    run = ss.drive(script("""print('{"loss": NaN}'); sys.exit(3)""", bowl=False), 0.03, steps=5)
    assert run.outcome == "diverged"


def test_a_run_that_takes_too_long_has_failed(script):
    run = ss.drive(script("""print('{"loss": 1}'); time.sleep(600)""", bowl=False, timeout=1.0), 0.03, steps=5)
    assert run.outcome == "failed"
    assert "timeout of 1 s" in run.reason


def test_a_watcher_stops_a_run(script):
    run = ss.drive(script(f"{JSON}\ntime.sleep(600)"), 0.03, steps=9, watch=lambda step, seen: step < 4)
    assert (run.outcome, run.updates) == ("stopped", 5)


def test_a_script_that_reports_nothing_is_told_what_it_printed(script):
    with pytest.raises(ss.InvalidTraining, match=r"no loss .* it printed: epoch 1 loss 0.5 .*1\.log") as refused:
        ss.drive(script("print('epoch 1 loss 0.5')", bowl=False), 0.1, steps=10)
    assert "--metrics" in str(refused.value)
    with pytest.raises(ss.InvalidTraining, match=r"it reported accuracy: name .* by --metric"):
        ss.drive(script("""print('{"accuracy": 0.5}')""", bowl=False), 0.1, steps=10)
    with pytest.raises(ss.InvalidTraining, match=r"no 'val_los' .* it reported loss"):
        ss.drive(script("""print('{"loss": 0.5}')""", bowl=False, metric="val_los"), 0.1, steps=10)
    with pytest.raises(ss.InvalidTraining, match=r"log\.csv.*it printed: done"):
        ss.drive(script("print('done')", bowl=False, metrics="{out}/log.csv"), 0.1, steps=10)


def test_a_metric_may_be_named_exactly(script):
    body = """print('{"loss/val": 2, "val_loss": 1, "train_loss": 4}')"""
    run = ss.drive(script(body, bowl=False, metric="loss/val"), 0.1, steps=10)
    assert run["loss/val"].tolist() == [2.0]
    assert run["val_loss"].tolist() == [1.0]
    run = ss.drive(script(body, bowl=False, metric="train_loss"), 0.1, steps=10)
    assert run["train_loss"].tolist() == run.loss.tolist() == [4.0]
    body = """open(sys.argv[-1], 'w').write('step,train_loss\\n0,3\\n')"""
    log = "{out}/log.csv"
    run = ss.drive(script(body, log, bowl=False, metric="train_loss", metrics=log), 0.1, steps=10)
    assert run["train_loss"].tolist() == [3.0]


FAMILY = """
import subprocess
deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)"
child = subprocess.Popen([sys.executable, "-c", deaf])
open("pids", "w").write(f"{os.getpid()} {child.pid}")
print('{"loss": 1}')
time.sleep(600)
"""


def test_the_end_of_a_run_is_the_end_of_all_it_started(script):
    made = script(FAMILY, bowl=False)

    def watch(step, seen):
        return False

    assert ss.drive(made, 0.1, steps=5, watch=watch).outcome == "stopped"
    assert all(gone(int(pid)) for pid in Path("pids").read_text().split())


def test_a_process_left_behind_does_not_hold_up_the_end(script):
    body = """
    import subprocess
    child = subprocess.Popen(["sleep", "600"])
    open("pids", "w").write(str(child.pid))
    print('{"loss": 1}')
    """
    assert ss.drive(script(body, bowl=False), 0.1, steps=5).outcome == "finished"
    assert gone(int(Path("pids").read_text()))


DRIVER = """
import sys
import stepsize as ss
ss.drive(ss.Script([sys.executable, "script.py", "{lr}"]), 0.1, steps=5)
"""


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda ending: ending.name)
def test_whatever_ends_us_ends_the_script(ending, script):
    script(FAMILY, bowl=False)
    ours = signal.signal(signal.SIGINT, signal.default_int_handler)
    driver = subprocess.Popen([sys.executable, "-c", DRIVER], stderr=subprocess.PIPE)
    signal.signal(signal.SIGINT, ours)
    pids = [int(pid) for pid in eventually(Path("pids")).split()]
    driver.send_signal(ending)
    driver.communicate(timeout=60)
    assert all(gone(pid, 20) for pid in pids)


def test_many_at_once_have_folders_of_their_own(script):
    made = pickle.loads(pickle.dumps(script(JSON, "--out", "{out}")))
    before = set(threading.enumerate())  # of other tests, and of libraries that keep one
    rates = [0.001, 0.01, 0.02, 0.03, 0.04, 0.05]
    with ThreadPoolExecutor(3) as pool:
        runs = list(pool.map(lambda rate: made.run(Job(ss.Policy(ss.constant(rate, 30)), 30), None), rates))
    assert [run.loss.tolist() for run in runs] == [expected(rate, 30) for rate in rates]
    assert len({run.source for run in runs}) == len(rates)
    assert not {thread for thread in threading.enumerate() if thread.is_alive()} - before


def test_a_flood_of_output_is_no_trouble(script):
    body = """
    for k in range(20000):
        print('x' * 300)
        print('y' * 300, file=sys.stderr)
    sys.stdout.write('z' * 3_000_000 + '\\n')
    print('{"loss": 1}')
    """
    run = ss.drive(script(body, bowl=False), 0.1, steps=5)
    assert run.loss.tolist() == [1.0]
    assert os.path.getsize("runs/1.log") > 15_000_000


def test_the_rate_is_the_peak_and_no_schedule_is_imposed(script):
    made = script(JSON)
    with pytest.raises(ss.InvalidSpace, match="keeps its own schedule"):
        ss.drive(made, ss.warmup_cosine(0.1, 10, 2), steps=10)
    study = ss.tune(made, budget=2, steps=40, low=1e-3, high=0.1, schedule=made.schedule)
    assert study.policy.lr(0) == study.policy.lr(39) == study.rate


def test_a_search_of_a_script_is_that_of_the_same_loop_in_python(script):
    def training(seed, steps):
        lr = yield
        for loss in expected(lr, steps, seed):
            lr = yield loss

    made = script(JSON)
    ours = ss.tune(made, budget=3, steps=60, low=1e-4, high=1, schedule=made.schedule)
    same = ss.tune(training, budget=3, steps=60, low=1e-4, high=1, schedule=made.schedule)
    assert ours.rate == same.rate
    assert [run.outcome for run in ours.runs] == [run.outcome for run in same.runs]


def test_the_length_is_fixed_where_nothing_tells_it(script):
    assert not script(JSON).fixed_length
    assert ss.Script([sys.executable, "script.py", "{lr}"]).fixed_length
    assert not ss.Script([sys.executable, "script.py", "{lr}"], environment=True).fixed_length
    assert not ss.Script(["sh", "-c", "train {lr} $STEPSIZE_STEPS"]).fixed_length


def test_the_engine_of_processes_makes_the_same_runs(script):
    pytest.importorskip("cloudpickle")
    made = script(JSON)
    asked = {"budget": 2, "steps": 40, "low": 1e-3, "high": 1, "schedule": made.schedule}
    alone = ss.tune(made, **asked)
    pool = ss.tune(made, **asked, engine="process", workers=2)
    assert pool.rate == alone.rate
    assert [run.loss.tolist() for run in pool.runs] == [run.loss.tolist() for run in alone.runs]
    assert [run.outcome for run in pool.runs] == [run.outcome for run in alone.runs]


@given(st.lists(st.text() | st.dictionaries(st.text(), json_values).map(json.dumps)))
def test_whatever_is_printed_is_a_report_or_passed_over(lines):
    printed = Printed("metric")
    seen = [seen for line in lines for seen in printed.line(line.strip())]
    columns = printed.columns()
    assert all(c.step.size == c.value.size > 0 for c in columns.values())
    assert bool(seen) == bool(columns)
