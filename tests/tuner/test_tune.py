"""`tune` on real trainings: the answer, the study, the page."""

import math
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

import stepsize as ss
from stepsize.report import render
from stepsize.tuner import read_study
from stepsize.tuner.page import study_page
from tests.trainings import always_nan, bowl

STEPS = 240


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> ss.Study:
    return ss.tune(bowl, budget=4.0, steps=STEPS, out=tmp_path_factory.mktemp("study") / "study.db")


def test_the_policy_beats_what_is_three_times_higher_and_ten_times_lower(study: ss.Study) -> None:
    def median(rate: float) -> float:
        lr = ss.warmup_cosine(rate, STEPS, 12)
        return sorted(ss.drive(bowl, lr, STEPS, seed).final("loss") for seed in range(5))[2]

    assert median(study.rate) <= min(median(3 * study.rate), median(study.rate / 10))
    low, high = study.range
    assert low <= study.rate <= high


def test_the_policy_spans_the_full_run_and_its_best_run_followed_it(study: ss.Study) -> None:
    assert study.policy.lr.length == STEPS
    assert study.best.policy == study.policy
    assert study.best.updates == STEPS


def test_a_study_read_back_says_the_same(study: ss.Study) -> None:
    assert study.source is not None
    again = read_study(study.source)
    assert again.document() == study.document()
    assert render(study_page(again)) == render(study_page(study))


def test_resuming_a_finished_study_runs_nothing(study: ss.Study) -> None:
    def never(seed: int, weight_decay: float = 0.0) -> Generator[Any, float, None]:
        raise AssertionError("a run was made again")
        yield

    resumed = ss.tune(never, budget=4.0, steps=STEPS, out=study.source, resume=True, name="bowl")
    assert resumed.document() == study.document()


def test_more_budget_goes_on_from_what_there_is(tmp_path: Path) -> None:
    little = ss.tune(bowl, budget=1.5, steps=STEPS, out=tmp_path / "study.db")
    made: list[int] = []
    more = ss.tune(_delegating(made), budget=4.0, steps=STEPS, out=tmp_path / "study.db", resume=True, name="bowl")
    assert 0 < len(made) < len(more.runs)
    assert more.cost > little.cost
    assert more.decision.confirmed > little.decision.confirmed == 0


def _delegating(made: list[int]) -> Any:
    def counted(seed: int, weight_decay: float = 0.0) -> Generator[Any, float, None]:
        made.append(seed)
        yield from bowl(seed, weight_decay)

    return counted


def test_another_search_does_not_go_on_with_a_study(study: ss.Study) -> None:
    with pytest.raises(ss.InvalidSpace, match=f"steps is 300, the study has {STEPS}"):
        ss.tune(bowl, budget=4.0, steps=300, out=study.source, resume=True)
    with pytest.raises(ss.InvalidSpace, match="resume"):
        ss.tune(bowl, budget=4.0, steps=STEPS, out=study.source)


def test_divergence_is_evidence(study: ss.Study) -> None:
    kinds = {finding.kind for finding in study.evidence}
    assert {"confirmed", "horizon_shift", "diverged"} <= kinds
    diverged = [r.trial.rate for r in study.decision.results if not math.isfinite(r.loss)]
    assert diverged
    assert study.decision.rate < min(diverged)


def test_the_edge_of_the_bounds_is_reported() -> None:
    low = ss.tune(bowl, budget=3.0, steps=80, high=1e-3)
    assert [finding.kind for finding in low.evidence if finding.kind == "edge"] == ["edge"]


def test_overfitting_is_told_from_a_wrong_rate() -> None:
    def overfits(seed: int) -> Generator[Any, float, None]:
        loss, step, lr = 3.0, 0, (yield)
        while True:
            loss *= 1 - min(lr, 0.2)
            step += 1
            lr = yield {"loss": loss, "val_loss": loss + 0.0001 * step**2}

    found = ss.tune(overfits, budget=2.0, steps=100).evidence
    assert "overfitting" in {finding.kind for finding in found}


def test_a_space_is_searched_and_given_to_the_training() -> None:
    seen = set()

    def training(seed: int, weight_decay: float, width: int) -> Generator[Any, float, None]:
        seen.add(width)
        return (yield from bowl(seed, weight_decay))

    study = ss.tune(training, budget=4.0, steps=80, space={"weight_decay": (1e-3, 1.0), "width": [4, 8]})
    assert seen == {4, 8}
    assert set(study.settings) == {"weight_decay", "width"}


