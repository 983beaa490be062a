"""The recorder's file: what a kill, a full disk, a second writer or a resume leave of it."""

import json
import math
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import stepsize as ss
from stepsize.recorder import Pace
from stepsize.recorder.pace import CREDIT, SHARE
from stepsize.recorder.pages import as_lines
from stepsize.run.readers import recorded
from tests.recorder import full, killed

ROOT = Path(__file__).parents[2]


def training(path, start, updates):
    """Start the training that records, let it make so many updates, kill it; returns what it said."""
    process = subprocess.Popen(
        [sys.executable, killed.__file__, path, str(start)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    said = [process.stdout.readline().split() for _ in range(updates)]
    process.send_signal(signal.SIGKILL)
    died = time.monotonic()
    said += [line.split() for line in process.stdout.read().splitlines()]
    process.stdout.close()
    assert process.wait() == -signal.SIGKILL
    return [(int(k), float(at)) for k, at in said if at], died


def test_a_kill_takes_the_last_second_at_most_and_a_resume_goes_on(tmp_path):
    path = tmp_path / "run.jsonl"
    made, died = training(path, 0, 900)
    kept = ss.Run.read(path)
    assert kept.column("loss").step.tolist() == list(range(kept.updates))
    # Rows of a second ago are there; what the two clocks of the machine need is not held against it.
    assert kept.updates > max(k for k, at in made if at < died - 1.1)
    assert kept.updates < len(made) + 1

    back = kept.updates // 2
    training(path, back, 600)
    run = ss.Run.read(path)
    assert run.column("loss").step.tolist() == list(range(run.updates))
    assert run.steps == 10_000
    assert f"back from update {kept.updates - 1} to update {back}" in run.notes[0]


def test_a_full_disk_is_warned_of_once_and_tears_no_line(tmp_path):
    path = tmp_path / "run.jsonl"
    done = subprocess.run([sys.executable, full.__file__, path], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert len(said) == 1
    assert "the training goes on" in said[0]
    assert ss.Run.read(path).loss.tolist() == list(range(200))


def test_another_process_is_refused(tmp_path):
    path = tmp_path / "run.jsonl"
    with ss.Recorder(path) as recorder:
        recorder.step(loss=1.0)
        code = f"import stepsize as ss; ss.Recorder({str(path)!r})"
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert "EngineError: another process is writing" in done.stderr


def test_in_one_process_the_last_recorder_writes(tmp_path):
    path = tmp_path / "run.jsonl"
    first = ss.Recorder(path)
    for loss in (3.0, 2.0, 1.0):
        first.step(loss=loss)
    second = ss.Recorder(path)
    second.step(loss=5.0)
    with pytest.warns(RuntimeWarning, match="this recorder is closed"):
        first.step(loss=0.0)
    first.step(loss=0.0)  # said once
    second.close()
    assert ss.Run.read(path).loss.tolist() == [5.0]


def test_what_nobody_closed_is_written_when_the_process_ends(tmp_path):
    path = tmp_path / "run.jsonl"
    code = f"import stepsize as ss; r = ss.Recorder({str(path)!r}); [r.step(loss=k) for k in range(5)]; 1 / 0"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert "ZeroDivisionError" in done.stderr
    assert ss.Run.read(path).loss.tolist() == [0, 1, 2, 3, 4]


def test_nan_and_infinities_and_what_comes_later_are_kept(tmp_path):
    with ss.Recorder(tmp_path / "run.jsonl", batch_size=4) as recorder:
        for loss in (1.0, math.nan, math.inf, -math.inf):
            recorder.step(loss=np.float32(loss), lr=None)
        recorder.log(val_loss=2.0)
    run = ss.Run.read(tmp_path / "run.jsonl")
    np.testing.assert_array_equal(run.loss, [1.0, math.nan, math.inf, -math.inf])
    assert run.column("val_loss").step.tolist() == [3]
    assert set(run.columns) == {"loss", "val_loss"}
    assert run.settings == {"batch_size": 4}


def test_a_line_that_was_torn_is_left_out_and_said(tmp_path):
    path = tmp_path / "run.jsonl"
    with ss.Recorder(path) as recorder:
        recorder.step(loss=1.0)
    path.write_text(path.read_text() + '{"step": 1, "lo')  # the power went
    with ss.Recorder(path, start=1) as recorder:
        recorder.step(loss=2.0)
    run = ss.Run.read(path)
    assert run.loss.tolist() == [1.0, 2.0]
    assert "lines that could not be read are left out: 1" in run.notes


def test_a_recording_without_an_update_says_so(tmp_path):
    ss.Recorder(tmp_path / "run.jsonl").close()
    with pytest.raises(ss.UnreadableRun, match="holds no update yet"):
        ss.Run.read(tmp_path / "run.jsonl")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"steps": -1}, "steps must be a whole number of updates, got -1"),
        ({"start": 1.5}, "start must be"),
        ({"also": 3}, "also must be a SummaryWriter"),
        ({"also": [print, None]}, "also must be a SummaryWriter"),
    ],
)
def test_arguments_that_make_no_sense(tmp_path, arguments, message):
    with pytest.raises(ss.InvalidTraining, match=message):
        ss.Recorder(tmp_path / "run.jsonl", **arguments)
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ss.EngineError, match="cannot be written"):
        ss.Recorder(tmp_path / "file" / "run.jsonl")


