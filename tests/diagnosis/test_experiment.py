"""The cheap experiment: what short runs at three rates say, and what they do not."""

import json
import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import stepsize as ss
from stepsize.diagnosis.experiment import try_rates
from stepsize.run import Column

BEST = 0.05


def parabola(seed, best=BEST, noise=0.01):
    """A training whose end depends on its peak rate alone: a parabola over log rate, best at `best`."""
    dice, peak = random.Random(seed), 0.0
    lr = yield
    while True:
        peak = max(peak, lr)
        lr = yield 5.0 if peak == 0 else 1 + math.log10(peak / best) ** 2 + dice.gauss(0, noise)


def explosive(seed):
    """A quadratic that diverges above a rate of 0.2."""
    x, lr = 1.0 + seed / 10, (yield)
    while True:
        x -= lr * 10 * x
        lr = yield x * x if abs(x) < 1e100 else math.nan


def deaf(seed):
    dice, lr = random.Random(seed), (yield)
    while True:
        lr = yield 1.0 + dice.gauss(0, 0.1) + 0 * lr


@pytest.mark.parametrize(
    ("rate", "verdict", "suggestion"),
    [(BEST / 100, "too_low", BEST / 100 * 3), (BEST, "good", BEST), (BEST * 10, "too_high", BEST * 10 / 3)],
)
def test_the_direction_is_found(rate, verdict, suggestion):
    found = try_rates(parabola, rate, steps=2000)
    assert found.verdict == found.finding.kind == verdict
    assert found.suggestion == pytest.approx(suggestion)
    assert 0.5 < found.confidence <= 1
    assert found.finding.confidence == found.confidence


def test_a_branch_above_that_wins_by_little_is_no_proof():
    # A short run likes a larger rate than a long one: here by half a decade.
    found = try_rates(parabola, BEST / math.sqrt(10), steps=2000)
    low, mid, high = (np.mean(ends) for ends in found.losses.values())
    assert high < mid < low
    assert found.verdict == "good"


def test_a_rate_that_diverges_is_too_high_and_one_below_that_is_not():
    assert try_rates(explosive, 0.4, steps=600).verdict == "too_high"
    found = try_rates(explosive, 0.08, steps=600)
    assert found.losses[3.0] == (math.inf,) * 3
    assert found.verdict == "good"


def test_a_training_that_does_not_listen_is_undecided():
    found = try_rates(deaf, 0.1, steps=1000)
    assert (found.verdict, found.suggestion, found.confidence) == ("undecided", None, 0.0)
    assert found.finding.advice == ""


def test_what_it_costs_and_how_long_a_branch_is():
    found = try_rates(parabola, BEST, steps=3000, seeds=4, share=0.05)
    assert (found.steps, found.cost) == (150, pytest.approx(12 * 0.05))
    assert [len(ends) for ends in found.losses.values()] == [4, 4, 4]
    assert try_rates(parabola, BEST, steps=200).steps == 50
    assert try_rates(parabola, BEST, steps=20).steps == 20


def test_seeds_are_shared_and_follow_from_the_first():
    seen = []

    def training(seed):
        seen.append(seed)
        yield from parabola(seed)

    first = try_rates(training, BEST, steps=1000, seed=5)
    assert seen == [5, 6, 7] * 3
    assert try_rates(training, BEST, steps=1000, seed=5).losses == first.losses


def test_the_schedule_of_the_run_is_shrunk_into_the_branches():
    run = ss.drive(parabola, ss.warmup_cosine(0.03, 1000, 100), 1000)
    rates = []

    found = try_rates(recorded(rates), run, steps=1000)
    assert found.rate == pytest.approx(0.03)
    middle = np.reshape(rates, (9, 100))[3:6]
    expected = ss.warmup_cosine(0.03, 100, 10)(np.arange(100))
    assert np.abs(middle - expected).max() < 0.06 * 0.03
    assert np.reshape(rates, (9, 100))[6:].max() == pytest.approx(0.09, rel=0.02)


def recorded(rates):
    def training(seed):
        inner = parabola(seed)
        next(inner)
        lr = yield
        while True:
            rates.append(lr)
            lr = yield inner.send(lr)

    return training


def test_a_rate_logged_now_and_then_is_kept_constant():
    run = ss.Run({"loss": Column(np.arange(9), np.ones(9)), "lr": Column(np.array([0, 8]), np.array([0.02, 0.02]))})
    rates = []
    assert try_rates(recorded(rates), run, steps=1000).rate == 0.02
    assert set(rates[300:600]) == {0.02}


def test_validation_is_compared_where_it_is_reported():
    def both(seed):
        inner = parabola(seed)
        next(inner)
        lr = yield
        while True:
            lr = yield {"loss": 1.0, "val_loss": inner.send(lr)}

    found = try_rates(both, BEST / 100, steps=1000)
    assert (found.metric, found.verdict) == ("val_loss", "too_low")
    assert try_rates(both, BEST / 100, steps=1000, metric="loss").verdict == "undecided"


def test_what_makes_no_sense_is_refused():
    run = ss.Run({"loss": Column(np.arange(9), np.ones(9))})
    for arguments, word in (
        ((parabola, run), "logged no learning rate"),
        ((parabola, -1.0), "rate"),
        ((parabola, math.nan), "rate"),
    ):
        with pytest.raises(ss.InvalidSpace, match=word):
            try_rates(*arguments, steps=100)
    for name, value in (("factor", 1.0), ("share", 0.0), ("share", 1.5), ("steps", 0), ("seeds", 0)):
        with pytest.raises(ss.InvalidSpace, match=name):
            try_rates(parabola, BEST, **{"steps": 100, name: value})


def test_a_training_that_fails_says_why():
    def broken(seed):
        yield
        raise RuntimeError("no data")

    with pytest.raises(ss.EngineError, match="no data"):
        try_rates(broken, 0.1, steps=100)
    with pytest.raises(ss.EngineError, match="'accuracy'"):
        try_rates(parabola, 0.1, steps=100, metric="accuracy")


def test_the_answer_is_a_sentence_and_a_document():
    found = try_rates(parabola, BEST / 100, steps=2000)
    assert "5e-4" in str(found.finding)
    assert "too low" in str(found.finding)
    assert "Go on with 1.5e-3" in str(found.finding)
    document = json.loads(json.dumps(found.document()))
    assert document["schema"] == "stepsize.experiment/1"
    assert [branch["rate"] for branch in document["branches"]] == pytest.approx(
        [BEST / 300, BEST / 100, BEST * 3 / 100]
    )
    diverging = try_rates(explosive, 0.08, steps=600).document()
    assert diverging["branches"][2]["losses"] == [None, None, None]


@settings(max_examples=20, deadline=None)
@given(st.floats(-3, 3), st.integers(0, 99))
def test_more_than_a_decade_off_is_never_told_the_wrong_way(off, seed):
    found = try_rates(parabola, BEST * 10**off, steps=100, seed=seed, share=0.1)
    if off < -1:
        assert found.verdict in ("too_low", "undecided", "good")
    if off > 1:
        assert found.verdict == "too_high"
