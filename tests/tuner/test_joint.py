"""The joint search: each proposal at its own best rate, each optimizer from its own prior."""

import math
from collections.abc import Callable, Generator, Iterator
from typing import Any

import numpy as np
import pytest

import stepsize as ss
from stepsize.tuner.joint import joint
from stepsize.tuner.notes import Notes
from stepsize.tuner.plan import Plan, Result
from stepsize.tuner.prior import PRIORS
from stepsize.tuner.space import Pairs, Space, parse_space
from stepsize.tuner.surface import Told, expected, propose
from stepsize.tuner.trial import Trial
from stepsize.tuner.valley import Floor, Seen, Valleys

STEPS = 800
Loss = Callable[[dict[str, Any], float, int], float]


def bowl(distance: float) -> float:
    """Steeper above the optimum, infinite beyond the edge."""
    z = distance / (1.0 if distance < 0 else 0.5)
    return math.inf if distance > 0.9 else z * z / (1 + z * z)


def played(search: Generator[Any, Any, Any], loss: Loss) -> Any:
    try:
        trials = next(search)
        while True:
            trials = search.send(
                tuple(
                    Result(t, loss(dict(t.settings), t.rate, t.steps), 3.0, t.steps / STEPS * (1.0 if t else 0.1))
                    for t in trials
                )
            )
    except StopIteration as end:
        return end.value


def searched(space: Space, loss: Loss, limit: float = 3.0, duel: float = 1.0) -> tuple[Notes, Pairs]:
    """A bracket of five short runs, then the joint search over `limit` full-run equivalents."""
    optimizer = dict(space.start).get("optimizer")
    notes = Notes(Plan(STEPS, 20.0, -7.0, 2.0, PRIORS[optimizer], space, 0))
    for offset in (0.0, 1.0, -1.0, 0.5, -0.5):
        trial = Trial(round(PRIORS[optimizer][0] + offset, 4), notes.plan.short, 0, space.start)
        played(notes.ask(trial), loss)
    limit += notes.spent
    return notes, played(joint(notes, space.start, limit, limit + duel), loss)


@pytest.mark.parametrize("sampler", ["surface", "random", "tpe"])
def test_each_optimizer_is_judged_at_its_own_best_rate(sampler: str) -> None:
    space = parse_space({"optimizer": ["adamw", "sgd"], "width": (0.0, 1.0)}, sampler)

    def loss(settings: dict[str, Any], rate: float, steps: int) -> float:
        # Two decades apart; at any one rate the worse optimizer looks better.
        best, floor = {"adamw": (-3.0, 1.2), "sgd": (-0.7, 1.0)}[settings["optimizer"]]
        return floor + 0.1 * (settings["width"] - 0.4) ** 2 + 2 * bowl(rate - best)

    notes, chosen = searched(space, loss)
    assert dict(chosen)["optimizer"] == "sgd"
    first = next(r.trial.rate for r in notes.results if dict(r.trial.settings)["optimizer"] == "sgd")
    assert abs(first - PRIORS["sgd"][0]) < 0.8


@pytest.mark.parametrize("best", [0.1, 0.5, 0.9])
def test_settings_are_found_though_they_move_the_rate(best: float) -> None:
    space = parse_space({"width": (0.0, 1.0), "kind": ["a", "b", "c"]})

    def loss(settings: dict[str, Any], rate: float, steps: int) -> float:
        worse = {"a": 0.2, "b": 0.0, "c": 0.4}[settings["kind"]]
        return 1 + worse + (settings["width"] - best) ** 2 + 2 * bowl(rate + 2 + 0.6 * (settings["width"] - 0.5))

    _, chosen = searched(space, loss, limit=4.0)
    assert dict(chosen)["kind"] == "b"
    assert abs(dict(chosen)["width"] - best) < 0.25


def test_a_choice_that_does_not_last_is_not_shipped() -> None:
    space = parse_space({"kind": ["sound", "short"]})

    def loss(settings: dict[str, Any], rate: float, steps: int) -> float:
        shines = settings["kind"] == ("short" if steps <= STEPS / 8 else "sound")
        return (1.0 if shines else 1.3) + 2 * bowl(rate + 2)

    notes, chosen = searched(space, loss)
    assert dict(chosen) == {"kind": "sound"}
    assert {dict(r.trial.settings)["kind"] for r in notes.results if r.trial.steps == notes.plan.middle} == {
        "sound",
        "short",
    }


def test_it_keeps_to_what_it_may_spend() -> None:
    space = parse_space({"width": (0.0, 1.0)})
    for limit in (0.2, 1.0, 2.5):
        notes, _ = searched(space, lambda settings, rate, steps: settings["width"] + bowl(rate + 2), limit)
        short = sum(r.cost for r in notes.results if r.trial.steps == notes.plan.short)
        assert short <= 5 / 8 + limit + 1e-9
        assert notes.spent <= 5 / 8 + limit + 1.0 + 1e-9


