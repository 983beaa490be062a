"""The bench: labelled runs from real trainings, measured with the model and learned anew."""

import gzip
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sweeps import digits, train

import stepsize as ss
from stepsize.cli.main import run
from stepsize.diagnosis.bench.corpora import judge, labelled_runs
from stepsize.diagnosis.bench.labelled import KEEP, LOWER, RAISE
from stepsize.diagnosis.bench.left_out import by_task, chances
from stepsize.diagnosis.bench.measure import calibration, interval, of_choices
from stepsize.diagnosis.bench.rules import RULES
from stepsize.diagnosis.bench.table import Table, table_of
from stepsize.diagnosis.bench.views import begun, by_epochs, thinned
from stepsize.diagnosis.nets import Nets

RATES = 10.0 ** np.arange(-4, 2.1, 0.5)
STEPS = 300


def command(folder, *options):
    try:
        return run(["bench-diagnose", str(folder), *options])
    except SystemExit as end:
        return end.code


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """Two tasks at 13 rates, in the form that benchmarks.diagnosis.record writes."""
    folder = tmp_path_factory.mktemp("recorded")
    shuffled = np.random.default_rng(1).permutation(digits()[1])
    noisy = np.where(np.arange(len(shuffled)) % 3 == 0, shuffled, digits()[1])
    for number, labels in enumerate((None, noisy)):
        seen = [train(rate, labels=labels) for rate in RATES]
        losses, looks = (np.array(part, np.float32) for part in zip(*((a, b[:, 1]) for a, b in seen), strict=True))
        np.savez(
            folder / f"000{number}.npz",
            loss=losses,
            val_loss=looks,
            grad_norm=np.abs(losses),
            update_ratio=np.full_like(losses, 1e-3),
            rate=np.tile(RATES[:, None], STEPS),
            optimizer=np.full(len(RATES), "sgd"),
            schedule=np.full(len(RATES), "constant"),
            lr=RATES,
            task=f"digits_{number}",
            data=f"digits_{number}",
            steps=STEPS,
        )
    return folder


def test_labels_follow_the_sweep(recorded):
    runs = labelled_runs(recorded)
    first = sorted((one for one in runs if one.task == "digits_0"), key=lambda one: one.trace.rate)
    actions = [one.action for one in first]
    assert actions == sorted(actions)
    assert actions[0] == RAISE
    assert KEEP in actions
    assert actions[-1] == LOWER
    assert first[0].off < -1
    assert first[0].lost > 0.1


@given(st.integers(2, 6), st.floats(0.5, 3))
def test_a_sweep_is_judged_around_its_best_rate(place, curve):
    rates = [10.0**k for k in range(-4, 5)]
    ends = [0.1 + 0.2 * abs(k - place) ** curve for k in range(9)]
    judged = judge(rates, ends, begin=max(ends) + 1)
    assert judged[place][0] == KEEP
    assert all(action != LOWER for action, _, _ in judged[:place])
    assert all(action != RAISE for action, _, _ in judged[place:])


def test_small_runs_are_read_from_parquet(tmp_path):
    import pyarrow
    from pyarrow import parquet

    losses, looks = train(0.3)
    steps = np.arange(STEPS)
    row = {"task": "digits_mlp", "opt": "sgdm", "sched": "constant", "lr": 0.3, "seed": 0, "T": STEPS}
    row |= {"loss": losses, "lrs": np.full(STEPS, 0.3), "gnorm": losses, "uratio": losses}
    row |= {"vstep": looks[:, 0], "vloss": looks[:, 1], "label": "high", "regret": 0.1, "best_lr": 0.03}
    rows = [row, row | {"label": "far_low", "lr": 3e-4}, row | {"label": None}]
    table = {name: [np.asarray(one[name]).tolist() for one in rows] for name in row}
    parquet.write_table(pyarrow.table(table), tmp_path / "runs.parquet")
    first, second = labelled_runs(tmp_path)
    assert (first.action, second.action) == (LOWER, RAISE)
    assert first.trace.optimizer == "momentum"
    assert first.trace.loss.value.tolist() == losses.tolist()
    assert (first.trace.lr.step == steps).all()
    assert first.off == pytest.approx(1)


def test_deepobs_is_read_as_it_is_published(tmp_path):
    header = "curve,problem,optimizer,lr,seed,batch_size,num_epochs,n_train,n_minibatch,keys\n"
    seen = {number: (rate, *train(rate)) for number, rate in enumerate(RATES)}
    runs = [f"{n},digits,GradientDescentOptimizer,{rate},0,32,20,21,{STEPS},x\n" for n, (rate, _, _) in seen.items()]
    (tmp_path / "runs.csv").write_text(header + "".join(runs))
    rows = [
        f"{n},{e},{losses[min(15 * e, STEPS - 1)]},{look},,\n"
        for n, (_, losses, looks) in seen.items()
        for e, look in enumerate(looks[:, 1])
    ]
    with gzip.open(tmp_path / "curves.csv.gz", "wt") as file:
        file.write("curve,epoch,train_loss,test_loss,train_acc,test_acc\n" + "".join(rows))
    pairs = {str(n): np.stack([np.arange(STEPS), losses], 1) for n, (_, losses, _) in seen.items()}
    np.savez(tmp_path / "minibatch.npz", **pairs)
    found = labelled_runs(tmp_path)
    assert {one.view for one in found} == {"step", "epoch"}
    by_step = sorted((one for one in found if one.view == "step"), key=lambda one: one.trace.rate)
    assert by_step[0].action == RAISE
    assert by_step[-1].action == LOWER
    assert by_step[0].trace.optimizer == "sgd"
    assert by_step[0].trace.val_loss.step[-1] == STEPS
    assert next(one for one in found if one.view == "epoch").trace.loss.clock == "epoch"


