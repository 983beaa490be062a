"""TensorBoard events read many at a time: the same as one by one, from damaged files, from folders."""

import json
import math
import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import stepsize as ss
from stepsize.run.readers import tfrecord
from stepsize.run.readers.crc32c import crc32c, masked
from stepsize.run.readers.scalars import read_file
from stepsize.run.readers.wire import fields
from tests.wire import field, record, varint


def single(tag, value):
    """As PyTorch writes a scalar."""
    return field(1, tag.encode()) + varint(2 << 3 | 5) + struct.pack("<f", value)


def tensor(tag, value):
    """As tf.summary, Keras and clu do."""
    number = field(1, 1) + field(2, b"") + field(4, struct.pack("<f", value))
    return field(1, tag.encode()) + field(8, number) + field(9, field(1, field(1, b"scalars")))


def whole_number(tag, value):
    """An integer, as TensorFlow writes one that is not packed into bytes."""
    return field(1, tag.encode()) + field(8, field(1, 9) + field(2, b"") + field(10, varint(value)))


def text(tag, value):
    words = field(1, 7) + field(8, b"x" * int(abs(value)) if math.isfinite(value) else b"")
    return field(1, tag.encode()) + field(8, words) + field(9, field(1, field(1, b"text")))


def event(step, *points, time=1.7e9):
    counted = field(2, step % 2**64) if step else b""
    return varint(1 << 3 | 1) + struct.pack("<d", time) + counted + field(5, b"".join(field(1, p) for p in points))


VERSION = record(varint(1 << 3 | 1) + struct.pack("<d", 1.0) + field(3, b"brain.Event:2"))
NAME = "events.out.tfevents.1700000000.host"


@pytest.fixture
def events(tmp_path):
    def write(content, name=NAME):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    return write


def curve(tag="loss", count=20, first=0, form=single):
    return b"".join(record(event(first + k, form(tag, 1 / (first + k + 1)))) for k in range(count))


