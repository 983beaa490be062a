"""Optuna: its samplers propose, its storages hold what we found, and its studies say where to begin."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

import stepsize as ss

SPACE = {"optimizer": ["sgd", "momentum"], "momentum": (0.5, 0.99), "weight_decay": (1e-4, 1.0), "width": [1, 2, 4]}


def training(
    seed: int, optimizer: str = "sgd", momentum: float = 0.0, weight_decay: float = 0.0, width: int = 1
) -> Iterator[float]:
    """A noisy quadratic under a heavy ball."""
    random = np.random.default_rng(seed)
    weights, velocity = random.normal(size=8), np.zeros(8)
    lr = yield  # type: ignore[misc]
    while True:
        slope = np.linspace(0.1, 2, 8) * weights + weight_decay * weights + random.normal(size=8) / (10 * width)
        velocity = momentum * velocity + slope
        weights = weights - lr * velocity
        lr = yield float(weights @ weights)


def search(**options: Any) -> ss.Study:
    return ss.tune(training, 3, 80, metric="loss", **{"space": SPACE, "sampler": "tpe", **options})


@pytest.fixture(autouse=True)
def _few_words() -> Iterator[None]:
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    yield
    optuna.logging.set_verbosity(before)


def decisions(study: ss.Study) -> list[Any]:
    return [(r.trial, r.loss) for r in study.decision.results]


@pytest.fixture(scope="module")
def study() -> ss.Study:
    return search()


@pytest.mark.parametrize("sampler", ["tpe", "gp", optuna.samplers.TPESampler(seed=3, n_startup_trials=2)])
def test_the_same_results_lead_to_the_same_proposals(sampler: Any) -> None:
    first, again = search(sampler=sampler), search(sampler=sampler)
    assert decisions(first) == decisions(again)
    assert len({trial.settings for trial, _ in decisions(first)}) > 2


def test_a_search_that_was_stopped_goes_on_as_if_it_had_not_been(study: ss.Study, tmp_path: Path) -> None:
    made = 0

    def fragile(seed: int, **settings: Any) -> Iterator[float]:
        nonlocal made
        made += 1
        if made == 12:
            raise KeyboardInterrupt
        return (yield from training(seed, **settings))

    with pytest.raises(KeyboardInterrupt):
        ss.tune(fragile, 3, 80, metric="loss", space=SPACE, sampler="tpe", out=tmp_path / "s.db", name="training")
    resumed = search(out=tmp_path / "s.db", resume=True, name="training")
    assert decisions(resumed) == decisions(study)


def test_another_sampler_is_another_search(study: ss.Study, tmp_path: Path) -> None:
    search(out=tmp_path / "s.db")
    with pytest.raises(ss.InvalidSpace, match="space"):
        search(out=tmp_path / "s.db", resume=True, sampler="random")


@pytest.mark.parametrize("sampler", ["best", 3, optuna.pruners.MedianPruner()], ids=["name", "number", "pruner"])
def test_a_sampler_that_is_none_is_named(sampler: Any) -> None:
    with pytest.raises(ss.InvalidSpace, match="sampler must be"):
        search(sampler=sampler)


def test_a_sampler_whose_package_is_missing_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stepsize.tuner.optuna.sampler.find_spec", lambda name: None)
    with pytest.raises(ss.MissingExtra, match="pip install cmaes"):
        search(sampler="cma")


STORAGES = {
    "memory": lambda folder: None,
    "sqlite": lambda folder: f"sqlite:///{folder}/optuna.db",
    "journal": lambda folder: JournalStorage(JournalFileBackend(str(folder / "optuna.log"))),
}


@pytest.mark.parametrize("storage", STORAGES.values(), ids=STORAGES)
def test_what_was_found_can_be_read_back_from_its_storages(study: ss.Study, storage: Any, tmp_path: Path) -> None:
    place = storage(tmp_path)
    made = study.to_optuna(place, name="mine")
    kept = made if place is None else optuna.load_study(study_name="mine", storage=storage(tmp_path))
    assert len(kept.trials) == len(study.runs)
    for trial, result, run in zip(kept.trials, study.decision.results, study.runs, strict=True):
        assert trial.params["lr"] == pytest.approx(10**result.trial.rate, rel=0.006)
        assert {name: v for name, v in trial.params.items() if name != "lr"} == dict(result.trial.settings)
        assert ("momentum" in trial.params) == (trial.params["optimizer"] == "momentum")
        assert trial.user_attrs["steps"] == result.trial.steps
        assert trial.user_attrs["horizon"] == result.trial.steps / 80
        if math.isfinite(result.loss):
            assert (trial.state, trial.value) == (TrialState.COMPLETE, result.loss)
            assert trial.intermediate_values[run.columns["loss"].step[-1]] == run.loss[-1]
        else:
            assert trial.state == TrialState.PRUNED
            assert trial.user_attrs["reason"] == run.reason
    assert kept.user_attrs["policy"] == study.policy.document()
    assert any(trial.state == TrialState.PRUNED for trial in kept.trials)


def test_a_sampler_of_optuna_can_go_on_from_what_was_found(study: ss.Study) -> None:
    made = study.to_optuna()
    made.sampler = optuna.samplers.TPESampler(seed=0)
    lr = made.trials[0].distributions["lr"]
    assert made.ask({"lr": lr}).params["lr"] > 0


def test_a_name_that_is_taken_is_refused(study: ss.Study, tmp_path: Path) -> None:
    study.to_optuna(f"sqlite:///{tmp_path}/o.db")
    with pytest.raises(ss.InvalidSpace, match="another name"):
        study.to_optuna(f"sqlite:///{tmp_path}/o.db")


def earlier(best: float, edge: float = math.inf, name: str = "lr", **fixed: Any) -> optuna.Study:
    """A random search of Optuna, whose best rate is `best` and which fails above `edge`."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))

    def objective(trial: optuna.Trial) -> float:
        rate = math.log10(trial.suggest_float(name, 1e-6, 1e1, log=True))
        for setting, choices in fixed.items():
            trial.suggest_categorical(setting, choices)
        return math.nan if rate > edge else (rate - best) ** 2

    study.optimize(objective, n_trials=40)
    return study


