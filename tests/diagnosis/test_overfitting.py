"""Overfitting is told from a wrong rate; and what else the course of the loss shows."""

from __future__ import annotations

import numpy as np
import pytest
from logged import learning, seen, trace

from stepsize.diagnosis.shape import shape_findings
from stepsize.diagnosis.trace import Trace

TURNS = np.concatenate([np.linspace(2, 0.5, 8), np.linspace(0.52, 0.9, 14)])


def kinds(it: Trace) -> list[str]:
    return [finding.kind for finding in shape_findings(it)]


@pytest.mark.parametrize("seed", range(10))
def test_nothing_is_said_of_a_training_that_ends_well(seed: int) -> None:
    lr = 1e-3 * np.linspace(1, 0, 800)
    assert kinds(trace(learning(800, seed), lr, val_loss=seen(learning(20, seed), 40), planned=800)) == []


def test_overfitting_is_told_with_the_best_step_and_what_was_lost() -> None:
    [found] = shape_findings(trace(learning(2_200, end=0.1), val_loss=seen(TURNS, 100)))
    evidence = dict(found.evidence)
    assert found.kind == "overfitting"
    assert found.confidence == 0.9
    assert evidence["best_step"] == 700
    assert evidence["lost"] == pytest.approx(0.9 / 0.5 - 1, abs=0.1)
    assert "the rate is not thereby wrong" in found.message


def test_overfitting_without_a_training_loss_is_less_sure() -> None:
    [found] = shape_findings(Trace(val_loss=seen(TURNS, 100)))
    assert found.confidence == 0.7


def test_a_validation_that_rises_with_the_training_loss_is_not_overfitting() -> None:
    loss = np.interp(np.arange(2_200), np.arange(22) * 100, TURNS)
    assert "overfitting" not in kinds(trace(loss, val_loss=seen(TURNS, 100)))


def test_a_validation_that_only_scatters_is_not_overfitting() -> None:
    for seed in range(50):
        val = 0.5 * np.exp(0.1 * np.random.default_rng(seed).standard_normal(30))
        assert "overfitting" not in kinds(trace(learning(3_000), val_loss=seen(val, 100)))


def test_an_early_rise_without_a_warmup_needs_one() -> None:
    loss = learning(2_000)
    loss[5:60] *= 3
    [found] = shape_findings(trace(loss, 1e-3 * np.linspace(1, 0, 2_000)))
    assert found.kind == "warmup_needed"
    assert "100 updates" in found.advice
    warmed = np.minimum(np.linspace(0, 20, 2_000), np.linspace(1, 0, 2_000))
    assert kinds(trace(loss, 1e-3 * warmed)) == []


def test_a_loss_that_still_falls_under_a_high_rate_has_not_converged() -> None:
    loss = 4 * np.exp(-2 * np.arange(1_000) / 1_000) * np.exp(0.02 * np.random.default_rng(0).standard_normal(1_000))
    [found] = shape_findings(trace(loss, [1e-3] * 1_000, planned=1_000))
    assert found.kind == "not_converged"
    assert "2,000 updates" in found.advice
    # A mid-run checkpoint, and a run whose rate came to its end, have nothing left undone.
    assert kinds(trace(loss, [1e-3] * 1_000, planned=3_000)) == []
    assert kinds(trace(loss, np.linspace(1e-3, 0, 1_000), planned=1_000)) == []


def test_a_level_stretch_under_a_high_rate_is_a_plateau() -> None:
    loss = np.maximum(4 - np.arange(2_000) / 200, 2.5) * np.exp(0.02 * np.random.default_rng(0).standard_normal(2_000))
    [found] = shape_findings(trace(loss, [1e-3] * 2_000))
    assert found.kind == "plateau"
    assert "1e-4" in found.advice


def test_noise_alone_is_no_oscillation() -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        loss = learning(2_000, seed, noise=0.5)
        norms = np.exp(rng.standard_normal(2_000))
        assert "oscillation" not in kinds(trace(loss, grad_norm=seen(norms)))


def test_slow_swings_with_leaping_gradients_are_an_oscillation() -> None:
    swing = np.exp(0.4 * np.sin(np.arange(2_000) / 25))
    norms = np.where(swing > 1.4, 50.0, 1.0)
    assert "oscillation" in kinds(trace(learning(2_000) * swing, grad_norm=seen(norms)))
