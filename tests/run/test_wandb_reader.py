"""W&B's offline records, written by wandb itself, whole, cut off and damaged."""

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import stepsize as ss

WRITER = Path(__file__).with_name("wandb_writer.py")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wandb")
    done = subprocess.run([sys.executable, WRITER, folder], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return {file.stem.removeprefix("run-"): file for file in folder.glob("DIR/wandb/offline-run-*/*.wandb")}


def says(run, words):
    return [note for note in run.notes if words in note]


def test_what_was_logged_is_read_back_on_the_step_of_the_training(written):
    run = ss.Run.read(written["own-clock"])
    loss = run.column("loss")
    assert loss.clock == "step"
    assert loss.step.tolist() == [10 * k for k in range(40)]
    expected = [{7: math.nan, 8: math.inf, 9: -math.inf}.get(k, 2 / (k + 1)) for k in range(40)]
    np.testing.assert_array_equal(loss.value, expected)
    np.testing.assert_array_equal(run["norms.grad"], [k / 4 for k in range(40)])
    assert run["lr"].tolist() == [3e-4] * 40
    assert not {"_step", "_timestamp", "_runtime", "note", "flag"} & set(run.columns)


def test_a_call_without_a_step_of_the_training_is_put_at_the_one_before_and_that_is_said(written):
    run = ss.Run.read(written["own-clock"])
    assert run.column("val_loss").step.tolist() == [10 * k for k in range(40)]
    assert says(run, "40 calls name no step")


def test_the_configuration_says_the_settings_and_the_planned_length(written):
    run = ss.Run.read(written["own-clock"])
    assert run.steps == 400
    assert run.settings == {"optimizer": "adamw", "lr": 3e-4, "batch_size": 64}


def test_a_log_an_epoch_is_put_on_epochs_and_what_was_added_to_a_call_belongs_to_it(written):
    run = ss.Run.read(written["by-epoch"])
    assert {column.clock for column in run.columns.values()} == {"epoch"}
    assert run.column("val_loss").step.tolist() == list(range(1, 11))
    assert run.settings["epochs"] == 20
    assert says(run, "epochs are the clock")


def test_a_killed_run_is_read_as_far_as_it_was_written(written):
    run = ss.Run.read(written["killed"])
    size = run.loss.size
    assert 0 < size <= 3000
    assert run.column("loss").step.tolist() == [3 * k for k in range(size)]
    assert says(run, "has no end")
    assert not says(ss.Run.read(written["own-clock"]), "has no end")


def test_the_folder_of_a_run_is_the_run(written):
    assert ss.Run.read(written["killed"].parent).loss.size == ss.Run.read(written["killed"]).loss.size


def test_the_folder_of_all_runs_names_each_by_its_folder(written):
    folder = written["killed"].parent.parent
    names = [run.name for run in ss.Run.read_all(folder)]
    assert sorted(name.rpartition("-")[2] for name in names) == ["clock", "epoch", "killed"]
    with pytest.raises(ss.UnreadableRun, match="holds 3 runs"):
        ss.Run.read(folder)


def test_a_damaged_block_is_left_out_and_the_next_is_read(written, tmp_path):
    content = bytearray(written["killed"].read_bytes())
    assert len(content) > 3 * 32_768
    content[40_000] ^= 1
    path = tmp_path / "flipped.wandb"
    path.write_bytes(content)
    run = ss.Run.read(path)
    whole = ss.Run.read(written["killed"])
    assert says(run, "1 blocks do not fit their checksum")
    assert 0.4 * whole.loss.size < run.loss.size < whole.loss.size
    assert set(run.column("loss").step) < set(whole.column("loss").step)


@pytest.mark.parametrize(
    "content", [b":W&B\xe1\xbe\x00", b":W&B", b":W&B" + b"\xff" * 40_000, b":W&B\xe1\xbe\x00" + b"\0" * 70_000]
)
def test_a_record_without_a_number_is_refused_by_its_name(tmp_path, content):
    path = tmp_path / "run-empty.wandb"
    path.write_bytes(content)
    with pytest.raises(ss.UnreadableRun, match="run-empty"):
        ss.Run.read(path)


@settings(max_examples=40)
@given(cut=st.integers(0, 200_000), flips=st.lists(st.tuples(st.integers(7, 60_000), st.integers(0, 7)), max_size=6))
def test_whatever_is_cut_off_or_flipped_what_is_read_was_logged(written, tmp_path_factory, cut, flips):
    whole = ss.Run.read(written["own-clock"])
    content = bytearray(written["own-clock"].read_bytes()[: cut + 7])
    for at, bit in flips:
        if at < len(content):
            content[at] ^= 1 << bit
    path = tmp_path_factory.getbasetemp() / "fuzzed.wandb"
    path.write_bytes(content)
    try:
        run, says = ss.Run.read(path), ""
    except ss.UnreadableRun as error:
        run, says = None, str(error)
    if run is None:
        assert str(path) in says
        return
    # Of a few rows it cannot be told that this counts steps.
    assert set(run.columns) <= set(whole.columns) | {"train/global_step"}
    seen = run["loss"] if "loss" in run.columns else np.empty(0)
    assert set(seen[np.isfinite(seen)]) <= set(whole.loss)