def float32(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


numbers = st.floats(width=32)
tags = st.sampled_from(["loss", "lrrr", "train/a_longer_name", "ü"])
steps = st.integers(0, 300) | st.integers(-(2**63), 2**63 - 1)
points = st.builds(single, tags, numbers) | st.builds(tensor, tags, numbers)


@st.composite
def files(draw):
    """Events as they come in files, and what they say: (tag, step, value) in their order."""
    content, said = [VERSION], []
    for _ in range(draw(st.integers(1, 30))):
        step, rest = draw(steps), []
        for form in draw(st.lists(st.sampled_from([single, tensor, whole_number, text]), min_size=1, max_size=2)):
            tag = draw(tags)
            value = draw(st.integers(0, 2**40)) if form is whole_number else draw(numbers)
            if form is text:
                value = min(abs(value), 90) if math.isfinite(value) else 0
            else:
                said.append((tag, step, float(value)))
            rest.append(form(tag, value))
        repeats = draw(st.sampled_from([1, 1, 1, 9]))
        time = draw(st.floats(0, 2e9))
        content += repeats * [record(event(step, *rest, time=time))]
        said += (repeats - 1) * said[len(said) - sum(not point.endswith(b"text") for point in rest) :]
    return b"".join(content), said


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(file=files(), size=st.integers(9, 13))
def test_many_at_a_time_are_read_like_one_by_one(tmp_path, monkeypatch, file, size):
    content, said = file
    monkeypatch.setattr(tfrecord, "CHUNK", 2**size)
    monkeypatch.setattr(tfrecord, "SKIPPED", 2**size - 32)
    path = tmp_path / NAME
    path.write_bytes(content)
    found = read_file(path)
    assert found.damage.count == 0
    for tag in {tag for tag, *_ in said}:
        expected = [(step, value) for name, step, value in said if name == tag]
        assert found.scalars[tag][0].tolist() == [step for step, _ in expected]
        np.testing.assert_array_equal(found.scalars[tag][1], [value for _, value in expected])
    assert found.scalars.keys() == {tag for tag, *_ in said}


@pytest.mark.parametrize("form", [single, tensor])
def test_tags_in_turn_over_all_widths_of_a_step(events, form):
    steps = [*range(400), *range(16_300, 16_500), *range(2**21 - 50, 2**21 + 50)]
    tags = ("a/b", "another", "a third one")
    content = b"".join(record(event(s, form(tag, s + k))) for s in steps for k, tag in enumerate(tags))
    run = ss.Run.read(events(VERSION + content))
    for k, tag in enumerate(tags):
        assert run.column(tag).step.tolist() == steps
        assert run[tag].tolist() == [float32(s + k) for s in steps]
    assert run.notes == ()


def test_nan_and_infinity_are_kept(events):
    values = [1.0, math.nan, math.inf, -math.inf] * 5
    path = events(b"".join(record(event(k, single("loss", value))) for k, value in enumerate(values)))
    np.testing.assert_array_equal(ss.Run.read(path).loss, values)


def test_checksums_are_those_of_the_standard():
    # RFC 3720, B.4
    assert crc32c(bytes(32)) == 0x8A9136AA
    assert crc32c(b"\xff" * 32) == 0x62A8AB43
    assert crc32c(bytes(range(32))) == 0x46DD794E
    assert crc32c(b"") == 0
    assert crc32c(b"a") == 0xC1D04330


@given(st.binary(max_size=40))
def test_a_message_of_any_bytes_is_fields_or_an_error(message):
    try:
        found = dict(fields(message))
    except (ValueError, IndexError):
        return
    assert all(isinstance(value, int | bytes) for value in found.values())


LONG = VERSION + curve(count=60)


@pytest.mark.parametrize("at", range(len(VERSION), len(LONG) - 60, 37))
def test_a_flipped_bit_costs_one_record_and_is_told(events, at):
    damaged = bytearray(LONG)
    damaged[at] ^= 4
    run = ss.Run.read(events(bytes(damaged)))
    lost = set(range(60)) - set(run.column("loss").step.tolist())
    assert len(lost) == 1
    assert run.loss.tolist() == [float32(1 / (k + 1)) for k in run.column("loss").step.tolist()]
    (note,) = run.notes
    assert f"{NAME}, byte " in note
    begun = int(note.split("byte ")[1].split(":")[0])
    assert begun <= at < begun + 60


@pytest.mark.parametrize("size", [1, 7, 30, 200])
def test_behind_bytes_that_are_missing_the_chain_is_found_again(events, size):
    run = ss.Run.read(events(LONG[:1000] + LONG[1000 + size :]))
    assert 60 - run.loss.size <= 2 + size / 40
    assert run.column("loss").step[-1] == 59
    assert "damaged" in run.notes[0]


def test_behind_bytes_that_do_not_belong_there_the_chain_is_found_again(events, monkeypatch):
    monkeypatch.setattr(tfrecord, "CHUNK", 2**12)
    monkeypatch.setattr(tfrecord, "SKIPPED", 2**11)
    strange = np.random.default_rng(0).integers(0, 256, 20_000, dtype=np.uint8).tobytes()
    run = ss.Run.read(events(VERSION + curve(count=30) + strange + curve(count=30, first=30)))
    assert run.column("loss").step.tolist() == list(range(60))
    assert f"byte {len(VERSION) + len(curve(count=30))}" in run.notes[0]


@pytest.mark.parametrize("length", [2**60, 2**64 - 1, 2**31])
def test_a_length_beyond_the_file_with_a_right_checksum_is_damage_where_the_file_goes_on(events, length):
    head = struct.pack("<Q", length)
    claim = head + struct.pack("<I", masked(head))
    run = ss.Run.read(events(VERSION + curve(count=5) + claim + curve(count=5, first=5)))
    assert run.column("loss").step.tolist() == list(range(10))
    assert f"byte {len(VERSION) + len(curve(count=5))}" in run.notes[0]
    assert ss.Run.read(events(VERSION + curve(count=5) + claim + b"\x08")).notes == ()  # it is being written


@pytest.mark.parametrize("cut", [1, 5, 30, 40])
def test_a_tail_that_is_being_written_is_left_out_silently(events, cut):
    run = ss.Run.read(events(LONG[:-cut]))
    assert run.column("loss").step.tolist() == list(range(59))
    assert run.notes == ()


def test_what_is_read_of_a_growing_file_only_grows(events):
    seen = -1
    for end in range(len(VERSION) + 60, len(LONG), 61):
        size = ss.Run.read(events(LONG[:end])).loss.size
        assert size >= seen
        seen = size
    assert seen >= 57


def test_a_long_record_is_passed_over_and_one_with_a_scalar_is_read(events):
    big = record(event(3, single("x" * 70_000, 2.0)))
    picture = record(field(5, field(1, field(1, b"image") + field(4, bytes(2**21)))))
    run = ss.Run.read(events(curve(count=3) + big + picture + curve(count=3, first=3)))
    assert run.column("loss").step.tolist() == list(range(6))
    assert run["x" * 70_000].tolist() == [2.0]
    assert run.notes == ()


@pytest.mark.parametrize("content", [VERSION, VERSION + record(b"\xff" * 9), VERSION + curve()[3:40]])
def test_nothing_to_read_is_an_error_with_its_file(events, content):
    path = events(content)
    with pytest.raises(ss.UnreadableRun, match="without any scalar") as error:
        ss.Run.read(path)
    assert str(path) in str(error.value)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(data=st.data(), size=st.integers(8, 13))
def test_whatever_happens_to_a_file_it_is_a_run_or_unreadable(tmp_path, monkeypatch, data, size):
    monkeypatch.setattr(tfrecord, "CHUNK", 2**size)
    monkeypatch.setattr(tfrecord, "SKIPPED", 2**size - 32)
    content = bytearray(MIXED[: data.draw(st.integers(0, len(MIXED)))])
    for at in data.draw(st.lists(st.integers(0, max(0, len(content) - 1)), max_size=5)):
        content[at : at + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=9))
    path = tmp_path / NAME
    path.write_bytes(bytes(content))
    try:
        run = ss.Run.read(path)
    except ss.UnreadableRun:
        return
    right = {float32(1 / (k + 1)) for k in range(30)}
    for column in run.columns.values():
        assert column.step.size == column.value.size > 0
        assert set(column.value.tolist()) <= right