def test_a_sweep_in_which_nothing_learns_is_not_judged():
    assert judge([1e-3, 1e-2], [1.0, 0.99], 1.0) == []
    assert judge([1e-3, 1e-2], [0.1, 0.1], 1.0) == []
    assert judge([1e-3, 1e-2], [np.inf, np.nan], 1.0) == []


def test_the_views_show_what_others_would_have_logged(recorded):
    whole = labelled_runs(recorded)[0].trace
    epochs = by_epochs(whole, 10)
    assert epochs.clock == epochs.loss.clock == "epoch"
    assert epochs.loss.value[0] == pytest.approx(whole.loss.value[:30].mean(), rel=0.05)
    assert epochs.val_loss.step.size == 10
    assert thinned(whole, 10, mean=False).loss.value.tolist() == whole.loss.value[::10].tolist()
    assert begun(whole, 0.25).loss.step.max() <= 0.25 * STEPS + 1
    assert begun(whole, 0.25).cut_short


def test_a_table_survives_its_file(recorded, tmp_path):
    table = table_of(labelled_runs(recorded), as_logged_by_others=True)
    table.save(tmp_path / "table.npz")
    again = Table.load(tmp_path / "table.npz")
    assert np.array_equal(again.x, table.x, equal_nan=True)
    assert again.task.tolist() == table.task.tolist()
    assert {"step", "epoch", "thin", "prefix"} <= set(table.view)


def test_what_is_learned_from_one_task_judges_the_other(recorded):
    table = table_of(labelled_runs(recorded), as_logged_by_others=True)
    tested = table.view == "step"
    found = chances(table, by_task(table, tested))["loss, validation, rate, optimizer"]
    assert np.isnan(found[~tested]).all()
    said = found[tested].argmax(1)
    assert (said == table.action[tested]).mean() > 0.6


def test_what_was_learned_fits_a_file_at_half_precision(recorded, tmp_path):
    from stepsize.diagnosis.bench.fit import fit

    nets = fit(table_of(labelled_runs(recorded)), "loss, validation")
    np.savez(tmp_path / "nets.npz", **nets.arrays("0_"))
    with np.load(tmp_path / "nets.npz") as held:
        again = Nets.taken(held, "0_")
    x = np.random.default_rng(0).normal(size=(20, nets.names.size))
    assert np.allclose(nets.chances_of(x), again.chances_of(x), atol=0.02)


def test_measures_are_what_they_say():
    said, right = np.array([0, 0, 2, 1, 1]), np.array([0, 2, 2, 1, 0])
    it = of_choices(said, right)
    assert it.accuracy == pytest.approx(0.6)
    assert it.wrong_way == pytest.approx(0.2)
    assert it.confusion.sum() == 5
    assert it.confusion[2, 0] == 1
    low, high = interval(0.9, 100)
    assert low < 0.9 < high
    assert calibration(np.full(100, 0.75), np.arange(100) < 75) == pytest.approx(0, abs=1e-9)
    assert calibration(np.full(100, 0.95), np.arange(100) < 45) == pytest.approx(0.5)


def test_the_rules_answer_every_run_they_can(recorded):
    table = table_of(labelled_runs(recorded))
    for rule, needs in RULES.values():
        for row in table.x:
            found = {n: v for n, v in zip(table.names, row, strict=True) if np.isfinite(v)}
            if all(any(name.startswith(need) for name in found) for need in needs):
                assert rule(found) in (RAISE, KEEP, LOWER)


def test_the_command_measures_the_installed_verdict(recorded, capsys):
    assert command(recorded, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    ours = [row for row in document["rows"] if row["way"].startswith("stepsize")]
    best = next(row for row in ours if row["log"] == "loss, validation, rate, optimizer")
    assert best["accuracy"] > 0.6
    assert best["wrong_way"] == 0
    assert {row["way"] for row in document["rows"]} > set(RULES)
    assert sum(sum(line.values()) for line in best["confusion"].values()) == best["runs"]


def test_the_command_learns_anew_without_each_task(recorded, capsys):
    assert command(recorded, "--left-out", "task") == 0
    said = capsys.readouterr()
    assert "should raise" in said.out
    assert "learning anew without each task" in said.err


def test_a_folder_without_labelled_runs_is_refused(tmp_path, capsys):
    with pytest.raises(ss.UnreadableRun, match="no labelled runs"):
        labelled_runs(tmp_path)
    assert command(tmp_path) == 2
    assert "no labelled runs" in capsys.readouterr().err
