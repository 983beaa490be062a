"""The graded verdict: on real trainings, on any curve, and as it is told."""

import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sweeps import run_at

import stepsize as ss
from stepsize.diagnosis.calibration import KINDS, tempered
from stepsize.diagnosis.feature_groups import LOGS, group_of, log_of
from stepsize.diagnosis.features import features_of
from stepsize.diagnosis.grading import grade, likeliest, model
from stepsize.diagnosis.reasons import FAMILIES, family_of
from stepsize.diagnosis.trace import Trace, trace_of
from stepsize.run import Column

RATES = {"too_low": 3e-4, "too_high": 60.0}


def trace(values, **more):
    return Trace(loss=Column(np.arange(len(values)), np.asarray(values, float)), **more)


@pytest.mark.parametrize(("verdict", "rate"), RATES.items())
def test_a_rate_decades_off_is_told_and_one_to_try_lies_on_the_right_side(verdict, rate):
    found = ss.diagnose(run_at(rate))
    assert found.verdict == verdict
    assert (found.suggestion > rate) == (verdict == "too_low")
    assert found.confidence >= model().threshold
    assert found.reasons


def test_nobody_is_sent_the_wrong_way_by_any_rate_of_a_sweep():
    for rate in 10.0 ** np.arange(-4, 2.1, 0.5):
        said = ss.diagnose(run_at(rate)).verdict
        assert said not in ({"too_high", "diverged"} if rate < 0.1 else {"too_low"} if rate > 3 else set()), rate


def test_chances_sum_to_one_and_stand_behind_the_verdict():
    found = ss.diagnose(run_at(3e-4))
    assert sum(found.chances.values()) == pytest.approx(1)
    assert found.chances[found.verdict] == found.confidence


def test_a_curve_of_few_points_is_not_judged():
    found = ss.diagnose(ss.Run({"loss": Column(np.arange(5), np.linspace(2, 1, 5))}))
    assert found.verdict == "undecided"
    assert not found.chances


def test_a_run_that_ended_by_divergence_is_one_even_where_three_losses_were_seen():
    columns = {"loss": Column(np.arange(3), np.array([1.0, 5.0, 1e9])), "lr": Column(np.arange(3), np.full(3, 0.5))}
    found = ss.diagnose(ss.Run(columns, "diverged", "loss is 1e+09 at update 2"))
    assert found.verdict == "diverged"
    assert found.suggestion == 0.05


def test_what_is_missing_is_said_and_nothing_where_all_is_there():
    bare = ss.diagnose(run_at(0.3, validated=False)).missing
    assert any("validation" in text for text in bare)
    full = run_at(0.3)
    ratio = Column(full.columns["loss"].step, np.full(full.loss.size, 1e-3))
    whole = ss.Run({**full.columns, "update_ratio": ratio}, steps=full.steps, settings=full.settings)
    assert not ss.diagnose(whole).missing


@given(arrays(float, st.integers(9, 60), elements=st.floats(allow_nan=True, allow_infinity=True)))
@settings(max_examples=60, deadline=None)
def test_any_curve_has_finite_chances_or_none(values):
    graded = grade(trace(values))
    if graded is not None:
        assert sum(graded.chances.values()) == pytest.approx(1)


@given(st.integers(0, 2**32 - 1), st.floats(1e-3, 1e3))
@settings(max_examples=20, deadline=None)
def test_the_unit_of_the_loss_changes_no_feature(seed, unit):
    dice = np.random.default_rng(seed)
    values = np.exp(-np.arange(200) / 40) + 0.1 + 0.05 * dice.random(200)
    one, other = features_of(trace(values)), features_of(trace(unit * values))
    assert one.keys() == other.keys()
    assert np.allclose(list(one.values()), list(other.values()), atol=1e-4, equal_nan=True)


def test_how_often_updates_are_counted_changes_no_feature_but_the_length():
    values = np.exp(-np.arange(200) / 40) + 0.1
    by_one = features_of(trace(values))
    by_ten = features_of(Trace(loss=Column(10 * np.arange(200), values)))
    assert {n: v for n, v in by_one.items() if n != "length"} == pytest.approx(
        {n: v for n, v in by_ten.items() if n != "length"}, abs=0.02, nan_ok=True
    )


def test_a_million_values_are_judged_like_a_thousand():
    long = np.linspace(0, 8, 1_000_000)
    noise = np.random.default_rng(0).normal(size=long.size)
    values = np.exp(-long) + 0.2 + 0.01 * noise
    many, few = features_of(trace(values)), features_of(trace(values[::1000]))
    for name in ("t50", "t90", "late50", "learned", "octave0"):
        assert many[name] == pytest.approx(few[name], abs=0.15), name


def test_the_answer_is_the_median_of_the_chances():
    chances = np.array([[0.6, 0.1, 0.3], [0.45, 0.1, 0.45], [0.1, 0.3, 0.6], [0.2, 0.7, 0.1]])
    assert likeliest(chances).tolist() == [0, 1, 2, 1]


def test_tempering_makes_less_or_more_sure_and_keeps_the_order():
    raw, kind = np.array([[0.1, 0.2, 0.7]]), np.eye(len(KINDS))[:1]
    softer, harder = (tempered(raw, kind, np.full(len(KINDS), w)) for w in (0.5, -0.5))
    assert softer.max() < 0.7 < harder.max()
    assert softer.argsort().tolist() == harder.argsort().tolist() == raw.argsort().tolist()


def test_every_log_has_a_verdict_of_its_own_and_the_richest_that_is_whole_is_asked():
    assert model().nets.keys() == LOGS.keys()
    held = features_of(trace_of(run_at(0.3, validated=False)))
    assert log_of(n for n, v in held.items() if np.isfinite(v)) == "loss, rate, optimizer"


def test_every_feature_of_the_model_has_a_family_that_is_told_in_words():
    for nets in model().nets.values():
        for name in map(str, nets.names):
            assert family_of(name) in FAMILIES
            assert group_of(name) in LOGS["all of these, gradient norm, update ratio"]


def test_the_reasons_are_what_their_absence_would_change():
    held = features_of(trace_of(run_at(3e-4)))
    nets = model().nets["loss, validation, rate, optimizer"]
    row = nets.row(held)
    odds = lambda x: np.log((p := nets.chances_of(x[None])[0]) / (1 - p))  # noqa: E731
    without = np.where([str(name).startswith("val_") for name in nets.names], np.nan, row)
    families = np.array([str(name).startswith("val_") for name in nets.names]).astype(int)
    carried = nets.carried_by(row, families, 2)
    assert carried[1] == pytest.approx(odds(row) - odds(without), rel=1e-3)


def test_a_verdict_needs_no_learner(tmp_path):
    run = run_at(3e-4)
    log = tmp_path / "log.jsonl"
    log.write_text("".join(json.dumps({"step": i, "loss": v, "lr": 3e-4}) + "\n" for i, v in enumerate(run.loss)))
    code = (
        "import sys, stepsize; d = stepsize.diagnose(sys.argv[1]);"
        "print(d.verdict, sorted({'sklearn', 'scipy', 'pandas', 'pyarrow', 'torch'} & set(sys.modules)))"
    )
    said = subprocess.run([sys.executable, "-c", code, str(log)], capture_output=True, text=True, check=True).stdout
    assert said.split()[0] in ("too_low", "undecided")
    assert said.split()[1] == "[]"