@given(st.binary(max_size=300))
def test_any_bytes_behind_a_beginning_are_a_run_or_unreadable(tmp_path_factory, rest):
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes(VERSION + rest)
    with pytest.raises(ss.UnreadableRun):  # no scalar comes about by chance
        ss.Run.read(path)


MIXED = VERSION + curve(count=30) + curve("lr", 30, form=tensor) + record(event(2, text("words", 50))) + curve("b", 30)


def test_folders_side_by_side_are_runs_of_their_own(events, tmp_path):
    for name in ("a", "b/deeper"):
        events(curve(count=5), f"{name}/{NAME}")
    runs = ss.Run.read_all(tmp_path)
    assert [run.name for run in runs] == ["a", "b/deeper"]
    assert [run.loss.size for run in runs] == [5, 5]
    with pytest.raises(ss.UnreadableRun, match="2 runs"):
        ss.Run.read(tmp_path)
    assert ss.Run.read(tmp_path, "a").loss.size == 5


def test_train_and_validation_are_one_run_also_beside_others(events, tmp_path):
    for home in ("", "other/"):
        events(curve("epoch_loss", 5), f"{home}train/{NAME}")
        events(curve("epoch_loss", 5), f"{home}validation/{NAME}")
    other, here = ss.Run.read_all(tmp_path)
    assert (here.name, other.name) == (tmp_path.name, "other")
    for run in (here, other, ss.Run.read(tmp_path / "other")):
        assert set(run.columns) == {"loss", "val_loss"}
        assert run.column("val_loss").clock == "epoch"


