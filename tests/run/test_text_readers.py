"""Printed lines, and the logs of Keras, Megatron, llm.c and modded-nanogpt."""

import contextlib
import gzip
import io
import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import stepsize as ss
from stepsize.run.readers import printed as text_reader

LOSSES = [2.5, 1.5, 1.25, 1.125]
PIECES = st.sampled_from(
    ("step", " loss", "epoch", "val", " 1", "0.5", "nan", "1e999", "/", " | ", ": ", ",", "(", "[", "]", "%|")
) | st.sampled_from(("\n", "\r", "\b", "\x1b[1m"))


@pytest.fixture
def record(tmp_path):
    def write(content, name="record"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def printed(form, steps=(10, 20, 30, 40), **more):
    return "".join(form.format(k=k, loss=loss, **more) + "\n" for k, loss in zip(steps, LOSSES, strict=True))


def said(run, words):
    return [note for note in run.notes if words in note]


@pytest.mark.parametrize(
    ("form", "planned"),
    [
        ("step {k}/1000 | loss {loss} | lr 3e-4 | norm 1.2", 1000),
        ("Step {k}: loss = {loss}", 0),
        ("iter {k}: loss {loss:.4f}, time 50.25ms, mfu 1.20%", 0),
        ("it {k} tr_loss {loss} acc 0.5", 0),
        ("loss: {loss}, global_step: {k}", 0),
        ("2024-01-31 10:00:00,123 INFO root: [iteration {k}] train_loss={loss} val_loss=9", 0),
        ("2024/01/31 10:00:00 - INFO - Iter(train) [ {k}/9000]  lr: 1.0e-04  eta: 1 day, 2:00:00  loss: {loss}", 9000),
        ("I0131 10:00:00.123 139 hooks.py:260] loss = {loss}, step = {k} (5.2 sec)", 0),
        ("eta: 0:00:00  iter: {k}  total_loss: {loss}  loss_cls: 1.5  time: 0.3  lr: 1.6e-05  max_mem: 2000M", 0),
        ("epoch 001:  {k} / 3000 loss={loss}, nll_loss=4.9, num_updates={k}, lr=1e-4, gnorm=1.2", 0),
        ("step {k} loss tensor({loss}, device='cuda:0')", 0),
        ("\x1b[32mstep\x1b[0m {k} \x1b[1mloss\x1b[0m {loss}", 0),
        ("{{'loss': '{loss}', 'step': '{k}'}} and more", 0),
        (" 10%|#    | {k}/500 [00:01<00:10,  9.0it/s, loss={loss}]", 500),
    ],
)
def test_a_step_and_a_loss_in_any_form_are_found(record, form, planned):
    run = ss.Run.read(record(printed(form)))
    assert run.loss.tolist() == LOSSES
    assert run.column("loss").step.tolist() == [10, 20, 30, 40]
    assert run.column("loss").clock == "step"
    assert run.steps == planned


@pytest.mark.parametrize(
    ("form", "names"),
    [
        (
            "epoch: {k}, lr: 1.00e-01 - train loss: {loss} - valid loss: 3.1, valid CER: 10.2",
            {"loss", "val_loss", "lr"},
        ),
        ("Epoch {k}/50 - 3s - loss: {loss} - val_loss: 0.6", {"loss", "val_loss"}),
        ("Epoch {k:03d} | Train Loss {loss} | Val Loss 0.4 | Val Acc 0.9", {"loss", "val_loss"}),
        ("Epoch {k} finished with training loss {loss}", {"loss"}),
        ("[2024-01-31 10:00:00,123][INFO] - Epoch {k} - avg_loss: {loss}", {"loss"}),
    ],
)
def test_lines_an_epoch_are_epochs(record, form, names):
    run = ss.Run.read(record(printed(form)))
    assert run.loss.tolist() == LOSSES
    assert names <= run.columns.keys()
    assert {run.column(name).clock for name in names} == {"epoch"}
    assert run.column("loss").step.tolist() == [10, 20, 30, 40]


def test_what_was_read_as_what_is_said(record):
    run = ss.Run.read(record(printed("it {k} tr_loss {loss}")))
    assert said(run, "'it' as the step, 'tr_loss' as loss")


def test_a_running_mean_in_brackets_is_not_the_loss(record):
    form = "Epoch: [{epoch}][ {k}/50]  Time  0.1 ( 0.2)  Loss {loss:e} (9.5e+00)  Acc@1   0.78 (  0.10)"
    text = "".join(printed(form, epoch=epoch) + "Test: [ 0/10] Time 0.1 (0.1)  Loss 7.0 (7.0)\n" for epoch in (0, 1))
    run = ss.Run.read(record(text))
    assert run.loss.tolist() == LOSSES * 2
    assert run.column("loss").step.tolist() == [10, 20, 30, 40, 60, 70, 80, 90]
    assert said(run, "counted on through all epochs")


def test_steps_of_each_epoch_are_counted_on(record):
    form = "Epoch [{epoch}/3], Step [{k}/50], Loss: {loss}"
    run = ss.Run.read(record("".join(printed(form, epoch=epoch) for epoch in (1, 2, 3))))
    assert run.column("loss").step.tolist() == [k + 50 * epoch for epoch in range(3) for k in (10, 20, 30, 40)]
    assert run.steps == 150


def test_examples_are_no_updates(record):
    form = "Train Epoch: {epoch} [{k}/60000 (1%)]\tLoss: {loss}"
    run = ss.Run.read(record("".join(printed(form, epoch=epoch) for epoch in (1, 2))))
    assert run.column("loss").clock == "row"
    assert run.loss.tolist() == LOSSES * 2
    assert said(run, "counts examples")


def test_nanogpt_prints_its_two_kinds_of_lines(record):
    text = printed("iter {k}: loss {loss}, time 50.25ms, mfu 1.20%") + "step 40: train loss 1.2, val loss 1.3\n"
    run = ss.Run.read(record(text))
    assert run.loss.tolist() == LOSSES
    assert run.column("val_loss").step.tolist() == [40]


def test_a_validation_without_a_step_stands_at_the_last_one(record):
    text = printed("step {k} loss {loss}").replace("30 loss", "30 loss", 1) + "Validation loss: 0.75\n"
    run = ss.Run.read(record(text))
    assert run["val_loss"].tolist() == [0.75]
    assert run.column("val_loss").step.tolist() == [40]


def test_the_parts_of_a_line_that_speak_of_other_data_are_not_the_training(record):
    text = printed("step {k} loss {loss}") + "| epoch 001 | valid on 'valid' subset | loss 5.5 | num_updates 40\n"
    run = ss.Run.read(record(text))
    assert run.loss.tolist() == LOSSES
    assert run["val_loss"].tolist() == [5.5]


def test_lines_that_tell_of_one_epoch_are_one_row(record):
    form = "Epoch {k}/40\n----------\ntrain Loss: {loss} Acc: 0.5\nval Loss: 7.0 Acc: 0.6\n"
    run = ss.Run.read(record(printed(form, steps=(0, 1, 2, 3))))
    assert run.loss.tolist() == LOSSES
    assert run["val_loss"].tolist() == [7.0] * 4
    assert {run.column(name).clock for name in ("loss", "val_loss")} == {"epoch"}
    assert run["Acc"].tolist() == [0.5] * 4
    assert run.settings["epochs"] == 40


def test_fairseq_counts_updates_not_their_share(record):
    form = "2021-01-01 | INFO | train_inner | {{'epoch': 1, 'update': 0.0{k}, 'loss': '{loss}', 'num_updates': '{k}'}}"
    run = ss.Run.read(record(printed(form)))
    assert run.column("loss").step.tolist() == [10, 20, 30, 40]


def test_nan_and_inf_are_kept(record):
    run = ss.Run.read(record("step 1 loss 2.0\nstep 2 loss inf\nstep 3 loss nan\n"))
    assert run.loss[1] == math.inf
    assert math.isnan(run.loss[2])


def test_a_training_resumed_takes_over(record):
    run = ss.Run.read(record(printed("step {k} loss {loss}") + printed("step {k} loss {loss}", steps=(30, 40, 50, 60))))
    assert run.loss.tolist() == LOSSES[:2] + LOSSES
    assert said(run, "goes back to step 30")


def test_the_trainers_printed_rows_are_read_with_its_progress_bar(record):
    rows = printed(" 10%|# | {k}/400 [00:01<00:10, 9.0it/s]\r{{'loss': '{loss}', 'lr': '1e-05', 'epoch': '0.{k}'}}")
    run = ss.Run.read(record(rows + "{'train_runtime': '1.2', 'train_loss': '9.9', 'epoch': '3.0'}\n"))
    assert run.loss.tolist() == LOSSES
    assert run.column("loss").step.tolist() == [10, 20, 30, 40]
    assert run.steps == 400
    assert said(run, "progress bar")


def test_a_progress_bar_of_something_else_is_no_length(record):
    run = ss.Run.read(record("Downloading 50%|## | 5/10 [00:01<00:01, 9it/s]\n" + printed("step {k} loss {loss}")))
    assert run.steps == 0
    assert run.column("loss").step.tolist() == [10, 20, 30, 40]


def test_settings_before_the_first_line_are_noted(record):
    head = "Namespace(lr=0.1, batch_size=32, optimizer='sgd', epochs=5)\n  Total optimization steps = 35,050\n"
    run = ss.Run.read(record(head + printed("step {k} loss {loss}")))
    assert run.settings == {"lr": 0.1, "batch_size": 32, "optimizer": "sgd", "epochs": 5}
    assert run.steps == 35_050


@pytest.mark.parametrize(
    ("head", "settings"),
    [
        ("Namespace(lr=0.1, epoch=3)", {"lr": 0.1}),
        ("TrainArgs(lr=0.1, epoch=3, step=1000, epochs=5)", {"lr": 0.1, "epochs": 5}),
        ("config = {'learning_rate': 0.1, 'epoch': 3, 'loss': 0.5, 'optim': 'sgd'}", {"lr": 0.1, "optimizer": "sgd"}),
        ("10:00:00 INFO hparams: {lr: 0.1, epoch: 3}", {"lr": 0.1}),
        ("lr=0.1 epochs=3 batch=32", {"lr": 0.1, "epochs": 3}),
        ("python train.py --epochs 3 --lr=0.1", {"lr": 0.1, "epochs": 3}),
    ],
)  # fmt: skip
def test_a_line_of_settings_is_no_row_and_no_clock(record, head, settings):
    run = ss.Run.read(record(head + "\n" + printed("step {k} loss {loss}")))
    assert run.columns.keys() == {"loss"}
    assert run.column("loss").step.tolist() == [10, 20, 30, 40]
    assert run.settings == settings


def test_a_rate_rounded_to_zero_is_said(record):
    run = ss.Run.read(record(printed("step {k} loss {loss} lr 0.0000")))
    assert said(run, "printed with 4 decimals: one below 5e-05 reads as 0")


LINES = st.tuples(
    st.integers(1, 40),
    st.sampled_from(
        [
            "{t} INFO step {k}/9,000 | loss {v} | lr 1e-{p}",
            "{t} INFO step {k}/9,000 | loss {v} | lr 0.000",
            "step {k} loss {v} loss {v} acc 1,000",
            "epoch {p} step {k} loss {v}",
            "eval at step {k}: val loss {v}",
            "step {k}, val loss 3.5",
            "loss: {v} at iteration {k}",
            "lr {v} step {k}",
            "saved",
        ]
    ),
)  # fmt: skip


@settings(max_examples=30)
@given(st.lists(LINES, min_size=1, max_size=6), st.integers(0, 9))
def test_a_stretch_of_lines_is_read_as_one_by_one(tmp_path_factory, parts, odd):
    values = ["0.5", "2", "nan", "-Inf", "1.5e-3", "1,234", "1e999", ".5", "3.", "0.0"]
    steps, lines = itertools.count(990), []
    for many, form in parts:
        for _ in range(many):
            k = next(steps)
            value = values[odd] if k % 7 == 0 else f"{3 / k:.6f}"
            told = {"k": f"{k:,}" if k % 31 == 0 else k, "v": value, "t": f"10:00:{k % 60:02},{k % 1000:03}"}
            lines.append(form.format(p=many % 5, **told))
    path = tmp_path_factory.getbasetemp() / "stretches"
    path.write_text("\n".join(lines))
    read = {}
    for stretch in (1, 8, 512):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(text_reader, "STRETCH", stretch)
            try:
                (read[stretch],) = text_reader.read(path)
            except ss.UnreadableRun:
                read[stretch] = None
    alone = read.pop(1)
    for log in read.values():
        if alone is None:
            assert log is None
            continue
        assert (log.steps, log.notes, log.settings) == (alone.steps, alone.notes, alone.settings)
        assert log.columns.keys() == alone.columns.keys()
        for name, column in log.columns.items():
            assert column.clock == alone.columns[name].clock
            np.testing.assert_array_equal(column.step, alone.columns[name].step)
            np.testing.assert_array_equal(column.value, alone.columns[name].value)


@pytest.mark.parametrize(
    "text",
    [
        "The loss was large. At step 3 of our plan we lost 2 men; the loss of a third came later.\n" * 9,
        "for step in range(10):\n    loss = model(x)  # loss 0\n    print(f'step {step} loss {loss}')\n" * 9,
        "<html><body>\n" + "<p>step 10 loss 0.5</p>\n" * 9 + "</body></html>\n",
        "loss = 0.0\n" * 9,
        "step 1 loss 2.0\nstep 2 loss 1.0\n",
        "def loss_fn(a, b):\n    return 0.5 * (a - b) ** 2\n" * 5,
        "epoch 1\nepoch 2\nepoch 3\nlearning is fun\n",
        "%PDF-1.4\n" + "step 1 loss 0.5\n" * 9,
    ],
)
def test_what_is_no_log_is_refused(record, text):
    with pytest.raises(ss.UnreadableRun):
        ss.Run.read(record(text))


@pytest.mark.parametrize(
    "piece", ["loss 0.5 ", "step ", "1,", "[", "(1/", "a ", "-", "....", "1e", "loss:", "\x1b[", "|1/", "nan"]
)
def test_a_line_of_a_megabyte_takes_no_more_than_its_length(record, piece):
    text = printed("step {k} loss {loss}") + "loss " + piece * (2**20 // len(piece)) + "\n" + "step 50 loss 1.0\n"
    # what is quadratic in the line takes hours here
    assert ss.Run.read(record(text)).loss.tolist() == [*LOSSES, 1.0]
    assert (
        ss.Run.read(
            record(printed("step {k} loss {loss}") + "step 50 loss 1.0 " + (piece * 4096)[:4000] + "\n")
        ).loss.size
        >= 4
    )


@pytest.mark.parametrize("strange", ["1e999", "nan", "-5", "9" * 400, "1.2.3", "1,2,3", "0x1f", "9" * 4500])
@pytest.mark.parametrize(
    "line",
    [
        "step {} loss {}",
        "epoch {}/{} step 3/{} loss 1.0",
        "s:{} trl:{}",
        "step:5/{} train_loss:{}",
        " iteration 7/ {} | consumed samples: 1 | lm loss: {} | number of skipped iterations: {} |",
        "Epoch {}/{}",
        "5/{} - 0s - 4ms/step - loss: {}",
    ],
)
def test_a_strange_number_costs_no_more_than_its_line(record, line, strange):
    other = "Epoch 1/3\n5/5 - 0s - 4ms/step - loss: 0.65\nEpoch 2/3\n" if "Epoch" in line or "/step" in line else ""
    other = other or "s:1 trl:0.65\n" * ("trl" in line or "train_loss" in line)
    other = other or " iteration 5/ 9 | consumed samples: 1 | lm loss: 0.65 |\n" * ("iteration" in line)
    other = other or "".join(f"step {k} loss 0.65\n" for k in range(4))
    run = ss.Run.read(record(other + line.replace("{}", strange) + "\n"))
    assert run.loss[0] == 0.65
    assert 0 <= run.steps < 2**63


BEGUN = [
    "step 1 loss 2\n" * 3,
    "Epoch 1/3\n5/5 - 0s - loss: 0.5\n",
    "s:1 trl:2.0\n",
    "iteration 1/ 10 | consumed samples:",
]


@given(st.sampled_from(BEGUN), st.lists(PIECES | st.text(max_size=3), max_size=40).map("".join))
def test_any_text_is_a_run_or_unreadable(tmp_path_factory, begin, content):
    path = tmp_path_factory.getbasetemp() / "log_like"
    path.write_text(begin + content, encoding="utf-8", errors="replace")
    try:
        columns, refused = ss.Run.read(path).columns, ""
    except ss.UnreadableRun as error:
        columns, refused = {}, str(error)
    assert columns or str(path) in refused
    assert all(column.step.size == column.value.size > 0 for column in columns.values())
    assert all(np.all(np.diff(column.step) > 0) for column in columns.values())


# Keras


@pytest.mark.parametrize("verbose", [1, 2])
def test_what_keras_prints_is_what_it_fitted(record, verbose):
    keras = pytest.importorskip("keras")
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.05), "mse")
    x, y = np.random.default_rng(0).random((64, 2)), np.ones(64)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        history = model.fit(x, y, epochs=3, batch_size=16, verbose=verbose, validation_split=0.25).history
    run = ss.Run.read(record(out.getvalue()))
    assert run.loss == pytest.approx(history["loss"], abs=5e-4)
    assert run["val_loss"] == pytest.approx(history["val_loss"], abs=5e-4)
    assert run.column("loss").step.tolist() == [1, 2, 3]
    assert run.column("loss").clock == "epoch"
    assert run.settings["epochs"] == 3


