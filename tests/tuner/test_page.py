"""The page of a study, as a person meets it in a browser."""

import shlex
from pathlib import Path

import pytest

import stepsize as ss
from stepsize.report import number
from stepsize.tuner.page import _call
from tests.browser import Browser
from tests.trainings import bowl

BASIN = "final-loss-against-peak-learning-rate"
COST = "expected-cost-of-a-peak-other-than-the-recommended-one"
SCHEDULE = "learning-rate-over-the-run"


@pytest.fixture(scope="module")
def study() -> ss.Study:
    return ss.tune(bowl, budget=4.0, steps=160)


@pytest.fixture(scope="module")
def page(study: ss.Study, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return study.report(tmp_path_factory.mktemp("page") / "report.html")


def test_the_answer_comes_first(browser: Browser, page: Path, study: ss.Study) -> None:
    browser.open(page)
    first_screen = browser.run("return document.elementFromPoint(400, 150).closest('body').innerText.slice(0, 600)")
    assert f"peak learning rate of {study.rate:.3g}" in first_screen
    for words in ("Costs less than 1\u00a0%", "Twice too high costs", "Half as high costs"):
        assert words in first_screen
    low, high = study.range
    assert f"{low:.2g}" in first_screen
    assert f"{high:.2g}" in first_screen
    assert browser.complaints() == []


def test_every_run_can_be_read_off_the_chart(browser: Browser, page: Path, study: ss.Study) -> None:
    browser.open(page)
    shortest = min(r.trial.steps for r in study.decision.results)
    short = [r for r in study.decision.results if r.trial.steps == shortest and 0 < r.loss < 10]
    assert len(short) > 2
    for result in short:
        read = browser.hover(BASIN, 10**result.trial.rate)
        assert read[f"{shortest} updates, runs"] == number(result.loss)


def test_the_cost_at_twice_the_rate_is_the_one_in_the_answer(browser: Browser, page: Path, study: ss.Study) -> None:
    browser.open(page)
    read = browser.hover(COST, 2 * study.rate)
    assert float(read["expected cost"]) == pytest.approx(100 * study.cost_of(2), rel=0.25, abs=0.2)


def test_the_schedule_is_the_policy_s(browser: Browser, page: Path, study: ss.Study) -> None:
    browser.open(page)
    for step in (0, 80, 160):
        assert browser.hover(SCHEDULE, step)["lr"] == number(study.policy.lr(step))


def test_zooming_in_shows_part_of_the_learning_curves(browser: Browser, page: Path) -> None:
    browser.open(page)
    curves = "loss-while-training-coloured-by-peak-rate"
    _, end = browser.x_range(curves)
    browser.drag(curves, 0.1 * end, 0.4 * end)
    low, high = browser.x_range(curves)
    assert 0.05 * end < low < high < 0.45 * end


@pytest.mark.parametrize("width", [360, 1200])
def test_the_page_fits_the_screen_and_is_not_blank(browser: Browser, page: Path, width: int) -> None:
    browser.open(page, width=width)
    assert browser.run("return document.documentElement.scrollWidth <= window.innerWidth")
    inked = """
        const canvas = document.querySelector(`[data-chart="${arguments[0]}"] canvas`);
        const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
        const colours = new Set();
        for (let i = 0; i < pixels.length; i += 4) if (pixels[i + 3] > 200) colours.add(pixels.slice(i, i + 3).join());
        return colours.size;
    """
    assert browser.run(inked, BASIN) > 20
    assert len(browser.screenshot()) > 20_000


def test_the_page_tells_how_to_search_again(study: ss.Study, page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for words in ("ss.tune(  # bowl", "steps=160", "budget=4.0", "seed=0", "low=1e-06", "high=100.0"):
        assert words in text


def test_the_command_on_the_page_makes_the_same_search() -> None:
    space = {"weight_decay": (1e-3, 0.1), "warmup": (0.0, 0.2)}
    study = ss.tune(bowl, budget=2.0, steps=60, space=space, name="t.py:bowl", optimizer="sgd")
    words = shlex.split(_call(study.order).replace("\\\n", " "))
    assert words[:3] == ["stepsize", "tune", "t.py:bowl"]
    given = dict(zip(words[3::2], words[4::2], strict=True))
    assert (given["--steps"], given["--budget"], given["--optimizer"]) == ("60", "2.0", "sgd")
    assert [value for name, value in zip(words[3::2], words[4::2], strict=True) if name == "--space"] == [
        "weight_decay=0.001:0.1",
        "warmup=0:0.2",
    ]
