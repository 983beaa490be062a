"""A run as a value, and the records of others as runs."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import stepsize as ss
from stepsize.run import Column

LOSSES = [2.0, 1.0, 0.5]
RATES = [0.1, 0.2, 0.1]


def run_of(values, outcome="finished"):
    return ss.Run({"loss": Column(np.arange(len(values)), np.array(values, dtype=float))}, outcome)


@pytest.fixture
def record(tmp_path):
    def write(content):
        path = tmp_path / "record"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def test_the_end_of_a_metric_seen_a_few_times_is_its_last_value():
    assert run_of(range(19)).final("loss") == 18


def test_the_end_of_a_noisy_metric_is_the_mean_of_its_last_twentieth():
    assert run_of(range(200)).final("loss") == np.mean(range(190, 200))


@pytest.mark.parametrize("outcome", ["diverged", "failed"])
def test_the_end_of_a_lost_run_is_infinite(outcome):
    assert run_of([1.0], outcome).final("loss") == math.inf
    assert run_of([], outcome).final("val_loss") == math.inf


@pytest.mark.parametrize("last", [math.nan, math.inf, -math.inf])
def test_an_end_that_is_not_finite_is_infinite(last):
    assert run_of([1.0, last]).final("loss") == math.inf


def test_a_stopped_run_has_an_end():
    assert run_of([3.0, 2.0], "stopped").final("loss") == 2.0


def test_asking_for_what_was_not_seen_lists_what_was():
    with pytest.raises(ss.InvalidSpace, match="no 'val_loss'; it reported loss"):
        run_of([1.0]).final("val_loss")
    with pytest.raises(ss.InvalidSpace, match="reported nothing"):
        _ = ss.Run({})["loss"]


def test_updates_count_from_the_last_step_seen():
    assert run_of([1.0] * 5).updates == 5
    assert ss.Run({}).updates == 0
    assert ss.Run({"val_loss": Column(np.array([9, 99]), np.array([1.0, 2.0]))}).updates == 100


SEPARATED = "step{0}loss{0}lr\n0{0}2.0{0}0.1\n10{0}1.0{0}0.2\n20{0}0.5{0}0.1\n"
LINES = "".join(
    json.dumps({"step": 10 * i, "loss": loss, "lr": lr, "note": "x"}) + "\n"
    for i, (loss, lr) in enumerate(zip(LOSSES, RATES, strict=True))
)


@pytest.mark.parametrize(
    "content",
    [
        SEPARATED.format(","),
        SEPARATED.format("\t"),
        SEPARATED.format(",").replace("\n", "\r\n"),
        "\n" + SEPARATED.format("\t"),
        b"\xef\xbb\xbf" + SEPARATED.format(",").encode(),
        SEPARATED.format(",").encode("utf-16"),
        SEPARATED.format(",").replace("loss", "train/loss").replace("lr", "learning_rate"),
        SEPARATED.format(",") + "30,,\n",
        LINES,
        LINES + '{"step": 30, "loss": 0.2',
        LINES.replace("\n", "\n\n"),
        LINES.replace('"x"', '"line\u2028separator"'),
        b"\xef\xbb\xbf" + LINES.encode(),
    ],
    ids=range(13),
)
def test_a_record_is_read_by_its_content(record, content):
    run = ss.Run.read(record(content))
    assert run.loss.tolist() == LOSSES
    assert run["lr"].tolist() == RATES
    assert run.column("loss").step.tolist() == [0, 10, 20]
    assert run.source.endswith("record")


def test_without_a_clock_rows_count_from_zero(record):
    run = ss.Run.read(record("loss,lr\n2.0,0.1\n1.0,0.2\n"))
    assert run.column("loss").step.tolist() == [0, 1]


def test_values_that_are_not_finite_are_kept_because_they_tell(record):
    run = ss.Run.read(record('{"step": 0, "loss": NaN}\n{"step": 1, "loss": 1e999}\n'))
    assert [math.isnan(run.loss[0]), run.loss[1]] == [True, math.inf]


@pytest.mark.parametrize("step", ["nan", "inf", "1e300", "-1e400", "soon", ""])
def test_a_row_whose_step_is_no_step_is_left_out(record, step):
    run = ss.Run.read(record(f"step,loss\n0,2.0\n{step},1.0\n"))
    assert run.loss.tolist() == [2.0]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "no reader recognises"),
        ("\n\n", "no reader recognises"),
        ("hello", "no reader recognises"),
        ("1,2\n3,4\n", "no reader recognises"),
        (b"\x00" * 5_000, "no reader recognises"),
        (b"\x89PNG\r\n\x1a\n\x00\xff\xfe", "no reader recognises"),
        (b"PK\x03\x04\x14\x00\x08\x00step,loss\n\x00,\x01", "no reader recognises"),
        ("step,loss\n", "no column of numbers"),
        ("step,loss\n1,\n", "no column of numbers"),
        ("Dear reader, welcome\nto this, my letter\n", "no reader recognises"),
        ('step,loss\n1,"' + "x" * 200_000, "values"),
        ("{\n", "line 1"),
        ('{"loss": 1}\n{"loss":\n{"loss":\n', "line 2"),
        ('{"loss": 1}\n{"loss":\n[1]\n[1]\n', "line 2"),
        ('{"note": "a"}\n', "no column of numbers"),
        ('{"loss": ' + "[" * 100_000, "line 1"),
        ('{"loss": ' + "9" * 5_000 + "}\n", "line 1"),
        ('{"loss": 1' + "0" * 400 + "}\n", "no column of numbers"),
    ],
    ids=range(18),
)
def test_what_is_no_record_is_refused_by_its_name(record, content, says):
    path = record(content)
    with pytest.raises(ss.UnreadableRun, match=says) as refused:
        ss.Run.read(path)
    assert str(path) in str(refused.value)


def test_what_is_no_file_is_refused_by_its_name(tmp_path):
    for path in (tmp_path, tmp_path / "missing.csv"):
        with pytest.raises(ss.UnreadableRun, match=path.name):
            ss.Run.read(path)


pieces = st.sampled_from([b"step", b"loss", b",", b"\t", b"\n", b'"', b"{", b"}", b":", b"1e999", b"-3", b"nan"])


@given(st.lists(pieces | st.binary(max_size=4), max_size=30).map(b"".join))
def test_any_bytes_are_a_run_or_unreadable(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "fuzzed"
    path.write_bytes(content)
    try:
        run = ss.Run.read(path)
    except ss.UnreadableRun as error:
        columns, says = {}, str(error)
    else:
        columns, says = run.columns, ""
    assert columns or says
    assert all(column.step.size == column.value.size > 0 for column in columns.values())


@given(st.lists(st.floats(allow_nan=False), min_size=1, max_size=30))
def test_what_a_loop_logs_as_json_lines_is_read_back_exactly(tmp_path_factory, values):
    path = tmp_path_factory.getbasetemp() / "logged"
    path.write_text("".join(json.dumps({"step": k, "loss": value}) + "\n" for k, value in enumerate(values)))
    assert ss.Run.read(path).loss.tolist() == values
