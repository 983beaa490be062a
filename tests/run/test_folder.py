"""Folders of runs: every record in them, whatever wrote it, and nothing that is none."""

import json
import os
import struct

import numpy as np
import pytest

import stepsize as ss
from stepsize.run import folder as folders
from stepsize.run import workers
from stepsize.run.readers.crc32c import masked
from stepsize.run.record import read_folder

TABLE = "step,loss,lr\n" + "".join(f"{step},{2 / (step + 1)},0.1\n" for step in range(20))
LINES = "".join(json.dumps({"step": step, "loss": 1.0}) + "\n" for step in range(20))


@pytest.fixture
def runs(tmp_path):
    """A folder as people have them."""

    def write(place, content=TABLE):
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    write("a/metrics.csv")
    write("b/deep/log.jsonl", LINES)
    write("b/deep/model.safetensors", b"\0" * 1000)
    write("b/train.py", "step,loss\n1,2\n")
    write("b/empty.csv", "")
    write(".git/metrics.csv")
    write(".hidden.csv")
    write("b/weights", b"\x80\x02" + bytes(range(256)) * 40)
    return write


def names(path):
    return [run.name for run in ss.Run.read_all(path)]


def test_every_record_is_found_by_content_and_named_by_its_place(runs, tmp_path):
    found, unread = read_folder(tmp_path)
    assert [run.name for run in found] == ["a/metrics.csv", "b/deep/log.jsonl"]
    assert unread == []
    assert [run.loss.size for run in found] == [20, 20]
    assert found[0].source == str(tmp_path / "a/metrics.csv")


def test_what_cannot_be_read_is_said_and_the_others_are_read(runs, tmp_path):
    runs("c/broken.jsonl", '{"step": 1, "loss": 2}\n{"step"\n{"step": 2, "loss": 1}\n')
    runs("c/study.db", b"SQLite format 3\0" + b"\xff" * 3000)
    runs("c/people.csv", "age,height\n1,2\n3,4\n")
    found, unread = read_folder(tmp_path)
    assert {"a/metrics.csv", "b/deep/log.jsonl"} <= {run.name for run in found}
    said = " ".join(map(str, unread))
    assert "study.db" in said
    assert "people.csv: no loss and no learning rate" in said


def test_a_folder_without_a_record_is_refused(tmp_path):
    (tmp_path / "readme.md").write_text("step,loss\n1,2\n")
    with pytest.raises(ss.UnreadableRun, match="no record of a training is in this folder"):
        ss.Run.read_all(tmp_path)
    (tmp_path / "damaged.db").write_bytes(b"SQLite format 3\0" + b"\xff" * 3000)
    with pytest.raises(ss.UnreadableRun, match=r"the first: .*damaged\.db"):
        ss.Run.read_all(tmp_path)


def test_the_only_run_in_a_folder_is_read_and_of_several_one_is_named(runs, tmp_path):
    assert ss.Run.read(tmp_path / "a").loss.size == 20
    assert ss.Run.read(tmp_path, "a/metrics.csv")["lr"].size == 20
    with pytest.raises(ss.UnreadableRun, match=r"holds 2 runs \('a/metrics.csv', 'b/deep/log.jsonl'\)"):
        ss.Run.read(tmp_path)


def test_links_in_a_circle_and_to_the_same_run_are_followed_once(runs, tmp_path):
    os.symlink(tmp_path, tmp_path / "b" / "up")
    os.symlink(tmp_path / "a", tmp_path / "again")
    os.symlink(tmp_path / "nowhere", tmp_path / "broken")
    assert names(tmp_path) == ["a/metrics.csv", "b/deep/log.jsonl"]


def test_a_link_to_a_run_elsewhere_is_followed(runs, tmp_path):
    (tmp_path / "here").mkdir()
    os.symlink(tmp_path / "a", tmp_path / "here" / "linked")
    assert names(tmp_path / "here") == ["linked/metrics.csv"]


def test_no_more_files_are_looked_at_than_allowed_and_that_is_said(runs, tmp_path, monkeypatch):
    monkeypatch.setattr(folders, "MOST", 3)
    _, unread = read_folder(tmp_path)
    assert "holds more than 3 files" in str(unread[0])


def events(*losses):
    """A file of TensorBoard's with a loss; test_tensorboard_reader.py has the writers."""

    def field(number, body):
        return bytes([number << 3 | 2, len(body)]) + body

    def record(message):
        length = struct.pack("<Q", len(message))
        return length + struct.pack("<I", masked(length)) + message + struct.pack("<I", masked(message))

    points = [field(1, b"loss") + b"\x15" + struct.pack("<f", loss) for loss in losses]
    return b"".join(record(b"\x10" + bytes([step]) + field(5, field(1, point))) for step, point in enumerate(points))


def test_events_of_several_runs_are_found_beside_other_records(runs, tmp_path):
    for place in ("tb/one", "tb/two", "keras/train", "keras/validation"):
        runs(f"{place}/events.out.tfevents.1.host", events(2.0, 1.0, 0.5))
    found = {run.name: run for run in ss.Run.read_all(tmp_path)}
    assert list(found) == ["a/metrics.csv", "b/deep/log.jsonl", "keras", "tb/one", "tb/two"]
    assert {"loss", "val_loss"} <= set(found["keras"].columns)


def test_workers_read_what_one_process_reads(runs, tmp_path, monkeypatch):
    for index in range(6):
        runs(f"more/{index}.csv", TABLE.replace("0.1", str(index)))
    runs("more/broken.db", b"SQLite format 3\0" + b"\xff" * 3000)
    alone, left = read_folder(tmp_path)
    monkeypatch.setattr(workers, "ENOUGH", 0)
    monkeypatch.setattr(workers.os, "cpu_count", lambda: 2)
    together, out = read_folder(tmp_path)
    assert [run.name for run in together] == [run.name for run in alone]
    assert list(map(str, out)) == list(map(str, left))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one.loss, other.loss)


def test_what_a_worker_that_dies_had_is_read_all_the_same(runs, tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "ENOUGH", 0)
    monkeypatch.setattr(workers.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(workers, "PROGRAM", "import os; os._exit(9)")
    assert names(tmp_path) == ["a/metrics.csv", "b/deep/log.jsonl"]
