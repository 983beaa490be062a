"""The range test: right on trainings that are known, silent on those that say nothing."""

import math
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import stepsize as ss
from stepsize.finder.ramp import read_ramp
from tests.trainings import always_nan, bowl, deaf


@pytest.fixture(scope="module")
def found() -> ss.Range:
    return ss.find(bowl)


def test_the_range_ends_at_the_edge_of_stability(found: ss.Range) -> None:
    assert found.informative
    assert 0.05 < found.high < 0.4  # a quadratic of curvature 20 diverges above 0.1, in time
    assert found.low < found.suggestion < 0.1


def test_the_suggestion_trains(found: ss.Range) -> None:
    run = ss.drive(bowl, found.suggestion, steps=300)
    assert run.outcome == "finished"
    assert run.final("loss") < 0.05 * run.loss[0]


def test_the_same_seed_gives_the_same_range(found: ss.Range) -> None:
    assert ss.find(bowl).document() == found.document()


def test_a_loss_that_does_not_heed_the_rate_is_not_informative() -> None:
    found = ss.find(deaf)
    assert not found.informative
    assert math.isnan(found.suggestion)
    assert found.document()["suggestion"] is None
    assert str(found) == "not informative"
    assert found.evidence[0].advice


def test_a_loss_that_is_never_finite_is_not_informative() -> None:
    found = ss.find(always_nan)
    assert not found.informative
    assert found.evidence[0].kind == "broke"


def test_seeds_that_contradict_each_other_are_not_averaged() -> None:
    def moody(seed: int) -> Generator[Any, float, None]:
        x, lr = 1.0, (yield)
        while True:
            x -= lr * x * 1000.0**seed
            lr = yield x * x

    found = ss.find(moody, seeds=3)
    assert not found.informative
    assert "contradiction" in {finding.kind for finding in found.evidence}


def test_a_ramp_that_ends_too_low_says_that_more_may_be_usable() -> None:
    found = ss.find(bowl, high=1e-2)
    assert "edge" in {finding.kind for finding in found.evidence}


@pytest.mark.parametrize("noise", [0.0, 0.05, 0.2])
def test_a_ramp_is_read_through_noise(noise: float) -> None:
    rates = np.linspace(-6, 1, 200)
    clean = 2.0 - 1.5 / (1 + np.exp(-4 * (rates + 3))) + 3.0 / (1 + np.exp(-8 * (rates - 0)))
    ramp = read_ramp(rates, clean + noise * np.random.default_rng(1).standard_normal(200), complete=True)
    assert ramp.clear
    assert ramp.turned
    assert -4.2 < ramp.low < -3.0
    assert -0.7 < ramp.high < 0.2


def test_the_page_shows_the_range(found: ss.Range, tmp_path: Path) -> None:
    page = found.report(tmp_path / "range.html").read_text(encoding="utf-8")
    assert f"{found.suggestion:.2g}" in page
    assert "data-chart" in page


BAD_ARGUMENTS = {
    "zero": ({"low": 0.0}, "low"),
    "negative": ({"low": -1e-3}, "low"),
    "too narrow": ({"low": 0.1, "high": 0.2}, "high"),
    "few steps": ({"steps": 5}, "steps"),
    "no seeds": ({"seeds": 0}, "seeds"),
}


@pytest.mark.parametrize(("arguments", "word"), BAD_ARGUMENTS.values(), ids=BAD_ARGUMENTS)
def test_a_bad_argument_is_named(arguments: dict[str, Any], word: str) -> None:
    with pytest.raises(ss.InvalidSpace, match=word):
        ss.find(bowl, **arguments)


def test_an_error_of_the_training_is_passed_on_in_words() -> None:
    def broken(seed: int) -> Generator[Any, float, None]:
        lr = yield  # noqa: F841
        raise ValueError("wrong shape")

    with pytest.raises(ss.EngineError, match="wrong shape"):
        ss.find(broken)


def test_a_seed_that_breaks_leaves_the_others_with_their_own_runs() -> None:
    def first_breaks(seed: int) -> Generator[Any, float, None]:
        yield from always_nan(seed) if seed == 0 else bowl(seed)

    found = ss.find(first_breaks)
    assert [run.seed for run in found.runs] == [1, 2]
    assert len(found.ramps) == 2


def test_a_loss_that_is_seen_now_and_then_is_paired_with_the_rate_it_was_seen_at() -> None:
    def sparse(seed: int) -> Generator[Any, float, None]:
        inner, step, lr = bowl(seed), 0, (yield)
        next(inner)
        while True:
            loss = inner.send(lr)
            step += 1
            lr = yield {"loss": loss} if step % 3 == 0 else {}

    often, seldom = ss.find(bowl, steps=600), ss.find(sparse, steps=600)
    assert seldom.informative
    assert abs(np.log10(seldom.high / often.high)) < 0.3


def test_short_runs_say_which_rate_suits_the_length_for_at_most_one_full_run() -> None:
    found = ss.find(bowl, steps=400)
    assert found.informative
    assert found.low < found.suggestion < found.high
    assert sum(run.updates for run in found.runs) <= 400
    assert max(run.steps for run in found.runs) < 400
    run = ss.drive(bowl, ss.warmup_cosine(found.suggestion, 400, 20), steps=400)
    assert run.final("loss") < 0.01 * run.loss[0]


def test_what_training_is_given_besides_the_rate_reaches_the_short_runs() -> None:
    heard = []

    def training(seed: int, width: int) -> Generator[Any, float, None]:
        heard.append(width)
        yield from bowl(seed)

    ss.find(training, steps=200, settings={"width": 7})
    assert set(heard) == {7}


def test_the_page_of_short_runs_is_that_of_a_search(tmp_path: Path) -> None:
    found = ss.find(bowl, steps=200)
    assert "Where the best rate lies" in found.report(tmp_path / "range.html").read_text()
    assert found.document()["cost"] <= 1.0


def test_short_runs_that_do_not_heed_the_rate_are_not_informative() -> None:
    found = ss.find(deaf, steps=200)
    assert not found.informative
    assert math.isnan(found.suggestion)