@pytest.mark.parametrize("best", [-4.0, -2.0, 0.0])
def test_the_trials_of_an_earlier_study_say_where_the_rate_lies(best: float) -> None:
    mean, sd = search(prior=earlier(best, name="learning_rate"), space=None, sampler="surface").order.plan.prior
    assert abs(mean - best) < 0.4
    assert 0.2 < sd < 0.8


def test_a_failure_is_a_rate_to_stay_below() -> None:
    mean, _ = search(prior=earlier(0.0, edge=-1.5), space=None, sampler="surface").order.plan.prior
    assert mean <= -1.5


def test_the_best_settings_of_an_earlier_study_are_tried_first() -> None:
    known = earlier(-1.0, optimizer=["Momentum"], width=[4], unknown=["x"])
    study = search(prior=known, sampler="surface")
    first = [
        s for s in dict.fromkeys(r.trial.settings for r in study.decision.results) if s != study.order.plan.space.start
    ]
    assert {"optimizer": "momentum", "width": 4}.items() <= dict(first[0]).items()
    assert dict(study.order.plan.space.rates).keys() == {"momentum"}


def test_what_was_found_is_a_prior_again(study: ss.Study) -> None:
    again = search(prior=study.to_optuna(), sampler="surface")
    assert abs(again.order.plan.prior[0] - study.decision.rate) < 1.0
    assert study.decision.settings in again.order.plan.space.first


def test_a_rate_can_be_given_as_a_prior() -> None:
    study = search(prior=(0.3, 0.4), space=None, sampler="surface")
    assert study.order.plan.prior == pytest.approx((math.log10(0.3), 0.4))


def _without_rate() -> optuna.Study:
    return earlier(0.0, name="width")


def _two_objectives() -> optuna.Study:
    return optuna.create_study(directions=["minimize", "maximize"])


NO_PRIORS = {
    "no rate": (_without_rate, "learning rate"),
    "empty": (optuna.create_study, "no trial"),
    "two objectives": (_two_objectives, "objectives"),
    "one number": (lambda: 1e-3, "decades"),
    "a negative rate": (lambda: (-1.0, 1.0), "above 0"),
}


@pytest.mark.parametrize(("make", "word"), NO_PRIORS.values(), ids=NO_PRIORS)
def test_what_is_no_prior_says_why(make: Any, word: str) -> None:
    with pytest.raises(ss.InvalidSpace, match=word):
        search(prior=make())