def test_the_folder_is_made(tmp_path):
    with ss.Recorder(tmp_path / "runs" / "one" / "run.jsonl") as recorder:
        recorder.step(loss=1.0)
    assert ss.Run.read(tmp_path / "runs" / "one" / "run.jsonl").updates == 1


def test_a_loss_that_is_no_number_is_an_error_naming_it(tmp_path):
    with (
        ss.Recorder(tmp_path / "run.jsonl") as recorder,
        pytest.raises(ss.InvalidTraining, match="val_loss must be one"),
    ):
        recorder.step(loss=1.0, val_loss="low")


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 20)), min_size=1, max_size=6))
def test_reading_keeps_of_each_update_what_was_written_last(segments):
    gathered, expected = recorded.Gathered(), {}
    for number, (start, updates) in enumerate(segments):
        gathered.take({"schema": recorded.SCHEMA})
        last = max(expected, default=-1)
        start = min(start, last + 1)
        expected = {k: v for k, v in expected.items() if k < start}
        for k in range(start, start + updates):
            gathered.take({"step": k, "loss": float(number)})
            expected[k] = float(number)
    column = gathered.log().columns["loss"]
    assert list(zip(column.step.tolist(), column.value.tolist(), strict=True)) == sorted(expected.items())


@pytest.mark.parametrize("cost", [1e-5, 1e-4, 1e-3, 0.3])
def test_measuring_keeps_to_its_share_and_looks_at_few_clocks(cost):
    now, looks = 0.0, 0

    def cpu():
        nonlocal looks
        looks += 1
        return now

    pace = Pace(clock=lambda: 9 * now, cpu=cpu)
    at = []
    for update in range(20_000):
        if pace.due(update):
            now += cost
            pace.spend(cost)
            at.append(update)
        now += 0.005
    spent = cost * (len(at) - 1)
    # What a measurement costs is known after the second.
    assert spent <= max(cost, CREDIT + SHARE * now)
    # One that takes a little more than an update allows is made at every second.
    assert spent + 2 * cost > 0.5 * min(SHARE * now, 20_000 * cost)
    assert looks <= 300 + 2 * len(at)


def test_the_first_measurements_are_close_together():
    now = 0.0
    pace = Pace(clock=lambda: now, cpu=lambda: now)
    at = []
    for update in range(300):
        if pace.due(update):
            now += 1e-3
            pace.spend(1e-3)
            at.append(update)
        now += 0.005
    assert at[:5] == [0, 1, 3, 7, 15]
    # 1 ms is 0.18 % of 111 updates of 5 ms.
    assert max(np.diff(at)) <= 115


NAMES = st.one_of(st.text(max_size=5), st.sampled_from(["loss", "lr", "100 %s", "}, {"]))


@given(st.lists(st.dictionaries(NAMES, st.one_of(st.none(), st.integers(), st.floats()), min_size=1, max_size=4)))
def test_rows_written_at_once_are_each_the_json_of_it(rows):
    assert as_lines(rows).splitlines() == [json.dumps(row) for row in rows]


@pytest.mark.parametrize("every", [0, -1, True, 2.0, "10"])
def test_an_every_that_is_no_number_of_updates(every):
    with pytest.raises(ss.InvalidTraining, match="every must be a whole number"):
        Pace(every)