def test_folders_within_a_run_are_part_of_it(events, tmp_path):
    events(curve(count=5), NAME)
    events(curve("hparam/accuracy", 1), f"1700000001.25/{NAME}")
    run = ss.Run.read(tmp_path)
    assert set(run.columns) == {"loss", "1700000001.25/hparam/accuracy"}
    assert ss.Run.read(events(curve(count=5), f"logs/version_0/{NAME}").parent.parent).loss.size == 5


def test_a_resumed_training_says_what_it_takes_back(events, tmp_path):
    events(curve(count=10), "events.out.tfevents.1")
    events(curve(count=5, first=7), "events.out.tfevents.2")
    run = ss.Run.read(tmp_path)
    assert run.column("loss").step.tolist() == list(range(12))
    assert "3 of its values are left out" in run.notes[0]


def test_tensorboard_s_sampling_is_told_where_it_would_sample(events):
    few = VERSION + curve(count=10_000)
    many = few + curve(count=1, first=10_000)
    assert ss.Run.read(events(few)).notes == ()
    (note,) = ss.Run.read(events(many)).notes
    assert "10,001" in note


def test_a_writer_without_steps_is_on_the_clock_of_its_rows(events):
    run = ss.Run.read(events(b"".join(record(event(0, single("loss", float(k)))) for k in range(4))))
    assert run.column("loss").clock == "row"
    assert run.column("loss").step.tolist() == [0, 1, 2, 3]
    assert "no step" in run.notes[0]


def test_steps_that_go_back_are_sorted_or_counted(events):
    late = b"".join(record(event(k, single("loss", float(k)))) for k in (0, 1, 3, 2, 4))
    run = ss.Run.read(events(late))
    assert run.loss.tolist() == [0, 1, 2, 3, 4]
    assert "sorted" in run.notes[0]
    run = ss.Run.read(events(3 * curve(count=5)))
    assert run.column("loss").clock == "row"
    assert run.column("loss").step.tolist() == list(range(15))


def test_hparams_and_arguments_become_settings(events):
    number = varint(2 << 3 | 1) + struct.pack("<d", 0.01)
    pairs = field(1, field(1, b"lr") + field(2, number)) + field(1, field(1, b"optimizer") + field(2, field(3, b"SGD")))
    plugin = field(9, field(1, field(1, b"hparams") + field(2, field(3, pairs))))
    hparams = record(event(0, field(1, b"_hparams_/session_start_info") + plugin))
    run = ss.Run.read(events(hparams + curve()))
    assert run.settings == {"lr": 0.01, "optimizer": "SGD"}
    stated = json.dumps({"max_steps": 500, "learning_rate": 3e-4, "optim": "adamw_torch"}).encode()
    words = field(8, field(1, 7) + field(8, stated)) + field(9, field(1, field(1, b"text")))
    run = ss.Run.read(events(record(event(0, field(1, b"args/text_summary") + words)) + curve()))
    assert run.steps == 500
    assert run.settings["lr"] == 3e-4


def test_what_pytorch_writes_comes_back(written):
    run = ss.Run.read(written / "training")
    assert run.column("loss").step.tolist() == list(range(0, 900, 3))
    assert run.loss.tolist() == [float32(1 / (step + 1)) for step in range(0, 900, 3)]
    assert run["lr"].tolist() == [float32(1e-3 * step) for step in range(0, 900, 3)]
    assert run.settings == {"lr": 0.1, "optimizer": "adam"}
    assert {"both_a/both", "both_b/both"} <= run.columns.keys()
    assert run.notes == ()


def test_what_keras_writes_comes_back(written):
    history = json.loads((written / "keras.json").read_text())
    run = ss.Run.read(written / "keras")
    assert run.column("val_loss").step.tolist() == [2, 4, 6, 8]  # as updates: Keras writes it twice
    np.testing.assert_allclose(run["val_loss"], history["val_loss"], rtol=1e-6)
    assert run.column("train/epoch_loss").clock == "epoch"
    assert run.column("train/epoch_loss").step.tolist() == [0, 1, 2, 3]
    np.testing.assert_allclose(run["train/epoch_loss"], history["loss"], rtol=1e-6)
    assert (run.column("loss").clock, run.loss.size) == ("step", 8)