def test_an_epoch_of_keras_that_was_not_finished_is_left_out(record):
    whole = "Epoch 1/9\n5/5 - 0s - 4ms/step - loss: 0.65\nEpoch 2/9\n"
    run = ss.Run.read(record(whole + "\r2/5 ━━ 0s 3ms/step - loss: 0.1\b\b\b\r3/5 ━━ 0s 3ms/step - loss: 0.2"))
    assert run.loss.tolist() == [0.65]
    assert said(run, "epoch 2 was not finished")


# Megatron

ARGUMENTS = """------------------------ arguments ------------------------
  global_batch_size ............................... 512
  lr .............................................. 0.00015
  lr_decay_iters .................................. 800
  micro_batch_size ................................ 1
  optimizer ....................................... adam
  train_iters ..................................... 1000
"""
ITERATION = (
    " iteration {k:8d}/    1000 | consumed samples:  40 | elapsed time per iteration (ms): 2711.1 |"
    " learning rate: {lr} | global batch size:   512 |{loss} loss scale: 32768.0 | grad norm: 9.804 |"
    " number of skipped iterations:  {skipped} | number of nan iterations:   0 |\n"
)


def test_megatron(record):
    text = ARGUMENTS + "0: talk of machines\n" * 9_000
    text += ITERATION.format(k=10, lr="0.000E+00", loss="", skipped=10)
    text += ITERATION.format(k=20, lr="3.750E-05", loss=" lm loss: 1.249319E+01 |", skipped=8)
    text += "[default0]:" + ITERATION.format(k=30, lr="1.500E-04", loss=" lm loss: 3.282511E+01 |", skipped=0)
    text += " validation loss at iteration 30 | lm loss value: 8.017406E+00 | lm loss PPL: 3.0333E+03 | \n"
    for content in (text, gzip.compress(text.encode())):
        run = ss.Run.read(record(content))
        assert run.loss.tolist() == [12.49319, 32.82511]
        assert run.column("loss").step.tolist() == [20, 30]
        assert run["lr"].tolist() == [0.0, 3.75e-5, 1.5e-4]
        assert run["grad_norm"].tolist() == [9.804] * 3
        assert run["val_loss"].tolist() == [8.017406]
        assert run.steps == 1000
        assert run.settings == {"batch_size": 512, "lr": 1.5e-4, "decay_steps": 800, "optimizer": "adam"}
        assert said(run, "18 iterations were skipped")
        assert said(run, "mean of about 10 iterations")