def test_a_setting_the_training_cannot_take_is_named_before_anything_runs() -> None:
    with pytest.raises(ss.InvalidTraining, match="width"):
        ss.tune(bowl, budget=2.0, steps=80, space={"width": [1, 2]})


def test_a_loss_that_is_never_finite_is_not_blamed_on_the_rate() -> None:
    with pytest.raises(ss.EngineError, match="NaN"):
        ss.tune(always_nan, budget=2.0, steps=80)


def test_a_training_that_raises_is_an_engine_error_and_the_study_goes_on_once_mended(tmp_path: Path) -> None:
    broken = True

    def training(seed: int) -> Generator[Any, float, None]:
        if broken:
            raise RuntimeError("no such file: data.csv")
        yield from bowl(seed)

    with pytest.raises(ss.EngineError, match=r"data\.csv"):
        ss.tune(training, budget=2.0, steps=80, out=tmp_path / "study.db")
    broken = False
    assert ss.tune(training, budget=2.0, steps=80, out=tmp_path / "study.db").policy.lr.length == 80


def test_a_metric_that_is_not_reported_is_named_with_those_that_are() -> None:
    with pytest.raises(ss.InvalidSpace, match=r"no 'val_loss'; it reported loss"):
        ss.tune(bowl, budget=2.0, steps=80, metric="val_loss")


BAD_ARGUMENTS = {
    "budget": ({"budget": 0.5, "steps": 10}, "budget"),
    "budget nan": ({"budget": float("nan"), "steps": 10}, "budget"),
    "no steps": ({}, "steps"),
    "zero steps": ({"steps": 0}, "steps"),
    "negative rate": ({"steps": 10, "low": -1.0}, "low"),
    "zero rate": ({"steps": 10, "low": 0.0}, "low"),
    "bounds crossed": ({"steps": 10, "low": 1.0, "high": 0.1}, "low"),
    "seed": ({"steps": 10, "seed": -1}, "seed"),
    "optimizer": ({"steps": 10, "optimizer": "adamm"}, "optimizer"),
    "schedule": ({"steps": 10, "schedule": "cosin"}, "schedule"),
    "endless schedule": ({"steps": 10, "schedule": ss.constant(1.0)}, "schedule"),
}


@pytest.mark.parametrize(("arguments", "word"), BAD_ARGUMENTS.values(), ids=BAD_ARGUMENTS)
def test_a_bad_argument_is_named_before_anything_runs(arguments: dict[str, Any], word: str) -> None:
    def never(seed: int) -> Generator[Any, float, None]:
        raise AssertionError("ran")
        yield

    with pytest.raises(ss.InvalidSpace, match=word):
        ss.tune(never, **arguments)


def flat(seed: int) -> Generator[Any, float, None]:
    lr = yield
    while True:
        lr = yield 1.0  # noqa: F841


def test_a_loss_that_never_moves_is_said_to_teach_nothing_and_still_has_a_page(tmp_path: Path) -> None:
    study = ss.tune(flat, budget=2.0, steps=60)
    assert study.evidence[0].kind == "no_gain"
    assert "do not decide" in study_page(study).answer
    assert study.report(tmp_path / "report.html").stat().st_size > 0


def test_two_seeds_with_one_result_are_noticed() -> None:
    def deterministic(seed: int) -> Generator[Any, float, None]:
        yield from bowl(0)

    study = ss.tune(deterministic, budget=20.0, steps=120)
    kinds = [finding.kind for finding in study.evidence]
    assert ("unseeded" in kinds) == (study.decision.confirmed >= 2)
    assert study.decision.confirmed >= 2


def test_a_metric_that_comes_late_is_measured_against_the_first_loss() -> None:
    def late(seed: int) -> Generator[Any, float, None]:
        inner, step, lr = bowl(seed), 0, (yield)
        next(inner)
        while True:
            loss = inner.send(lr)
            step += 1
            lr = yield {"loss": loss, "val_loss": loss} if step % 10 == 0 else {"loss": loss}

    study = ss.tune(late, budget=2.0, steps=100)
    assert study.order.metric == "val_loss"
    assert study.decision.basin.gain > 5  # from a loss near 10, not from where the tenth update left it
