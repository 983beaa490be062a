"""What a record shows beyond doubt, and what it must not be taken for."""

from __future__ import annotations

import math

import numpy as np
import pytest
from logged import learning, seen, trace

from stepsize.diagnosis.certain import certain_findings
from stepsize.diagnosis.trace import Trace


def kinds(it: Trace) -> list[str]:
    return [finding.kind for finding in certain_findings(it)]


@pytest.mark.parametrize("seed", range(20))
def test_nothing_is_said_of_a_training_that_learns(seed: int) -> None:
    points = int(np.random.default_rng(seed).integers(5, 3_000))
    assert kinds(trace(learning(points, seed, noise=0.02 * (seed % 8)), [1e-3] * points)) == []


def test_nan_to_the_end_is_told_with_its_first_place_and_what_led_to_it() -> None:
    loss = learning(500)
    loss[380:400] *= np.linspace(1, 6, 20)
    loss[400:] = math.nan
    [found] = certain_findings(trace(loss, [1e-2] * 500))
    assert found.kind == "nan"
    assert found.confidence == 1
    assert dict(found.evidence) == {"first": 400, "points": 100}
    assert "from update 400 on, after it had risen from" in found.message
    assert "1e-3" in found.advice


def test_nan_that_a_training_came_back_from_is_told_so() -> None:
    loss = learning(500)
    loss[[100, 101]] = math.inf, math.nan
    [found] = certain_findings(trace(loss))
    assert found.kind == "nan"
    assert "infinite at 2 of 500 points" in found.message
    assert "came back" in found.message


def test_a_loss_that_was_never_a_number() -> None:
    [found] = certain_findings(trace([math.nan] * 9))
    assert "never a number" in found.message


def test_gaps_of_a_table_are_no_nan() -> None:
    loss = learning(300)
    loss[::3] = math.nan
    assert kinds(trace(loss)) == []


def test_nan_in_the_validation_is_told_of_the_validation() -> None:
    val = np.append(learning(8), [math.nan] * 4)
    [found] = certain_findings(trace(learning(600), val_loss=seen(val, 50)))
    assert found.spans[0].column == "val_loss"
    assert "update 400" in found.message


def test_a_gradient_that_stays_nan_beside_a_loss_that_does_not_betrays_a_filter() -> None:
    norms = np.ones(400)
    norms[250:] = math.nan
    [found] = certain_findings(trace(learning(400), grad_norm=seen(norms)))
    assert found.kind == "nan"
    assert "logging_nan_inf_filter=False" in found.advice


def test_a_gradient_that_overflows_now_and_then_under_mixed_precision_is_no_finding() -> None:
    norms = np.ones(400)
    norms[[0, 1, 200]] = math.inf
    assert kinds(trace(learning(400), grad_norm=seen(norms))) == []


def test_a_loss_that_drops_at_once_to_exactly_zero_was_filtered() -> None:
    loss = learning(300)
    loss[200:] = 0
    assert kinds(trace(loss)) == ["nan"]
    assert kinds(trace(np.maximum(np.linspace(1, -0.5, 300), 0))) == []


@pytest.mark.parametrize("level", [math.log(2), math.log(10), 1.234])
def test_one_value_from_first_to_last_is_never_learned(level: float) -> None:
    [found] = certain_findings(trace([level] * 30))
    assert found.kind == "never_learned"
    assert found.confidence == 1
    assert ("guessing" in found.message) == (level != 1.234)


def test_a_loss_that_stays_where_it_started_is_never_learned() -> None:
    loss = math.log(10) * (1 + 0.02 * np.random.default_rng(0).standard_normal(400))
    [found] = certain_findings(trace(loss, [1e-6] * 400))
    assert found.kind == "never_learned"
    assert "two" not in found.message
    assert "ten classes" in found.message


def test_a_small_fall_of_a_model_trained_before_is_not_never_learned() -> None:
    rng = np.random.default_rng(1)
    loss = np.linspace(2.10, 2.02, 2_000) * (1 + 0.05 * rng.standard_normal(2_000))
    assert kinds(trace(loss)) == []


def test_a_loss_that_is_mostly_noise_is_left_alone() -> None:
    loss = np.exp(np.random.default_rng(2).standard_normal(3_000))
    assert kinds(trace(loss)) == []


def test_a_validation_that_fell_speaks_against_never_learned() -> None:
    flat = 0.7 * (1 + 0.01 * np.random.default_rng(3).standard_normal(200))
    assert kinds(trace(flat)) == ["never_learned"]
    assert kinds(trace(flat, val_loss=seen([0.9, 0.7, 0.6], 90))) == []


def test_a_loss_that_runs_away_has_diverged() -> None:
    loss = np.concatenate([learning(200), np.geomspace(1, 500, 50), [500.0] * 50])
    [found] = certain_findings(trace(loss, [0.1] * 300))
    assert found.kind == "diverged"
    assert found.confidence == 1
    assert "0.01" in found.advice
    assert dict(found.evidence)["end"] == pytest.approx(500)


def test_a_loss_that_loses_all_it_had_learned_has_diverged() -> None:
    loss = np.concatenate([learning(300), [3.95] * 100]) * np.exp(0.03 * np.random.default_rng(0).standard_normal(400))
    assert kinds(trace(loss)) == ["diverged"]


def test_a_loss_of_both_signs_may_rise() -> None:
    assert kinds(trace(np.linspace(-0.1, 0.6, 300))) == []
    assert kinds(trace(np.append(np.linspace(-0.1, 0.6, 300), [1e6] * 60))) == ["diverged"]


def test_a_jump_for_good_is_told_with_its_place() -> None:
    loss = learning(2_000, noise=0.03)
    loss[1_400:] *= 1.6
    [found] = certain_findings(trace(loss, [1e-3] * 2_000))
    assert found.kind == "unrecovered_jump"
    assert dict(found.evidence)["step"] == pytest.approx(1_400, abs=20)


def test_a_jump_that_was_recovered_from_is_none() -> None:
    loss = learning(2_000, noise=0.03)
    loss[1_400:1_450] *= 1.6
    assert kinds(trace(loss)) == []


def test_rows_that_a_resumed_training_wrote_anew_replace_the_old() -> None:
    steps = np.concatenate([np.arange(120), np.arange(100, 200)])
    loss = np.concatenate([learning(200)[:100], [math.nan] * 20, learning(200)[100:]])
    assert kinds(Trace(loss=seen(loss, steps=steps))) == []


@pytest.mark.parametrize("points", [0, 1, 2, 4])
def test_too_few_points_say_nothing(points: int) -> None:
    assert kinds(trace([2.0] * points)) == []