# llm.c and modded-nanogpt


def test_llmc(record):
    text = "s:0 tel:11.0092\ns:0 trl:11.0091 lr:0.000001 norm:15.37\n"
    text += "s:1 trl:10.9598 lr:0.000600 norm:15.24\ns:2 trl:3.2 lr:0.000000 norm:0.2\ns:2 eval:0.29\n"
    run = ss.Run.read(record(text))
    assert run.loss.tolist() == [11.0091, 10.9598, 3.2]
    assert run["val_loss"].tolist() == [11.0092]
    assert run["grad_norm"].tolist() == [15.37, 15.24, 0.2]
    assert said(run, "one below 5e-07 reads as 0")


def test_modded_nanogpt_with_its_source_before(record):
    source = "import torch\nlearning_rate = 0.0036\nprint(f'step:{step}/{n} val_loss:{val_loss:.4f}')\n" * 2_000
    text = "step:0/6000 val_loss:11.0149 train_time:305ms step_avg:nanms\n" + "".join(
        f"step:{k}/6000 train_loss:{loss} train_time:24179ms step_avg:nanms\n" for k, loss in enumerate(LOSSES, start=1)
    )
    run = ss.Run.read(record(source + text))
    assert run.loss.tolist() == LOSSES
    assert run.column("val_loss").step.tolist() == [0]
    assert run.steps == 6000
    assert "lr" not in run.settings