def test_a_small_space_is_exhausted_and_then_left() -> None:
    space = parse_space({"kind": ["a", "b"], "other": [1, 2]})
    notes, chosen = searched(space, lambda s, rate, steps: s["other"] + (s["kind"] == "a") + bowl(rate + 2), 20.0)
    assert dict(chosen) == {"kind": "b", "other": 1}
    assert len({r.trial.settings for r in notes.results}) == 4


def test_settings_that_only_diverge_are_never_chosen() -> None:
    space = parse_space({"kind": ["fine", "broken"]})
    _, chosen = searched(space, lambda s, rate, steps: math.inf if s["kind"] == "broken" else 1 + bowl(rate + 2))
    assert dict(chosen) == {"kind": "fine"}


def test_the_floor_and_the_optimum_are_read_off_a_few_runs() -> None:
    space = parse_space({"width": (0.0, 1.0)})
    settings = (("width", 0.5),)
    runs = [Seen(settings, rate, 1 + 2 * bowl(rate + 2.3)) for rate in (-3.5, -2.5, -2.0)]
    valley = Valleys(runs, 3.0, space, (-2.0, 1.0)).at(settings)
    assert -2.9 < valley.recommended() < -2.1
    assert abs(valley.floor.mean) < 0.06
    assert valley.left() < 0.1


def test_where_the_rate_of_new_settings_lies_is_learned_from_others() -> None:
    space = parse_space({"width": (0.0, 1.0)})
    seen = [
        Seen((("width", width),), rate, 1 + 2 * bowl(rate + 2 - width))
        for width in (0.0, 0.5)
        for rate in (-3.0 + width, -2.0 + width, -1.6 + width)
    ]
    mean, sd = Valleys(seen, 3.0, space, (-2.0, 1.0)).expected((("width", 1.0),))
    assert -1.5 < mean < -0.8
    assert sd < 0.7


def test_what_everybody_knows_of_momentum_and_batches_is_known() -> None:
    space = parse_space({"optimizer": ["momentum"], "momentum": (0.5, 0.99), "batch_size": [16, 64, 256]})
    valleys = Valleys([], 1.0, space, PRIORS["momentum"])

    def rate(momentum: float, batch_size: int) -> float:
        return valleys.expected((("optimizer", "momentum"), ("momentum", momentum), ("batch_size", batch_size)))[0]

    assert rate(0.99, 64) == pytest.approx(rate(0.9, 64) - 1)
    assert 0.5 <= (rate(0.9, 256) - rate(0.9, 64)) / math.log10(4) <= 1


def test_the_surface_proposes_what_is_new_and_shrinks_what_was_luck() -> None:
    space = parse_space({"a": (0.0, 1.0), "b": (0.0, 1.0)})
    points = [space.settings(row) for row in np.random.default_rng(0).random((12, 2)).tolist()]
    told = [Told(p, Floor(0.3 * (dict(p)["a"] - 0.3) ** 2, 0.02)) for p in points]
    proposed = propose(told, space)
    assert proposed is not None
    assert proposed not in points
    assert proposed == propose(told, space)
    lucky = max(range(12), key=lambda place: told[place].floor.mean)
    told[lucky] = Told(points[lucky], Floor(0.0, 0.2))
    assert int(np.argmin(expected(told, space))) != lucky


def quadratic(seed: int, optimizer: str, batch_size: int = 8, momentum: float = 0.0) -> Iterator[float]:
    random = np.random.default_rng(seed)
    weights, velocity = 2 * random.normal(size=6), np.zeros(6)
    lr = yield  # type: ignore[misc]
    while True:
        slope = np.linspace(0.1, 1, 6) * weights + random.normal(size=6) / batch_size
        velocity = (momentum if optimizer == "momentum" else 0.0) * velocity + slope
        weights = weights - lr * velocity
        lr = yield float(weights @ weights)


def test_a_generator_is_told_the_optimizer_and_what_belongs_to_it() -> None:
    space = {"optimizer": ["sgd", "momentum"], "momentum": (0.5, 0.95), "batch_size": [4, 8, 16]}
    study = ss.tune(quadratic, 4, 160, space=space)
    assert study.policy.optimizer in ("sgd", "momentum")
    for result in study.decision.results:
        settings = dict(result.trial.settings)
        assert ("momentum" in settings) == (settings["optimizer"] == "momentum")
    assert study.settings.keys() == {"batch_size"}
    assert study.policy.lr.length == 160
    again = ss.tune(quadratic, 4, 160, space=space)
    assert [r.trial for r in again.decision.results] == [r.trial for r in study.decision.results]


def test_the_report_shows_a_search_with_conditions(tmp_path) -> None:
    space = {"optimizer": ["sgd", "momentum"], "momentum": ss.when((0.5, 0.95), optimizer="momentum")}
    page = ss.tune(quadratic, 2, 80, space=space, sampler="random").report(tmp_path / "report.html").read_text()
    assert "ss.when" in page
    assert "sampler=" in page
