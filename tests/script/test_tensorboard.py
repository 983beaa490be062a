"""TensorBoard's events, as real writers write them, and as anything else may damage them."""

import json
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import stepsize as ss
from stepsize.run.column import column
from stepsize.run.readers import tensorboard
from stepsize.run.readers.names import by_house_names, house_name
from tests.wire import field, record, varint


def scalar(step, tag, value):
    point = field(1, tag.encode()) + varint(2 << 3 | 5) + struct.pack("<f", value)
    return record(varint(1 << 3 | 1) + struct.pack("<d", 1.0) + field(2, step) + field(5, field(1, point)))


VERSION = record(varint(1 << 3 | 1) + struct.pack("<d", 1.0) + field(3, b"brain.Event:2"))


@pytest.fixture
def events(tmp_path):
    def write(content, name="events.out.tfevents.1.host"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    return write


def test_every_writer_s_scalars_are_what_tensorboard_reads(written):
    read = json.loads((written / "read.json").read_text())
    assert read.keys() == {"torch", "tensorboard", "tf/train", "tf/validation", "v1"}
    for place, tags in read.items():
        columns = ss.Run.read(written / place).columns
        assert columns.keys() == {house_name(tag) for tag in tags}
        for tag, points in tags.items():
            steps, values = zip(*points, strict=True)
            assert columns[house_name(tag)].step.tolist() == list(steps)
            np.testing.assert_array_equal(columns[house_name(tag)].value, values)


def test_the_folders_of_a_run_are_part_of_the_names(written):
    run = ss.Run.read(written / "tf")
    assert run.column("val_loss").step.tolist() == [6]
    assert run.loss[0] == 1.5
    assert "train/whole" in run.columns


def test_a_file_is_known_by_its_content_and_a_folder_by_what_is_in_it(events, tmp_path):
    path = events(VERSION + scalar(3, "loss", 0.5), "anything")
    assert ss.Run.read(path).column("loss").step.tolist() == [3]
    assert ss.Run.read(tmp_path).name == "anything"  # the only record beneath it
    events(scalar(4, "loss", 0.5), "a/b/events.out.tfevents.9")
    assert ss.Run.read(tmp_path).column("loss").step.tolist() == [4]


CURVE = VERSION + b"".join(scalar(step, "loss", 1 / (step + 1)) for step in range(20))


@pytest.mark.parametrize("cut", [1, 5, 30, len(scalar(0, "loss", 1.0)) - 1])
def test_a_last_record_that_was_cut_off_is_left_out(events, cut):
    assert ss.Run.read(events(CURVE[:-cut])).column("loss").step.tolist() == list(range(19))


def test_damage_elsewhere_is_refused_with_its_place(events):
    for at in (len(VERSION), len(VERSION) + 9, len(CURVE) - 20):
        damaged = bytearray(CURVE)
        damaged[at] ^= 1
        with pytest.raises(ss.UnreadableRun, match=r"tfevents.*byte \d+: damaged"):  # no guess is made of a metric
            tensorboard.read_scalars(events(bytes(damaged)))


@pytest.mark.parametrize(
    "message", [b"\xff", field(5, field(1, b"\x0a\x50x")), field(2, b"x") + field(5, b"\x08"), b"\x0b"]
)
def test_a_message_that_is_no_event_is_refused(events, message):
    with pytest.raises(ss.UnreadableRun, match=r"not a TensorBoard event|without any scalar"):
        ss.Run.read(events(VERSION + record(message)))


def test_a_picture_is_passed_over_unread(events):
    big = record(field(5, field(1, field(1, b"image") + field(4, bytes(2**21)))))
    run = ss.Run.read(events(scalar(0, "loss", 2.0) + big + scalar(1, "loss", 1.0)))
    assert run.loss.tolist() == [2.0, 1.0]


def test_a_resumed_training_takes_back_the_steps_it_makes_again(events, tmp_path):
    events(b"".join(scalar(step, "loss", 1.0) for step in range(10)), "events.out.tfevents.1")
    events(b"".join(scalar(step, "loss", 2.0) for step in range(7, 12)), "events.out.tfevents.2")
    run = ss.Run.read(tmp_path)
    assert run.column("loss").step.tolist() == list(range(12))
    assert run.loss.tolist() == [1.0] * 7 + [2.0] * 5


def test_a_writer_that_was_given_no_step_counts_its_values(events):
    run = ss.Run.read(events(b"".join(scalar(0, "loss", float(k)) for k in range(4))))
    assert run.column("loss").step.tolist() == [0, 1, 2, 3]


def test_a_negative_step_and_one_beyond_32_bits_are_kept(events):
    run = ss.Run.read(events(scalar(2**64 - 3, "loss", 1.0) + scalar(2**40, "loss", 1.0)))
    assert run.column("loss").step.tolist() == [-3, 2**40]


NAMES = {
    "loss": ["loss", "Loss", "train_loss", "train/loss", "Loss/train", "loss/train", "training loss", "epoch_loss"],
    "val_loss": [
        "val_loss",
        "val/loss",
        "loss/val",
        "Loss/Valid",
        "eval_loss",
        "validation/epoch_loss",
        "valLoss",
        "dev-loss",
    ],
    "lr": ["lr", "learning_rate", "train/learning_rate", "LearningRate"],
}


@pytest.mark.parametrize("house", NAMES)
def test_names_of_one_thing_are_one_name(house):
    assert {house_name(tag) for tag in NAMES[house]} == {house}


@pytest.mark.parametrize("tag", ["test_loss", "loss_dice", "accuracy", "val_acc", "loss/test", "glossy", "lr-abs", ""])
def test_other_names_stay(tag):
    assert house_name(tag) == tag


def test_of_several_for_one_name_the_exact_or_the_longest_wins_and_none_is_lost():
    def seen(count):
        return column([*range(count)], [1.0] * count)

    named = by_house_names(
        {"train_loss_epoch": seen(2), "train_loss_step": seen(9), "val_loss": seen(1), "val/loss": seen(5)}
    )
    assert {name: c.step.size for name, c in named.items()} == {
        "loss": 9,
        "train_loss_epoch": 2,
        "val_loss": 1,
        "val/loss": 5,
    }
    assert by_house_names({"a/loss": seen(3), "train_loss": seen(3)}, "train_loss").keys() == {
        "a/loss",
        "loss",
        "train_loss",
    }


@given(
    st.lists(st.binary(max_size=60).map(record) | st.sampled_from([VERSION, scalar(1, "loss", 1.0)]), max_size=6),
    st.binary(max_size=9),
)
def test_any_records_are_a_run_or_unreadable(tmp_path_factory, records, rest):
    path = tmp_path_factory.getbasetemp() / "records"
    path.write_bytes(VERSION + b"".join(records) + rest)
    try:
        columns = ss.Run.read(path).columns
    except ss.UnreadableRun as error:
        columns, said = {}, str(error)
    else:
        said = str(path)
    assert str(path) in said
    assert all(c.step.size == c.value.size > 0 for c in columns.values())


@given(st.data())
def test_a_damaged_byte_or_a_cut_is_a_run_or_unreadable(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "damaged"
    content = bytearray(CURVE[: data.draw(st.integers(0, len(CURVE)))])
    for at in data.draw(st.lists(st.integers(0, max(0, len(content) - 1)), max_size=3)):
        if content:
            content[at] = data.draw(st.integers(0, 255))
    path.write_bytes(bytes(content))
    try:
        run = ss.Run.read(path)
    except ss.UnreadableRun:
        return
    assert set(run.loss.tolist()) <= {struct.unpack("<f", struct.pack("<f", 1 / (k + 1)))[0] for k in range(20)}
