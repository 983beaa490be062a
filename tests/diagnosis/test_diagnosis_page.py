"""The page of a diagnosis: what it says, what it draws and marks, as a person meets it in a browser."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepsize.diagnosis import Diagnosis, Reason
from stepsize.diagnosis.charts import curve_charts
from stepsize.diagnosis.page import diagnosis_page, runs_page
from stepsize.diagnosis.ranking import names
from stepsize.diagnosis.view import view_of
from stepsize.finding import Finding, Span
from stepsize.report import Chart, Page, Table, Text, number, render, save
from stepsize.run import Column, Run
from tests.browser import Browser

STEPS = 1_000
SPIKE = 300
NAN_FROM = 950


def run(**changes: Column) -> Run:
    """A run whose loss has a spike far above all, a slow bump, and is NaN at the end."""
    steps = np.arange(STEPS)
    rng = np.random.default_rng(0)
    loss = 0.5 + 2 * np.exp(-steps / 120) + rng.normal(0, 0.05, STEPS)
    loss[600:660] += 1.5
    loss[SPIKE] = 400.0
    loss[NAN_FROM:] = np.nan
    columns = {
        "loss": Column(steps, loss),
        "val_loss": Column(steps[::50], 0.6 + 2 * np.exp(-steps[::50] / 120)),
        "lr": Column(steps, 3e-2 * np.minimum(1, (steps + 1) / 100)),
        "grad_norm": Column(steps, np.exp(rng.normal(0, 0.4, STEPS))),
        "update_ratio": Column(steps, 1e-3 * np.exp(rng.normal(0, 0.2, STEPS))),
        **changes,
    }
    notes = ("the column `it` was taken for the clock",)
    return Run(columns, steps=1_250, source="runs/log.csv", settings={"optimizer": "adamw"}, notes=notes)


FINDINGS = (
    Finding(
        "nan",
        "The loss is NaN from update 950 on.",
        advice="Lower the rate to 0.01.",
        evidence=(("first_step", 950.0),),
        spans=(Span("loss", 950, 999, "NaN"),),
    ),
    Finding(
        "loss_spikes",
        "The loss jumped at update 600.",
        0.83,
        spans=(Span("loss", 600, 660), Span("grad_norm", 600, 660)),
        doubt="A change of the data at update 600.",
    ),
)
REASONS = (
    Reason("late_noise", 0.31, "the loss jumps about late in the run", 0.8),
    Reason("update_ratio", 1e-3, "the updates are of an ordinary size", -0.3),
)


def diagnosis(**changes: object) -> Diagnosis:
    chances = {"too_low": 0.01, "good": 0.05, "too_high": 0.94}
    missing = ("a validation loss",)
    known = Diagnosis("too_high", 0.94, chances, FINDINGS, run(), REASONS, missing, 0.01)
    return replace(known, **changes)  # type: ignore[arg-type]


UNDECIDED = {
    "verdict": "undecided",
    "confidence": 0.58,
    "chances": {"too_low": 0.2, "good": 0.22, "too_high": 0.58},
    "findings": (),
    "suggestion": None,
}


def texts(page: Page) -> dict[str, str]:
    """What each section says, by its title."""
    return {part.title: "\n".join(b.body for b in part.blocks if isinstance(b, Text)) for part in page.sections}


def charts(page: Page) -> dict[str, Chart]:
    return {block.title: block for part in page.sections for block in part.blocks if isinstance(block, Chart)}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return diagnosis().report(tmp_path_factory.mktemp("diagnosis") / "page.html")


def test_the_verdict_comes_first(browser: Browser, page: Path) -> None:
    browser.open(page)
    first_screen = browser.run("return document.elementFromPoint(400, 150).closest('body').innerText.slice(0, 400)")
    for words in ("0.03 is very likely too high. Try a peak of 0.01, 3× lower.", "right 94 times in 100"):
        assert words in first_screen
    assert browser.complaints() == []


def test_findings_are_marked_by_their_number_on_the_curve_they_name() -> None:
    page = diagnosis_page(diagnosis())
    titles = [part.title for part in page.sections]
    assert titles[:2] == ["1 · The loss is NaN from update 950 on.", "2 · The loss jumped at update 600."]
    drawn = charts(page)
    assert [(first, last, label) for first, last, label in drawn["Loss"].spans] == [
        (950, 999, "1 NaN"),
        (600, 660, "2"),
    ]
    assert drawn["Gradient norm"].spans == ((600, 660, "2"),)
    assert drawn["Learning rate"].spans == ()
    told = texts(page)[titles[1]]
    for words in ("Right 83 times in 100.", "loss, updates 600 to 660", "A change of the data at update 600."):
        assert words in told


def test_the_curves_can_be_read_in_the_browser(browser: Browser, page: Path) -> None:
    browser.open(page)
    assert float(browser.hover("loss", 200)["loss, median"]) == pytest.approx(0.5 + 2 * np.exp(-200 / 120), abs=0.1)
    assert browser.hover("learning-rate", 500)["lr"] == number(0.03)
    ranges = {browser.x_range(chart) for chart in ("loss", "learning-rate", "gradient-norm", "update-ratio")}
    assert len(ranges) == 1, "one above the other, the charts do not show the same stretch"


@pytest.mark.parametrize(("width", "dark"), [(360, False), (1200, True)])
def test_it_fits_the_screen(browser: Browser, page: Path, width: int, dark: bool) -> None:
    browser.open(page, width=width, dark=dark)
    assert browser.run("return document.documentElement.scrollWidth <= window.innerWidth")
    assert browser.complaints() == []


def test_a_spike_does_not_flatten_the_curve_and_is_told() -> None:
    loss = charts(diagnosis_page(diagnosis()))["Loss"]
    assert loss.y_range is not None
    assert loss.y_range[1] < 10
    assert "up to 400" in loss.note


def test_what_is_no_number_is_marked_where_no_finding_is() -> None:
    loss = charts(diagnosis_page(diagnosis(findings=())))["Loss"]
    assert loss.markers == ((NAN_FROM, "NaN"),)
    assert loss.spans == ((NAN_FROM, STEPS - 1, ""),)


def test_undecided_leads_to_the_experiment_that_decides() -> None:
    page = diagnosis_page(diagnosis(**UNDECIDED))
    assert page.answer.startswith("This log does not decide whether the peak learning rate of 0.03 was right.")
    assert "too high, would be right only 58 times in 100" in page.subtitle
    assert page.sections[0].title == "What would decide"
    document = render(page)
    for words in (
        "at 0.09, three times as high, and at 0.01",
        "--try train.py:training --steps 1250",
        "lr=0.0003:0.3",
        "a validation loss",
    ):
        assert words in document


def test_without_a_verdict_the_page_opens_with_the_first_finding() -> None:
    page = diagnosis_page(diagnosis(**{**UNDECIDED, "findings": FINDINGS}))
    assert page.answer == "The loss is NaN from update 950 on."
    assert page.subtitle.startswith("Lower the rate to 0.01. This log does not decide")


def test_the_measurements_and_the_log_are_on_the_page() -> None:
    document = render(diagnosis_page(diagnosis()))
    for words in (
        "late noise",
        "the loss jumps about late in the run",
        "-0.30",
        "the column `it` was taken for the clock",
        "stepsize diagnose runs/log.csv -o page.html",
        "with Adam the best peak lay between 2.1e-4 and 0.11",
        "This one is within.",
    ):
        assert words in document


def test_validation_by_epoch_has_a_chart_of_its_own_unless_the_log_maps_the_clocks() -> None:
    epochs = Column(np.arange(10), np.linspace(2, 1, 10), "epoch")
    apart = curve_charts(run(val_loss=epochs), ())
    assert [chart.title for chart in apart][:2] == ["Loss", "Validation loss"]
    assert apart[1].x_label == "epoch"
    counted = Column(np.arange(STEPS), np.arange(STEPS) // 100.0)
    seen = Finding("overfitting", "It rises.", spans=(Span("val_loss", 4, 9),))
    together = curve_charts(run(val_loss=epochs, epoch=counted), (seen,))[0]
    validation = next(series for series in together.series if series.label == "val_loss")
    known = [x for x, y in zip(validation.x, validation.y, strict=True) if np.isfinite(y)]
    assert known == [99.0 + 100 * epoch for epoch in range(10)]
    assert (499, 999, "1") in together.spans


def test_many_runs_are_a_table_and_a_section_each(browser: Browser, tmp_path: Path) -> None:
    good = diagnosis(verdict="good", confidence=0.999, findings=(), run=replace(run(), source="runs/good.csv"))
    page = runs_page([good, diagnosis()], "runs")
    overview, first, second = page.sections
    table = next(block for block in overview.blocks if isinstance(block, Table))
    assert [row[:3] for row in table.rows] == [
        ["too high", "log.csv", "94 in 100"],
        ["about right", "good.csv", "more than 99 in 100"],
    ]
    assert (page.answer, first.title, second.title) == ("2 runs: 1 too high, 1 about right.", "log.csv", "good.csv")
    browser.open(save(page, tmp_path / "runs.html"))
    assert browser.hover("loss-of-log-csv", 500)["loss, median"] != "–"
    assert browser.complaints() == []


def test_a_run_without_a_curve_still_has_a_page() -> None:
    page = diagnosis_page(Diagnosis("undecided", 0.0, {}, (), Run({})))
    assert page.subtitle == "It holds no training loss."
    assert charts(page) == {}
    assert render(page)


def test_a_million_points_make_a_page_of_ordinary_size() -> None:
    steps = np.arange(1_000_000)
    loss = 1 + 1 / (1 + steps / 1e4) + np.random.default_rng(0).normal(0, 0.1, steps.size)
    loss[123_456] = 50.0
    page = diagnosis_page(diagnosis(run=Run({"loss": Column(steps, loss)}), findings=()))
    raw = charts(page)["Loss"].series[0]
    assert 50.0 in raw.y
    assert len(render(page)) < 400_000


FLOATS = st.floats(allow_nan=True, allow_infinity=True, width=64)


@given(st.lists(FLOATS, min_size=1, max_size=60), st.sampled_from(["loss", "lr", "grad_norm"]), st.booleans())
def test_any_values_can_be_drawn(values: list[float], name: str, repeated: bool) -> None:
    steps = np.arange(len(values)) // (2 if repeated else 1)
    column = Column(steps, np.array(values))
    finding = Finding("nan", "Something.", spans=(Span(name, 0, float("inf")), Span("nowhere", 0, 1)))
    for chart in curve_charts(Run({name: column}), (finding,)):
        assert chart.y_range is None or chart.y_range[0] < chart.y_range[1]
    assert render(diagnosis_page(Diagnosis("too_low", 1.0, {}, (finding,), Run({name: column}))))


@given(st.integers(0, 2**32 - 1), st.floats(1e3, 1e12), st.integers(0, 299))
def test_one_wild_value_changes_the_view_of_none_of_the_others(seed: int, wild: float, at: int) -> None:
    curve = np.random.default_rng(seed).uniform(0.5, 2.0, 300)
    curve[at] = wild
    limits = view_of([curve]).limits
    assert limits is not None
    assert limits[1] < 10


def test_runs_are_called_by_what_tells_them_apart() -> None:
    def called(*sources: str) -> list[str]:
        return names([diagnosis(run=Run({}, source=source)) for source in sources])

    assert called("/data/a/log.csv", "/data/b/log.csv") == ["a", "b"]
    assert called("/data/a/1.csv", "/data/a/2.csv") == ["1.csv", "2.csv"]
    assert called("/data/a/log.csv", "/data/log.csv") == ["a", "log.csv"]
    assert called("/data/a/log.csv", "/data/b/log.csv", "/data/b/2.csv") == ["a", "b", "b/2.csv"]
    long = called(f"x/{'a' * 60}-1.csv", f"x/{'a' * 60}-2.csv")
    assert [len(name) for name in long] == [40, 40]
    assert long[0].endswith("-1.csv")
