"""Separated values: as loggers write them, as people do, and as neither should."""

import csv
import json
import math
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import stepsize as ss
from stepsize.run.readers import delimited, megatron, printed, reader_of
from stepsize.run.readers.form import form_of

PLAIN = "CSV with a header line"


@pytest.fixture
def log(tmp_path):
    def write(content, name="log.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def points(run, name):
    column = run.column(name)
    return dict(zip(column.step.tolist(), column.value.tolist(), strict=True))


# Plain tables

TABLE = "iter,tr_loss,rate\n0,2.0,0.1\n10,1.0,0.2\n20,0.5,0.1\n"


@pytest.mark.parametrize(
    "content",
    [
        TABLE,
        TABLE.replace(",", "\t"),
        TABLE.replace(",", ";"),
        TABLE.replace(",", "|"),
        TABLE.replace(",", "   "),
        TABLE.replace(",", ";").replace(".", ","),
        TABLE.replace("\n", "\r\n"),
        TABLE.replace("\n", "\r"),
        TABLE.replace("\n", "\n\n"),
        TABLE.replace("iter", '"iter"').replace("2.0", '"2.0"'),
        TABLE.replace(",", " , "),
        "# of last night\n" + TABLE + "# done\n",
        "#" + TABLE,
        "# " + TABLE.replace(",", " "),
        TABLE.encode("utf-8-sig"),
        TABLE.encode("utf-16"),
        b"\xfe\xff" + TABLE.encode("utf-16-be"),
        TABLE.encode("utf-32"),
        TABLE.replace("rate", "Größe µ").encode("latin-1"),
        TABLE + "\0" * 500,
        TABLE + "\n\n",
    ],
    ids=range(21),
)
def test_a_table_is_read_however_it_is_written(log, content):
    path = log(content)
    run = ss.Run.read(path)
    assert reader_of(path).FORMAT == PLAIN
    assert points(run, "loss") == {0: 2.0, 10: 1.0, 20: 0.5}
    assert run.column("loss").clock == "step"
    assert run.notes[0] == "read 'iter' as the step and 'tr_loss' as the training loss (guessed)"


def test_what_is_called_by_its_name_is_not_said_to_be_guessed(log):
    assert ss.Run.read(log("step,loss,lr\n0,2.0,0.1\n1,1.0,0.1\n")).notes == ()


def test_a_column_that_is_no_loss_by_name_is_guessed_and_said(log):
    run = ss.Run.read(log("step,train_nll,val_nll\n0,2,3\n1,1,2\n"))
    assert (points(run, "loss"), points(run, "val_loss")) == ({0: 2, 1: 1}, {0: 3, 1: 2})
    assert "'train_nll' as the training loss and 'val_nll' as the validation loss (guessed)" in run.notes[0]
    assert "loss" not in ss.Run.read(log("step,val_nll\n0,3\n1,2\n")).columns


def test_values_that_are_not_finite_are_kept_and_words_are_not(log):
    run = ss.Run.read(log("step,loss,note\n0,nan,a\n1,inf,b\n2,-inf,c\n3,NaN,d\n4,NA,e\n5,1e400,f\n6,tensor(1.),g\n"))
    assert run.column("loss").step.tolist() == [0, 1, 2, 3, 5]
    assert run.loss.tolist()[1:3] == [math.inf, -math.inf]
    assert list(run.columns) == ["loss"]


def test_the_table_that_fastai_prints_is_read(log):
    rows = [
        "epoch     train_loss  valid_loss  time",
        "0         2.31        2.1         00:12",
        "1   1.9   1.8   00:11",
    ]
    run = ss.Run.read(log("\n".join([*rows, ""])))
    assert (points(run, "loss"), points(run, "val_loss")) == ({0: 2.31, 1: 1.9}, {0: 2.1, 1: 1.8})


def test_a_file_of_one_column_is_read_if_it_is_called_a_loss(log):
    assert ss.Run.read(log("loss\n2.0\n1.0\n")).loss.tolist() == [2, 1]
    assert reader_of(log("height\n2.0\n1.0\n")) is None


@pytest.mark.parametrize("name", ["", "loss", "\t", " "])
def test_no_column_is_lost_to_a_hostile_header(log, name):
    run = ss.Run.read(log(f'step,loss,"{name}","{name}"\n0,1,2,3\n1,4,5,6\n'))
    assert sorted(column.value.tolist() for column in run.columns.values()) == [[1, 4], [2, 5], [3, 6]]
    assert points(run, "loss") == {0: 1, 1: 4}


def test_ten_thousand_columns_are_read(log):
    names = [f"quantity_number_{k}" for k in range(10_000)]
    rows = [",".join(map(str, [step, *range(10_000)])) for step in range(3)]
    run = ss.Run.read(log("\n".join([",".join(["step", *names]), *rows, ""])))
    assert len(run.columns) == 10_000
    assert points(run, "quantity_number_9999") == {0: 9999, 1: 9999, 2: 9999}


def test_short_rows_are_filled_and_long_ones_cut_with_a_note(log):
    run = ss.Run.read(log("step,loss,lr\n0,2.0\n1,1.0,0.1,7,8\n2\n3,0.5,0.1\n"))
    assert points(run, "loss") == {0: 2.0, 1: 1.0, 3: 0.5}
    assert points(run, "lr") == {1: 0.1, 3: 0.1}
    assert "1 rows have more cells than the header: those beyond it are left out" in run.notes


@pytest.mark.parametrize(
    ("end", "kept", "said"),
    [
        ("30,0.2500", True, False),  # written without a last newline
        ("30,0.2", False, True),
        ("30,", False, False),
        ("30", False, True),
        ("3", False, True),
    ],
)
def test_the_cell_in_which_a_file_was_cut_off_is_left_out(log, end, kept, said):
    run = ss.Run.read(log("step,loss\n0,2.0000\n10,1.0000\n20,0.5000\n" + end))
    assert points(run, "loss") == {0: 2.0, 10: 1.0, 20: 0.5, **({30: 0.25} if kept else {})}
    assert any("last line has no end" in note for note in run.notes) is said


def test_what_follows_a_cell_that_never_ends_is_left_out_with_a_note(log, monkeypatch):
    monkeypatch.setattr(delimited, "BLOCK", 100)
    begin = "step,loss,note\n" + "".join(f"{k},1.0,x\n" for k in range(100))
    run = ss.Run.read(log(begin + '100,1.0,"' + "y" * 200_000))
    assert 80 < run.updates == run.loss.size <= 100
    assert any("nothing can be read: field larger than field limit" in note for note in run.notes)


def test_a_line_without_end_is_refused_before_it_fills_the_memory(log):
    with pytest.raises(ss.UnreadableRun, match="characters"):
        ss.Run.read(log("step,loss\n0,1\n" + "9" * 9_000_000))


# Clocks


@pytest.mark.parametrize(
    "name",
    [
        "step",
        "Step",
        "global_step",
        "Global Step",
        "_step",
        "iteration",
        "iter",
        "it",
        "update",
        "updates",
        "num_updates",
        "batch",
        "trainer/global_step",
        "train/global_step",
    ],
)
def test_steps_are_known_by_their_names(log, name):
    run = ss.Run.read(log(f"epoch,{name},loss\n0,5,2.0\n0,9,1.0\n1,14,0.5\n"))
    assert points(run, "loss") == {5: 2.0, 9: 1.0, 14: 0.5}
    assert points(run, "epoch") == {5: 0, 9: 0, 14: 1}


def test_epochs_are_the_clock_where_there_are_no_steps(log):
    run = ss.Run.read(log("epoch,loss\n0,2.0\n1,1.0\n2,0.5\n"))
    assert run.column("loss").clock == "epoch"
    assert "epoch" not in run.columns


@pytest.mark.parametrize("epochs", [(0.1, 0.2, 0.3), (0, 0, 0), (0, 0, 0.5)])
def test_epochs_with_fractions_or_many_rows_each_are_no_clock(log, epochs):
    run = ss.Run.read(log("epoch,loss\n" + "".join(f"{epoch},{k}\n" for k, epoch in enumerate(epochs))))
    assert (run.column("loss").clock, points(run, "loss")) == ("row", {0: 0, 1: 1, 2: 2})
    assert run["epoch"].tolist() == list(epochs)
    assert any("rows are counted" in note for note in run.notes)


def test_a_log_without_any_clock_counts_its_rows_and_says_so(log):
    run = ss.Run.read(log("loss,lr\n2,0.1\n1,0.1\n"))
    assert run.column("loss").clock == "row"
    assert run.notes == ("no column counts steps: rows are counted instead",)


def test_a_step_that_never_moves_is_no_clock(log):
    assert ss.Run.read(log("step,loss\n0,3\n0,2\n0,1\n")).column("loss").clock == "row"


def test_a_quantity_that_is_logged_by_epoch_beside_steps_keeps_its_epochs(log):
    run = ss.Run.read(log("step,epoch,loss,val_loss\n0,0,3,\n1,0,2,\n,0,,2.5\n2,1,1,\n,1,,1.5\n"))
    assert (run.column("loss").clock, points(run, "loss")) == ("step", {0: 3, 1: 2, 2: 1})
    assert (run.column("val_loss").clock, points(run, "val_loss")) == ("epoch", {0: 2.5, 1: 1.5})


RESUMED = "step,loss,val_loss\n0,5,\n10,4,\n20,3,9\n30,2,\n"


@pytest.mark.parametrize("header", ["", "step,loss,val_loss\n"])
def test_later_rows_take_over_where_a_training_was_resumed(log, header):
    run = ss.Run.read(log(RESUMED + header + "20,2.5,8\n30,1.5,\n40,1,7\n"))
    assert points(run, "loss") == {0: 5, 10: 4, 20: 2.5, 30: 1.5, 40: 1}
    assert points(run, "val_loss") == {20: 8, 40: 7}
    assert any(note.startswith("the log goes back to step 20,") for note in run.notes)


def test_what_the_resumed_part_does_not_log_again_is_gone_as_well(log):
    run = ss.Run.read(log(RESUMED + "15,2.5,\n25,1.5,\n"))
    assert points(run, "loss") == {0: 5, 10: 4, 15: 2.5, 25: 1.5}
    assert "val_loss" not in run.columns


def test_a_part_with_other_columns_is_read_by_its_own_header(log):
    run = ss.Run.read(log("step,loss\n0,5\n1,4\nstep,lr,loss\n2,0.1,3\n3,0.2,2\n"))
    assert (points(run, "loss"), points(run, "lr")) == ({0: 5, 1: 4, 2: 3, 3: 2}, {2: 0.1, 3: 0.2})
    assert any("the columns are others: step, lr, loss" in note for note in run.notes)


def test_rows_at_one_step_merge_and_of_one_quantity_the_last_counts(log):
    run = ss.Run.read(log("step,loss,val_loss\n0,5,\n0,,6\n1,4,\n1,3,\n2,2,1\n"))
    assert (points(run, "loss"), points(run, "val_loss")) == ({0: 5, 1: 3, 2: 2}, {0: 6, 2: 1})
    assert any(note.startswith("1 values share their step") for note in run.notes)


def test_rows_out_of_order_are_sorted(log):
    run = ss.Run.read(log("step,loss\n3,1\n2,2\n1,3\n0,4\n"))
    assert points(run, "loss") == {0: 4, 1: 3, 2: 2, 3: 1}
    assert any("sorted" in note for note in run.notes)


@pytest.mark.parametrize("epoch", [True, False])
def test_batches_that_begin_anew_in_every_epoch_are_counted_on(log, epoch):
    header = "epoch,batch,loss\n" if epoch else "batch,loss\n"
    rows = (f"{e},{b},{e * 4 + b}\n" if epoch else f"{b},{e * 4 + b}\n" for e in range(3) for b in range(4))
    run = ss.Run.read(log(header + "".join(rows)))
    assert points(run, "loss") == {k: float(k) for k in range(12)}
    assert any("'batch' begins anew in every epoch" in note for note in run.notes)


# What a kind of row does to one log it does to all formats of rows.


def test_any_clock_yields_columns_that_rise(log):
    @given(st.lists(st.tuples(st.integers(-3, 30), st.integers(0, 3)), min_size=1, max_size=40))
    def rises(rows):
        run = ss.Run.read(log("step,epoch,loss\n" + "".join(f"{s},{e},1\n" for s, e in rows)))
        for column in run.columns.values():
            assert np.all(np.diff(column.step) > 0)

    rises()


# Loggers


def test_lightning_logs_are_read_with_their_optimizer(tmp_path):
    loggers = pytest.importorskip("lightning.pytorch.loggers")
    logger = loggers.CSVLogger(tmp_path)
    logger.log_hyperparams({"learning_rate": 0.1, "max_steps": 40, "batch_size": 8})
    for step in range(0, 40, 10):
        logger.log_metrics({"lr-AdamW/pg1": 0.1 / (step + 1), "lr-AdamW/pg2": 0.5}, step)
        logger.log_metrics({"train_loss_step": 40.0 - step, "epoch": step // 20}, step)
    logger.log_metrics({"train_loss_epoch": 7.0, "val_loss": 8.0, "epoch": 1}, 39)
    logger.save()
    path = os.path.join(logger.log_dir, "metrics.csv")
    run = ss.Run.read(path)
    assert reader_of(path).FORMAT == "Lightning CSV"
    assert points(run, "loss") == {0: 40, 10: 30, 20: 20, 30: 10}
    assert points(run, "lr") == {step: 0.1 / (step + 1) for step in range(0, 40, 10)}
    assert (points(run, "train_loss_epoch"), points(run, "val_loss")) == ({39: 7}, {39: 8})
    assert run["lr-AdamW/pg2"].tolist() == [0.5] * 4
    assert points(run, "epoch") == {0: 0, 10: 0, 20: 1, 30: 1, 39: 1}
    assert (run.settings, run.steps) == ({"optimizer": "AdamW", "lr": 0.1, "batch_size": 8}, 40)


def test_keras_logs_are_read_on_their_epochs(tmp_path):
    keras = pytest.importorskip("keras")
    x = np.linspace(-1, 1, 32, dtype="float32")[:, None]
    rates = keras.callbacks.LearningRateScheduler(lambda epoch: 0.1 / (epoch + 1))
    histories = {}
    for validated in (True, False):
        model = keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse", metrics=["mae"])
        path = tmp_path / f"{validated}.csv"
        logger = keras.callbacks.CSVLogger(path)
        histories[path] = model.fit(
            x, 3 * x, epochs=3, verbose=0, validation_data=(x, 3 * x) if validated else None, callbacks=[rates, logger]
        ).history
    for path, history in histories.items():
        run = ss.Run.read(path)
        assert reader_of(path).FORMAT == "Keras CSVLogger"
        assert {column.clock for column in run.columns.values()} == {"epoch"}
        assert {name: column.step.tolist() for name, column in run.columns.items()} == {
            ("lr" if name == "learning_rate" else name): [0, 1, 2] for name in history
        }
        np.testing.assert_array_equal(run.loss, np.array(history["loss"]))
        np.testing.assert_allclose(run["lr"], [0.1, 0.05, 0.1 / 3], rtol=1e-6)


def test_keras_logs_that_were_appended_to_go_on_or_begin_again(log):
    again = ss.Run.read(log("epoch,loss,val_loss\n0,4,5\n1,3,4\n2,2,3\n1,2.5,3.5\n2,1,2\n"))
    assert (points(again, "loss"), points(again, "val_loss")) == ({0: 4, 1: 2.5, 2: 1}, {0: 5, 1: 3.5, 2: 2})
    assert any("goes back to epoch 1" in note for note in again.notes)


YOLO = """\
                  epoch,         train/box_loss,         train/cls_loss,           val/box_loss,\
           val/cls_loss,    metrics/mAP50-95(B),                 lr/pg0,                 lr/pg1,                 lr/pg2
                      0,                    1.5,                    4.0,                    2.0,\
                    3.0,                   0.25,                 0.0709,                 0.0032,                 0.0032
                      1,                    1.0,                    2.0,                    1.5,\
                    2.5,                   0.50,                 0.0376,                 0.0033,                 0.0033
"""


def test_ultralytics_results_are_read_with_the_sum_of_the_losses_and_the_rate_of_the_weights(log):
    log("task: detect\nepochs: 300\nbatch: 16\noptimizer: SGD\nlr0: 0.01\nmomentum: 0.937\nname: null\n", "args.yaml")
    path = log(YOLO)
    run = ss.Run.read(path)
    assert reader_of(path).FORMAT == "Ultralytics results"
    assert (points(run, "loss"), points(run, "val_loss")) == ({0: 5.5, 1: 3.0}, {0: 5.0, 1: 4.0})
    assert (points(run, "lr"), run.column("lr").clock) == ({0: 0.0032, 1: 0.0033}, "epoch")
    assert run["lr/pg0"].tolist() == [0.0709, 0.0376]
    assert run.settings == {"epochs": 300, "batch_size": 16, "optimizer": "SGD", "lr": 0.01, "momentum": 0.937}
    assert "`loss` is the sum of train/box_loss, train/cls_loss: the log has no total" in run.notes
    assert any("'lr/pg0' is the rate of biases" in note for note in run.notes)


def test_an_optimizer_that_ultralytics_chooses_states_no_rate(log):
    log("optimizer: auto\nlr0: 0.01\nmomentum: 0.937\nepochs: 3\n", "args.yaml")
    assert ss.Run.read(log(YOLO)).settings == {"epochs": 3}


def test_a_total_that_is_logged_is_not_summed(log):
    classified = "epoch,time,train/loss,metrics/accuracy_top1,val/loss,lr/pg0\n1,9,3,0.1,4,0.1\n2,18,2,0.2,3,0.1\n"
    run = ss.Run.read(log(classified))
    assert (points(run, "loss"), points(run, "val_loss")) == ({1: 3, 2: 2}, {1: 4, 2: 3})
    assert run.notes == ()


def test_yolov5_names_its_rates_otherwise(log):
    run = ss.Run.read(log(YOLO.replace("lr/pg", " x/lr")))
    assert (points(run, "lr"), run["x/lr0"].tolist()) == ({0: 0.0032, 1: 0.0033}, [0.0709, 0.0376])


MEASURED = (
    "global_step,grad_norm,loss,train/loss,validation/loss,score,preemption_count\n"
    "0,5.4,0.45,,,,\n1,,,0.46,0.47,5.7,0\n100,0.06,0.13,,,,\n200,0.14,0.12,0.125,0.13,9.9,0\n"
)


def test_algoperf_measurements_are_read_with_the_settings_beside_them(log):
    hyperparameters = {"learning_rate": 0.001, "one_minus_beta1": 0.25, "beta2": 0.99, "warmup_factor": 0.05}
    log(json.dumps(hyperparameters), "hparams.json")
    log(json.dumps({"framework": "jax", "max_global_steps": 8000}), "flags_0.json")
    path = log(MEASURED, "measurements.csv")
    run = ss.Run.read(path)
    assert reader_of(path).FORMAT == "AlgoPerf measurements"
    assert points(run, "loss") == {0: 0.45, 100: 0.13, 200: 0.12}
    assert points(run, "val_loss") == {1: 0.47, 200: 0.13}
    assert points(run, "grad_norm") == {0: 5.4, 100: 0.06, 200: 0.14}
    assert (run.steps, run.settings) == (8000, {"lr": 0.001, "beta1": 0.75, "beta2": 0.99, "warmup_share": 0.05})


@pytest.mark.parametrize("beside", ["", "{", "[1]", '{"learning_rate": "soon"}', '{"learning_rate": null}'])
def test_settings_that_cannot_be_read_are_none(log, beside):
    log(beside, "hparams.json")
    log(beside, "flags_0.json")
    run = ss.Run.read(log(MEASURED))
    assert (run.steps, run.settings) == (0, {})


def test_a_preempted_training_goes_on_where_it_was_saved(log):
    run = ss.Run.read(log(MEASURED + "100,0.05,0.11,,,,\n200,0.04,0.10,0.11,0.12,10,1\n300,0.03,0.09,,,,\n"))
    assert points(run, "loss") == {0: 0.45, 100: 0.11, 200: 0.10, 300: 0.09}


def test_a_workload_on_speech_has_another_name_for_its_loss(log):
    run = ss.Run.read(log(MEASURED.replace("train/loss,validation/loss", "train/ctc_loss,validation/ctc_loss")))
    assert points(run, "val_loss") == {1: 0.47, 200: 0.13}


def chart(*runs, axis="Step", ends=("", "__MIN", "__MAX"), width=0.0):
    names = [f"{run} - train/loss{end}" for run in runs for end in ends]
    offsets = [{"": 0.0, "__MIN": -width, "__MAX": width}[end] for _ in runs for end in ends]
    rows = [[step, *(f"{1 / (1 + step) + offset}" for offset in offsets)] for step in (0, 3, 9)]
    return "".join(",".join(f'"{cell}"' for cell in row) + "\n" for row in [[axis, *names], *rows])


@pytest.mark.parametrize(("width", "says"), [(0.0, "sampled"), (0.1, "means")])
def test_a_chart_of_wandb_is_a_metric_of_a_run(log, width, says):
    path = log(chart("a run - with, such a name", width=width))
    run = ss.Run.read(path)
    assert reader_of(path).FORMAT == "W&B chart CSV"
    assert (points(run, "loss"), list(run.columns)) == ({0: 1.0, 3: 0.25, 9: 0.1}, ["loss"])
    assert says in run.notes[0]


def test_a_chart_of_several_runs_is_each_of_them(log):
    runs = ss.Run.read_all(log(chart("one", "two")))
    assert [(run.name, run.loss.size) for run in runs] == [("one", 3), ("two", 3)]
    assert ss.Run.read(log(chart("one", "two")), "two").name == "two"


def test_a_file_is_read_alike_in_pieces_of_any_size(log, monkeypatch):
    rows = [[k, f"{k / 7}", "" if k % 3 else f'"{k}\n"', "nan"] for k in range(200)]
    path = log("step,loss,lr,other\n" + "".join(",".join(map(str, row)) + "\n" for row in rows))
    whole = ss.Run.read(path)
    monkeypatch.setattr(delimited, "BLOCK", 64)
    pieces = ss.Run.read(path)
    assert whole.loss.tolist() == pieces.loss.tolist() == [k / 7 for k in range(200)]
    assert points(whole, "lr") == points(pieces, "lr") == {k: float(k) for k in range(0, 200, 3)}


# Round trips and fuzz

quantities = st.floats(allow_nan=False) | st.just(math.nan)


@given(st.lists(st.tuples(quantities, st.none() | quantities), min_size=1, max_size=30), st.sampled_from(",;\t|"))
def test_what_pythons_csv_writes_is_read_back_exactly(tmp_path_factory, rows, separator):
    path = tmp_path_factory.getbasetemp() / "written.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=separator)
        writer.writerow(["step", "loss", "a, b; c | d"])
        writer.writerows([7 * k, *row] for k, row in enumerate(rows))
    run = ss.Run.read(path)
    np.testing.assert_array_equal(run.loss, [loss for loss, _ in rows])
    assert run.column("loss").step.tolist() == [7 * k for k in range(len(rows))]
    others = [other for _, other in rows if other is not None]
    np.testing.assert_array_equal(run["a, b; c | d"] if others else [], others)


@pytest.mark.parametrize("how", [{}, {"index": False}, {"sep": ";", "decimal": ","}, {"sep": "\t", "na_rep": "NaN"}])
def test_what_pandas_writes_is_read_back(tmp_path, how):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"step": [0, 5, 9], "loss": [2.5, 1e-7, 0.3], "val_loss": [None, 2.0, None]})
    frame.to_csv(tmp_path / "log.csv", **how)
    run = ss.Run.read(tmp_path / "log.csv")
    assert points(run, "loss") == {0: 2.5, 5: 1e-7, 9: 0.3}
    assert run["val_loss"][np.isfinite(run["val_loss"])].tolist() == [2.0]


pieces = st.sampled_from([
    b"step", b"epoch", b"loss", b"lr-Adam", b"train/loss", b"global_step,score,preemption_count", b"run - loss__MIN",
    b",", b",,", b";", b"\t", b"|", b" ", b"\n", b"\n", b"\r", b'"', b"#", b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"1",
    b"2", b"-3", b"1,5", b"1e999", b"nan", b"inf", b"0.5", b"9" * 400, b"1_0", b"\xe2\x80\xa8",
])  # fmt: skip


@given(st.lists(pieces | st.binary(max_size=4), max_size=60).map(b"".join))
def test_any_bytes_are_a_table_or_unreadable(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "fuzzed.csv"
    path.write_bytes(content)
    reads_or_refuses(path)


@given(st.lists(st.lists(pieces | st.text(max_size=3).map(str.encode), max_size=5).map(b",".join), max_size=12))
def test_any_rows_under_a_header_are_a_table_or_unreadable(tmp_path_factory, rows):
    path = tmp_path_factory.getbasetemp() / "rows.csv"
    path.write_bytes(b"\n".join([b"step,epoch,loss,lr", b"0,0,2,1", *rows]))
    reads_or_refuses(path)


def reads_or_refuses(path):
    runs, refused = [], ""
    try:
        runs = ss.Run.read_all(path)
    except ss.UnreadableRun as error:
        refused = str(error)
    assert runs or str(path) in refused
    for run in runs:
        assert run.columns
        for column in run.columns.values():
            assert column.step.size == column.value.size > 0
            assert np.all(np.diff(column.step) > 0)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n\n",
        b"hello",
        b"1,2\n3,4\n",
        b"\0" * 5_000,
        b"\x89PNG\r\n\x1a\n\x00\xff\xfe,a,b\n1,2,3",
        b"Dear reader, welcome\nto this, my letter of 3 pages\n",
        b"import numpy as np, torch\nx = f(1, 2)\n",
        b"name,city\nAnn,Rome\n",
    ],
    ids=range(9),
)
def test_what_is_no_table_has_no_form(content):
    assert form_of(content) is None


def test_a_table_is_known_by_its_head_alone(log, monkeypatch):
    rows = "".join(f"{k},{1 / (k + 1)},train loss of step 3\n" for k in range(10))
    path = log("step,loss,phase\n" + rows)
    for reader in (megatron, printed):
        monkeypatch.setattr(reader, "lines_of", None)  # what read on would fail
    assert ss.Run.read(path).loss.size == 10
