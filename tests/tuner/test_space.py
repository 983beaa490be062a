"""Spaces and recipes: what a search may vary, and how a trial becomes a policy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import stepsize as ss
from stepsize.tuner.order import Order, order
from stepsize.tuner.space import fields, parse_space, spread_points
from stepsize.tuner.trial import TEMPLATES, Recipe, Trial

BAD_SPACES = {
    "reversed": ({"weight_decay": (0.3, 1e-4)}, "weight_decay"),
    "one number": ({"weight_decay": 0.1}, "weight_decay"),
    "three numbers": ({"weight_decay": (1, 2, 3)}, "weight_decay"),
    "no choice": ({"batch_size": []}, "batch_size"),
    "text range": ({"width": ("a", "b")}, "width"),
    "infinite": ({"width": (1.0, float("inf"))}, "width"),
    "warmup beyond the run": ({"warmup": (0.0, 2.0)}, "warmup"),
    "beta of one": ({"beta2": (0.9, 1.0)}, "beta2"),
    "the rate itself": ({"lr": (1e-5, 1.0)}, "low and high"),
}


@pytest.mark.parametrize(("space", "word"), BAD_SPACES.values(), ids=BAD_SPACES)
def test_a_space_that_makes_no_sense_names_the_entry(space: dict[str, object], word: str) -> None:
    with pytest.raises(ss.InvalidSpace, match=word):
        parse_space(space)


@given(st.floats(0, 1))
def test_a_range_is_covered_from_end_to_end_and_never_left(share: float) -> None:
    space = parse_space({"weight_decay": (1e-4, 0.3), "warmup": (0.0, 0.2), "beta2": (0.9, 0.999), "width": (4, 64)})
    for dimension in space:
        value = dimension.at(share)
        assert dimension.low - 1e-9 <= value <= dimension.high + 1e-9
        assert dimension.at(0.0) == pytest.approx(dimension.low)
        assert dimension.at(1.0) == pytest.approx(dimension.high)
    assert isinstance(space[3].at(share), int)


def test_wide_ranges_are_searched_by_ratios_and_betas_by_their_distance_from_one() -> None:
    decay, beta = parse_space({"weight_decay": (1e-4, 1.0), "beta2": (0.9, 0.999)})
    assert decay.at(0.5) == pytest.approx(1e-2)
    assert beta.at(0.5) == pytest.approx(0.99)


def test_every_choice_is_reached() -> None:
    (batch,) = parse_space({"batch_size": [32, 64, 128]})
    assert {batch.at(share) for share in np.linspace(0, 1, 20)} == {32, 64, 128}


@given(count=st.integers(8, 64), dimensions=st.integers(1, 6))
def test_spread_points_start_in_the_middle_and_leave_no_side_empty(count: int, dimensions: int) -> None:
    points = spread_points(count, dimensions)
    assert points[0].tolist() == pytest.approx([0.5] * dimensions)
    assert ((points >= 0) & (points < 1)).all()
    for axis in points.T:
        assert len(np.unique(axis.round(9))) == count
        assert (axis < 0.5).sum() >= count // 4
        assert (axis >= 0.5).sum() >= count // 4


@pytest.mark.parametrize("name", TEMPLATES)
@given(steps=st.integers(1, 5_000), warmup=st.floats(0, 0.99), rate=st.floats(-6, 1))
def test_every_template_fits_every_length(name: str, steps: int, warmup: float, rate: float) -> None:
    curve = Recipe(name).curve(rate, steps, warmup)
    assert curve.length == steps
    assert curve(np.arange(steps)).max() <= 10**rate * 1.01
    assert curve(0) > 0


def test_a_schedule_of_ones_own_keeps_its_shape_at_any_peak_and_length() -> None:
    own = ss.linear(0.0, 0.5, 100) >> ss.cosine(0.5, 0.1, 300)
    curve = Recipe(own).curve(-2.0, 40)
    assert curve.length == 40
    assert curve(10) == pytest.approx(0.01)
    assert curve(40) == pytest.approx(0.002)


def test_settings_go_to_the_policy_or_to_the_training() -> None:
    settings = tuple({"weight_decay": 0.1, "beta2": 0.95, "warmup": 0.1, "batch_size": 32}.items())
    trial = Trial(-3.0, 100, 0, settings)
    named = Recipe("warmup_cosine", "adamw")
    assert named.policy(trial) == ss.Policy(
        ss.warmup_cosine(1e-3, 100, 10), "adamw", weight_decay=0.1, betas=(0.9, 0.95)
    )
    assert named.settings(trial) == {"batch_size": 32}
    own = Recipe("warmup_cosine", None)
    assert own.settings(trial) == {"weight_decay": 0.1, "beta2": 0.95, "batch_size": 32}


def test_equal_keys_mean_equal_runs() -> None:
    recipe = Recipe("wsd", "sgd")
    trials = [Trial(r, n, s, z) for r in (-2.0, -1.0) for n in (50, 100) for s in (0, 1) for z in ((), (("width", 4),))]
    assert len({recipe.key(trial) for trial in trials}) == len(trials)


@given(
    budget=st.floats(1, 100), steps=st.integers(1, 10**6), seed=st.integers(0, 100),
    schedule=st.sampled_from(["wsd", ss.linear(1.0, 0.0, 10)]),
)  # fmt: skip
def test_an_order_survives_its_document(budget: float, steps: int, seed: int, schedule: object) -> None:
    space = {"weight_decay": (1e-4, 0.3), "betas": [(0.9, 0.95), (0.9, 0.999)]}
    made = order(
        "t", "loss", steps=steps, budget=budget, optimizer="adam", schedule=schedule,  # type: ignore[arg-type]
        low=1e-5, high=1.0, space=space, seed=seed, sampler="random",
    )  # fmt: skip
    assert Order.from_document(made.document()) == made


def test_names_filled_by_position_come_back() -> None:
    assert fields(parse_space({"a": [1, 2], "b": (0.0, 1.0)}), [0.9, 0.25]) == {"a": 2, "b": 0.25}


def test_a_schedule_in_shares_of_the_run_is_put_over_each_length():
    recipe = Recipe(schedule=ss.wsd(1.0, "100%", "10%", "20%"))
    for steps in (50, 400):
        lr = recipe.curve(-2.0, steps)
        assert lr.length == steps
        assert lr(steps // 10) == pytest.approx(0.01)
        assert lr(steps * 8 // 10 - 1) == pytest.approx(0.01)
