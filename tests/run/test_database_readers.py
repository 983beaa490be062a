"""MLflow's and Trackio's stores and a study of our own, as their programs wrote them; and what is none, or damaged."""

import math
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import stepsize as ss
from stepsize.run import Column
from stepsize.run.store import Ledger

HERE = Path(__file__).parent
# What the writer logged: at 0 and 10 first, then, resumed at 20, what came later.
LOSSES = [2.0, math.nan, 1.0, -math.inf, 3 / 5, 3 / 6]


@pytest.fixture(scope="module")
def mlflow(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mlflow")
    command = [sys.executable, "-W", "ignore", HERE / "mlflow_writer.py", folder]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def trackio(tmp_path_factory):
    path = tmp_path_factory.mktemp("trackio") / "project.db"
    with closing(sqlite3.connect(path)) as database:
        database.executescript((HERE / "data" / "trackio_0_43.sql").read_text(encoding="utf-8"))
    return path


def run_of(values, policy=None, outcome="finished", reason=""):
    column = Column(np.arange(len(values)), np.array(values, dtype=float))
    return ss.Run({"loss": column}, outcome, reason, policy=policy, steps=10)


@pytest.fixture
def study(tmp_path):
    ledger = Ledger(tmp_path / "study.db")
    policy = ss.Policy(optimizer="adamw", lr=1e-3, weight_decay=0.1)
    ledger.append("a", run_of([2.0, 1.0], policy))
    ledger.append("b", run_of([2.0, math.nan], policy, "diverged", "loss is nan at update 1"))
    yield ledger
    ledger.close()


@pytest.mark.parametrize("store", ["mlflow.db", "mlruns"])
def test_what_mlflow_logged_is_read_back_under_the_names_of_its_runs(mlflow, store):
    runs = {run.name.rpartition("/")[2]: run for run in ss.Run.read_all(mlflow / store)}
    assert sorted(runs) == ["by-epoch", "first", "second"]
    for name in ("first", "second"):
        loss = runs[name].column("loss")
        assert loss.clock == "step"
        assert loss.step.tolist() == [0, 10, 20, 30, 40, 50]
        np.testing.assert_array_equal(loss.value, LOSSES)
        assert runs[name].settings == {"optimizer": "SGD", "lr": 0.1, "batch_size": 64, "epochs": 5}


@pytest.mark.parametrize("store", ["mlflow.db", "mlruns"])
def test_a_metric_of_mlflow_without_steps_is_counted(mlflow, store):
    run = next(run for run in ss.Run.read_all(mlflow / store) if run.name.endswith("first"))
    unplaced = run.column("unplaced")
    assert (unplaced.clock, unplaced.step.tolist(), unplaced.value.tolist()) == ("row", [0, 1], [0.5, 0.25])


@pytest.mark.parametrize("store", ["mlflow.db", "mlruns"])
def test_steps_of_mlflow_that_end_with_the_epochs_planned_are_epochs(mlflow, store):
    run = next(run for run in ss.Run.read_all(mlflow / store) if run.name.endswith("by-epoch"))
    assert run.column("loss").clock == run.column("val_loss").clock == "epoch"
    assert any("taken to be epochs" in note for note in run.notes)


def test_one_run_of_a_database_is_asked_for_by_its_name(mlflow):
    assert ss.Run.read(mlflow / "mlflow.db", "second").name == "second"
    with pytest.raises(ss.UnreadableRun, match=r"holds 3 runs .*'first'"):
        ss.Run.read(mlflow / "mlflow.db")


def test_the_folder_of_one_run_of_mlflow_is_that_run(mlflow):
    folder = next(file.parent for file in mlflow.glob("mlruns/*/*/meta.yaml") if "second" in file.read_text())
    np.testing.assert_array_equal(ss.Run.read(folder).loss, LOSSES)


def test_a_line_of_mlflow_that_is_no_value_is_left_out_and_said(mlflow, tmp_path):
    (tmp_path / "metrics").mkdir()
    (tmp_path / "meta.yaml").write_text("run_id: 1\nlifecycle_stage: active\n")
    (tmp_path / "metrics" / "loss").write_text("1 2.0 0\n1 x 1\n\xff\n1 1.0 2\n1 9e9 9999999999999999999999\n1 0.5 3")
    run = ss.Run.read(tmp_path)
    assert (run.column("loss").step.tolist(), run.loss.tolist()) == ([0, 2], [2.0, 1.0])
    assert any(note.startswith("3 lines are no values") for note in run.notes)


def test_what_trackio_logged_is_read_back_with_its_configuration(trackio):
    first, second = ss.Run.read_all(trackio)
    assert (first.name, second.name) == ("first", "second")
    for run in (first, second):
        assert run.column("loss").step.tolist() == [0, 10, 20, 30, 40, 50]
        np.testing.assert_array_equal(run.loss, [2.0, 2 / 11, 2 / 21, math.nan, math.inf, 2 / 51])
        assert run.column("val_loss").step.tolist() == [50]
        assert run["norms/grad"].size == 6
        assert (run.steps, run.settings) == (100, {"optimizer": "adamw", "lr": 3e-4})


def test_a_study_is_read_while_it_is_written(study):
    finished, diverged = ss.Run.read_all(study.path)
    assert (finished.name, finished.loss.tolist(), finished.steps) == ("run 1", [2.0, 1.0], 10)
    assert finished.settings == {"optimizer": "adamw", "weight_decay": 0.1}
    assert diverged.notes == ("the run diverged: loss is nan at update 1",)
    study.append("c", run_of([3.0]))
    assert len(ss.Run.read_all(study.path)) == 3


def test_reading_leaves_nothing_beside_a_database(trackio, study):
    study.close()
    for path in (trackio, study.path):
        before = sorted(path.parent.iterdir())
        ss.Run.read_all(path)
        assert sorted(path.parent.iterdir()) == before


def test_a_database_that_is_written_stays_writable(mlflow, tmp_path):
    path = tmp_path / "copy.db"
    path.write_bytes((mlflow / "mlflow.db").read_bytes())
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM metrics WHERE step > 0")
        assert len(ss.Run.read_all(path)) == 3
        writer.execute("ROLLBACK")


def test_a_locked_database_is_refused_as_such(mlflow, tmp_path, monkeypatch):
    monkeypatch.setattr("stepsize.run.database.PATIENCE", 0.05)
    path = tmp_path / "copy.db"
    path.write_bytes((mlflow / "mlflow.db").read_bytes())
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        with pytest.raises(ss.UnreadableRun, match=r"copy\.db: .* keeps it locked"):
            ss.Run.read_all(path)


FOREIGN = {
    "another program's": ("CREATE TABLE albums (name)", "another program .*albums"),
    "no table at all": ("PRAGMA user_version = 1", "another program .*none"),
    "metrics of another kind": ("CREATE TABLE metrics (a, b)", "another program"),
    "mlflow without a metric": (
        "CREATE TABLE metrics (key, value, run_uuid, step, is_nan);CREATE TABLE runs (run_uuid, name, lifecycle_stage)",
        "without any metric",
    ),
    "trackio without a number": (
        "CREATE TABLE metrics (run_name, step, metrics); INSERT INTO metrics VALUES ('a', 0, '{\"x\": \"y\"}')",
        "without any number",
    ),
    "a study without a run": (
        "CREATE TABLE note (name); CREATE TABLE run (number, key, about, columns)",
        "no run has ended",
    ),
    "a study with a strange run": (
        "CREATE TABLE note (name); CREATE TABLE run (number, key, about, columns);"
        "INSERT INTO run VALUES (1, 2, '[]', 3)",
        "run 1 is damaged",
    ),
}


@pytest.mark.parametrize(("script", "words"), FOREIGN.values(), ids=FOREIGN)
def test_a_database_without_runs_is_refused_by_what_it_is(tmp_path, script, words):
    path = tmp_path / "some.db"
    with closing(sqlite3.connect(path)) as database:
        database.executescript(script)
    with pytest.raises(ss.UnreadableRun, match=words) as refused:
        ss.Run.read_all(path)
    assert str(path) in str(refused.value)


STRANGE = """
CREATE TABLE runs (run_uuid, name, lifecycle_stage); INSERT INTO runs VALUES ('a', NULL, 'active');
CREATE TABLE metrics (key, value, run_uuid, step, is_nan);
INSERT INTO metrics (rowid, key, value, run_uuid, step, is_nan) VALUES
    (-5, 'loss', 4.0, 'a', 0, 0), (1, 'loss', 'many', 'a', 1, 0), (2, 'loss', NULL, 'a', 2, 0),
    (3, 'loss', 1.0, 'b', 3, 0),
    (4, 'loss', 1.0, 'a', NULL, 0), (5, NULL, 1.0, 'a', 5, 0),
    (6, 7, 1.0, 'a', 5, 0), (9000000000000000000, 'loss', x'ff', 'a', 6, 0),
    (9223372036854775807, 'loss', 2.0, 'a', 1e300, NULL);
"""


def test_strange_values_and_row_numbers_of_a_database_are_no_crash(tmp_path):
    path = tmp_path / "strange.db"
    with closing(sqlite3.connect(path)) as database:
        database.executescript(STRANGE)
    run = ss.Run.read(path, "a")
    np.testing.assert_array_equal(run.loss, [4.0, 0.0, math.nan, 0.0, 2.0])
    assert run.column("loss").step.tolist() == [0, 1, 2, 6, 2**63 - 1]


@settings(max_examples=60)
@given(
    which=st.sampled_from(["mlflow", "trackio"]),
    keep=st.floats(0.0, 1.0),
    flips=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=30),
)
def test_a_damaged_database_is_read_in_part_or_refused(mlflow, trackio, tmp_path_factory, which, keep, flips):
    content = bytearray((mlflow / "mlflow.db" if which == "mlflow" else trackio).read_bytes())
    content = content[: round(keep * len(content))] if keep < 0.7 else content
    for at, value in flips:
        # Not its first bytes: without them it is just another file.
        if len(content) > 32:
            content[16 + int(at * (len(content) - 17))] = value
    path = tmp_path_factory.getbasetemp() / "damaged.db"
    path.write_bytes(content)
    try:
        runs, says = ss.Run.read_all(path), ""
    except ss.UnreadableRun as error:
        runs, says = [], str(error)
    assert runs or str(path) in says
    assert all(column.step.size == column.value.size > 0 for run in runs for column in run.columns.values())
