"""JSON lines, Keras's History and Hugging Face's trainer_state.json, as their writers write them and worse."""

import gzip
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import stepsize as ss

ROWS = [{"step": 10 * k, "loss": 2.0 / (k + 1), "lr": 0.1} for k in range(20)]
JUNK = st.sampled_from(
    [b"{", b"}", b"[", b"]", b'"loss"', b":", b",", b"\n", b"NaN", b"1e999", b"null", b'"step"', b"7"]
)
CONFIG = {"learning_rate": 0.1, "batch_size": 64, "optimizer": "adamw", "max_steps": 1000}


@pytest.fixture
def record(tmp_path):
    def write(content, name="record"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def lines(rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


def said(run, words):
    return [note for note in run.notes if words in note]


@pytest.mark.parametrize(
    "content",
    [
        lines(ROWS),
        json.dumps(ROWS),
        json.dumps(ROWS, indent=1),
        "".join(f"{row}\n" for row in ROWS),
        lines([{"step": row["step"], "train": {"loss": row["loss"], "lr": row["lr"]}} for row in ROWS]),
        lines([{name: str(value) for name, value in row.items()} for row in ROWS]),
        json.dumps({"run": "a", "metrics": ROWS}),
        json.dumps({name: [row[name] for row in ROWS] for name in ROWS[0]}, indent=1),
        gzip.compress(lines(ROWS).encode()),
        ("\ufeff" + lines(ROWS)).encode("utf-16-le"),
    ],
    ids=["lines", "list", "indented", "python", "nested", "strings", "rows", "lists", "gzip", "utf16"],
)
def test_every_spelling_of_the_same_rows_is_the_same_run(record, content):
    run = ss.Run.read(record(content))
    assert run.loss.tolist() == [row["loss"] for row in ROWS]
    assert run.column("loss").step.tolist() == [row["step"] for row in ROWS]
    assert run["lr"].tolist() == [0.1] * 20
    assert {column.clock for column in run.columns.values()} == {"step"}


def test_a_broken_line_in_the_middle_is_left_out_and_said(record):
    broken = lines(ROWS[:5]) + '{"step": 50, "lo\x00ss\n' + "Traceback\n" + lines(ROWS[5:])
    run = ss.Run.read(record(broken))
    assert run.loss.size == 20
    assert said(run, "2 lines that are no JSON objects were left out, the first of them line 6")


def test_a_line_that_a_kill_cut_off_is_left_out(record):
    run = ss.Run.read(record(lines(ROWS)[:-9]))
    assert run.loss.size == 19
    assert said(run, "line, 20, is cut off")


def test_a_list_that_was_cut_off_is_read_so_far(record):
    run = ss.Run.read(record(json.dumps(ROWS)[:-30]))
    assert run.loss.tolist() == [row["loss"] for row in ROWS[:19]]
    assert said(run, "cut off")


def test_what_is_mostly_no_objects_is_refused_at_its_first_wrong_line(record):
    with pytest.raises(ss.UnreadableRun, match=r"line 2: expected a JSON object, found '{bad'"):
        ss.Run.read(record('{"loss": 1}\n{bad\n{worse\n'))


def test_null_is_nan_where_no_loss_is_known_and_nothing_where_another_is(record):
    rows = [{"step": 0, "loss": 1.0, "val_loss": None}, {"step": 1, "loss": None}, {"step": 2, "loss": math.inf}]
    run = ss.Run.read(record(lines(rows)))
    assert run.column("loss").step.tolist() == [0, 1, 2]
    assert math.isnan(run.loss[1])
    assert run.loss[2] == math.inf
    assert "val_loss" not in run.columns


def test_a_first_line_of_settings_is_no_row(record):
    run = ss.Run.read(record(lines([{"config": CONFIG}, *ROWS])))
    assert run.settings == {"lr": 0.1, "batch_size": 64, "optimizer": "adamw"}
    assert run.steps == 1000
    assert run.loss.size == 20


def test_rows_that_name_their_part_of_the_data_are_kept_apart(record):
    rows = [row | {"split": "train"} for row in ROWS] + [{"step": 95, "split": "val", "loss": 9.0}]
    run = ss.Run.read(record(lines(rows)))
    assert run.loss.tolist() == [row["loss"] for row in ROWS]
    assert run.column("val_loss").step.tolist() == [95]


def test_detectron2_metrics_are_iterations_and_medians(record):
    rows = [
        {"eta_seconds": 9.0, "iteration": 20 * k + 19, "lr": 1e-3, "total_loss": 1.0, "loss_cls": 0.4} for k in range(9)
    ]
    run = ss.Run.read(record(lines(rows), "metrics.json"))
    assert run.column("loss").step.tolist() == list(range(19, 199, 20))
    assert run["loss_cls"][0] == 0.4
    assert said(run, "median of the last 20 iterations")


def test_the_iterations_of_mmcv_begin_anew_in_every_epoch(record):
    rows = [{"mode": "train", "epoch": e, "iter": k, "lr": 0.1, "loss": 1.0} for e in (1, 2) for k in (50, 100)]
    val = {"mode": "val", "epoch": 2, "iter": 500, "lr": 0.1, "bbox_mAP": 0.3}
    run = ss.Run.read(record(lines([{"env_info": "CUDA", "seed": None}, *rows, val])))
    assert run.column("loss").step.tolist() == [50, 100, 150, 200]
    # the iter of a validation is its own
    assert run.column("bbox_mAP").step.tolist() == [200]


def test_a_loss_of_another_name_is_read_as_the_loss_and_said(record):
    run = ss.Run.read(record(lines([{"step": k, "mlm_loss": 1.0 / (k + 1)} for k in range(5)])))
    assert run.loss.tolist() == [1.0 / (k + 1) for k in range(5)]
    assert said(run, "'mlm_loss' was read as it")


@given(
    st.sampled_from(
        [b'{"step": 1, "loss": 2}\n', b'[{"loss": 1},', b'{"log_history": [{"step": 1, "loss": 2}', b'{"loss": [1, 2']
    ),
    st.lists(JUNK | st.binary(max_size=3), max_size=40).map(b"".join),
)
def test_any_json_like_bytes_are_a_run_or_unreadable(tmp_path_factory, begin, content):
    path = tmp_path_factory.getbasetemp() / "json_like"
    path.write_bytes(begin + content)
    try:
        columns, refused = ss.Run.read(path).columns, ""
    except ss.UnreadableRun as error:
        columns, refused = {}, str(error)
    assert columns or str(path) in refused
    assert all(column.step.size == column.value.size > 0 for column in columns.values())
    assert all(np.all(np.diff(column.step) > 0) for column in columns.values())


@pytest.mark.parametrize(
    "value", ["[" * 100_000, '{"a":' * 5_000, "9" * 5_000, "1" + "0" * 400, '"' + "x" * 100_000 + '"']
)
def test_strange_values_cost_their_row_alone(record, value):
    run = ss.Run.read(record(lines(ROWS) + f'{{"step": 200, "loss": {value}}}\n' + lines([{"step": 210, "loss": 0.5}])))
    assert run.loss.size == 21


def test_the_same_name_twice_counts_once(record):
    assert ss.Run.read(record('{"step": 1, "loss": 1, "loss": 2}\n')).loss.tolist() == [2.0]


@pytest.mark.parametrize(
    "text",
    [
        '[{"file": "a", "bytes": 3}]',
        json.dumps([{"steps": 3, "bytes": k, "note": f"steps={k}, loss 0.{k}"} for k in range(9)], indent=1),
        '[{"epoch": 3, "bytes": 3}]',
        '{"lr": 0.1, "layers": [1, 2]}\n',
    ],
)  # fmt: skip
def test_other_documents_are_no_runs(record, text):
    with pytest.raises(ss.UnreadableRun):
        ss.Run.read(record(text))


# Hugging Face


def test_the_rows_that_the_trainer_prints_hide_nan_too(record):
    rows = "".join(f"{{'loss': {1 / k:.4f}, 'learning_rate': 1e-05, 'epoch': {k / 10}}}\n" for k in range(1, 9))
    run = ss.Run.read(record(rows))
    assert run.column("loss").clock == "row"
    assert said(run, "logging_nan_inf_filter")


def test_what_the_trainer_logs_is_read_back(tmp_path):
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")

    class Line(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(2, 1)

        def forward(self, x, labels):
            return {"loss": torch.nn.functional.mse_loss(self.layer(x), labels)}

    data = [{"x": torch.randn(2), "labels": torch.zeros(1)} for _ in range(32)]
    args = transformers.TrainingArguments(
        output_dir=str(tmp_path), max_steps=12, logging_steps=2, per_device_train_batch_size=8, learning_rate=0.1,
        eval_strategy="steps", eval_steps=4, save_steps=8, report_to=[], use_cpu=True, disable_tqdm=True,
        lr_scheduler_type="linear", dataloader_pin_memory=False,
    )  # fmt: skip
    trainer = transformers.Trainer(Line(), args, train_dataset=data, eval_dataset=data)
    trainer.train()
    trainer.save_state()
    run = ss.Run.read(tmp_path)
    logged = [row for row in trainer.state.log_history if "loss" in row]
    assert run.loss.tolist() == [row["loss"] for row in logged]
    assert run.column("loss").step.tolist() == [2, 4, 6, 8, 10, 12]
    assert run["grad_norm"].tolist() == [row["grad_norm"] for row in logged]
    assert run.column("val_loss").step.tolist() == [4, 8, 12]
    # update k, counted from 1, used the rate 0.1 (1 - (k - 1) / 12), and that is what is logged since 4.51
    assert run["lr"] == pytest.approx([0.1 * (1 - (k - 1) / 12) for k in range(2, 13, 2)])
    assert run.steps == 12
    assert run.settings["batch_size"] == 8
    assert said(run, "logging_nan_inf_filter")
    assert not said(run, "not at the end")
    assert "train_loss" not in run.columns
    half = ss.Run.read(tmp_path / "checkpoint-8" / "trainer_state.json")
    assert said(half, "at update 8 of 12 planned")
    assert half.steps == 12


def state(history, **more):
    return json.dumps(
        {"global_step": 40, "max_steps": 100, "num_train_epochs": 3, "log_history": history} | more, indent=2
    )


HISTORY = [{"epoch": 0.1 * k, "learning_rate": 1e-4, "loss": 1.0 / k, "step": 10 * k} for k in range(1, 5)]


def test_a_hidden_nan_is_suspected_where_it_shows(record):
    zero = ss.Run.read(record(state([*HISTORY, {"loss": 0.0, "step": 50}])))
    assert said(zero, "the loss is exactly 0 at update 50")
    norm = [row | {"grad_norm": math.nan if row["step"] > 20 else 1.0} for row in HISTORY]
    assert said(ss.Run.read(record(state(norm))), "gradient norm is not finite at update 30")
    assert not said(ss.Run.read(record(state(HISTORY))), "hidden NaN looks")


def test_the_mean_over_the_whole_training_is_no_point(record):
    totals = {"epoch": 3.0, "step": 100, "train_loss": 7.0, "train_runtime": 3.5, "total_flos": 1.0}
    run = ss.Run.read(record(state([*HISTORY, totals], global_step=100)))
    assert run.loss.tolist() == [1.0 / k for k in range(1, 5)]
    assert 7.0 not in {value for column in run.columns.values() for value in column.value}


def test_an_old_state_without_its_length_tells_it_by_the_epochs(record):
    run = ss.Run.read(record(state(HISTORY, max_steps=0, epoch=0.4)))
    assert run.steps == 300
    assert said(run, "worked out from the epochs")


def test_a_state_that_was_cut_off_is_read_so_far(record):
    text = state(HISTORY)
    run = ss.Run.read(record(text[: text.rindex('"loss"')]))
    assert run.column("loss").step.tolist() == [10, 20, 30]
    assert said(run, "damaged")


def test_a_state_before_the_first_log_says_so(record):
    with pytest.raises(ss.UnreadableRun, match="nothing was logged yet"):
        ss.Run.read(record(state([])))


# Keras


def test_a_history_is_epochs(record):
    run = ss.Run.read(
        record(json.dumps({"loss": [3.0, 2.0, None, 1.0], "val_loss": [3.0, 2.5], "learning_rate": [0.1] * 4}))
    )
    assert run.column("loss").clock == "epoch"
    assert run.column("loss").step.tolist() == [0, 1, 2, 3]
    assert math.isnan(run.loss[2])
    # validation_freq=2
    assert run.column("val_loss").step.tolist() == [1, 3]
    assert run["lr"].tolist() == [0.1] * 4
    assert run.settings["epochs"] == 4


def test_what_keras_fits_is_read_back(record, tmp_path):
    keras = pytest.importorskip("keras")
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    x, y = np.random.default_rng(0).random((32, 2)), np.ones(32)
    history = model.fit(x, y, epochs=3, verbose=0, validation_split=0.25)
    for document in (history.history, {"params": {"epochs": 3}, "history": history.history}):
        run = ss.Run.read(record(json.dumps(document)))
        assert run.loss.tolist() == history.history["loss"]
        assert run["val_loss"].tolist() == history.history["val_loss"]
        assert run.column("loss").clock == "epoch"


def test_lists_of_unlike_length_are_left_out_and_said(record):
    run = ss.Run.read(record(json.dumps({"step": [0, 5, 9], "loss": [3.0, 2.0, 1.0], "seconds": [1.0, 2.0]})))
    assert run.column("loss").step.tolist() == [0, 5, 9]
    assert said(run, "left out: seconds")
