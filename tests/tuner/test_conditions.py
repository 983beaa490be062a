"""Settings that exist only under others, and settings that make a schedule, an optimizer or a batch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import stepsize as ss
from stepsize.cli.tune import parse_settings
from stepsize.tuner.check import check_space
from stepsize.tuner.space import Space, parse_space
from stepsize.tuner.trial import TEMPLATES, Recipe, Trial

TREE = {
    "optimizer": ["adamw", "momentum", "sgd"],
    "beta2": (0.9, 0.999),
    "momentum": (0.5, 0.99),
    "weight_decay": ss.when((1e-4, 1.0), optimizer=["adamw", "sgd"]),
    "schedule": ["warmup_cosine", "wsd", "constant"],
    "cooldown": (0.1, 0.5),
    "end": ss.when((0.0, 0.5), schedule="wsd", optimizer="sgd"),
    "batch_size": [16, 32, 64],
    "width": (4, 64),
}
CUBE = st.lists(st.floats(0, 1), min_size=len(TREE), max_size=len(TREE))


@given(CUBE)
def test_a_setting_exists_where_its_conditions_hold_and_nowhere_else(shares: list[float]) -> None:
    settings = dict(parse_space(TREE).settings(shares))
    optimizer, schedule = settings["optimizer"], settings["schedule"]
    assert ("beta2" in settings) == (optimizer == "adamw")
    assert ("momentum" in settings) == (optimizer == "momentum")
    assert ("weight_decay" in settings) == (optimizer in ("adamw", "sgd"))
    assert ("cooldown" in settings) == (schedule == "wsd")
    assert ("end" in settings) == (schedule == "wsd" and optimizer == "sgd")
    assert {"batch_size", "width"} <= settings.keys()


@given(CUBE)
def test_every_point_makes_a_policy_and_comes_back_from_its_settings(shares: list[float]) -> None:
    space, recipe = parse_space(TREE), Recipe(batch_size=32)
    settings = space.settings(shares)
    assert space.settings(space.shares(settings)) == settings
    policy = recipe.policy(Trial(-3.0, 100, 0, settings))
    assert policy.optimizer == dict(settings)["optimizer"]
    assert recipe.settings(Trial(-3.0, 100, 0, settings)).keys() == {"batch_size", "width"}


def test_the_search_starts_from_the_first_choice_and_from_the_middle_of_what_has_an_order() -> None:
    space = parse_space(
        {"optimizer": ["sgd", "adamw"], "batch_size": [8, 16, 32], "warmup": (0.0, 0.2), "beta2": (0.9, 0.99)}
    )
    assert dict(space.start) == {"optimizer": "sgd", "batch_size": 16, "warmup": 0.1}


def test_a_space_survives_its_document() -> None:
    space = parse_space({**TREE, "betas": [(0.9, 0.95), (0.9, 0.999)]}, "random")
    assert Space.from_document(space.document()) == space


def test_a_space_can_be_written_again_from_its_dimensions() -> None:
    space = parse_space(TREE)
    assert parse_space({d.name: d.entry for d in space}) == space
    assert parse_space(parse_settings(tuple(d.option for d in space))) == space
    assert repr(space[3].entry) == "ss.when((0.0001, 1.0), optimizer=['adamw', 'sgd'])"


NONSENSE = {
    "unknown name": ({"a": ss.when((0, 1), kind="x")}, "kind"),
    "a range": ({"a": ss.when((0, 1), b=0.5), "b": (0.0, 1.0)}, "'b'"),
    "unknown value": ({"a": ss.when((0, 1), b="z"), "b": ["x", "y"]}, "'z'"),
    "a cycle": ({"a": ss.when(["x", "y"], b="x"), "b": ss.when(["x", "y"], a="x")}, "a depends on b depends on a"),
    "itself": ({"a": ss.when(["x", "y"], a="x")}, "round"),
    "unknown optimizer": ({"optimizer": ["adamw", "lion"]}, "lion"),
    "a range of optimizers": ({"optimizer": "adamw"}, "optimizer"),
}


@pytest.mark.parametrize(("space", "word"), NONSENSE.values(), ids=NONSENSE)
def test_a_condition_that_can_never_be_answered_is_named(space: dict[str, object], word: str) -> None:
    with pytest.raises(ss.InvalidSpace, match=word):
        parse_space(space)


@pytest.mark.parametrize("conditions", [{}, {"a": []}], ids=["none", "one that never holds"])
def test_when_needs_a_condition(conditions: dict[str, object]) -> None:
    with pytest.raises(ss.InvalidSpace, match="when"):
        ss.when((0, 1), **conditions)


UNFIT = {
    "a setting out of range": ({"weight_decay": (-1.0, 1.0)}, Recipe(optimizer="adamw"), "weight_decay"),
    "no such template": ({"schedule": ["wsd", "bananas"]}, Recipe(), "bananas"),
    "a cooldown without one": ({"cooldown": (0.1, 0.5)}, Recipe("warmup_cosine"), "cooldown"),
    "an end of a constant": ({"end": (0.0, 0.5)}, Recipe("constant"), "end"),
    "warmup of a schedule of one's own": ({"warmup": (0.0, 0.1)}, Recipe(ss.cosine(1, 0, 10)), "schedule of your own"),
    "half a batch": ({"batch_size": (1.0, 8.0)}, Recipe(), "batch_size"),
    "no batch": ({"batch_size": [0, 8]}, Recipe(), "batch_size"),
    "growing layers": ({"layer_decay": (0.5, 2.0)}, Recipe(), "layer_decay"),
    "a negative scale": ({"lr_scale.head": [-1, 1]}, Recipe(), "lr_scale.head"),
}


@pytest.mark.parametrize(("space", "recipe", "word"), UNFIT.values(), ids=UNFIT)
def test_what_no_run_could_do_is_refused_before_the_first(space: dict[str, object], recipe: Recipe, word: str) -> None:
    with pytest.raises(ss.InvalidSpace, match=word):
        check_space(parse_space(space), recipe)


def test_the_command_line_writes_conditions_with_an_at() -> None:
    parsed = parse_settings(
        ("optimizer=adamw,momentum,sgd", "beta2=0.9:0.999@optimizer=adamw", "width=4,8@optimizer=sgd,adamw")
    )
    assert parsed["beta2"] == ss.when((0.9, 0.999), optimizer=["adamw"])
    assert parsed["width"] == ss.when([4, 8], optimizer=["sgd", "adamw"])
    with pytest.raises(ss.InvalidSpace, match="@name=value"):
        parse_settings(("a=1,2@optimizer",))


def test_the_shape_of_a_schedule_can_vary() -> None:
    def curve(**settings: object) -> ss.Schedule:
        return Recipe("warmup_cosine").policy(Trial(-2.0, 100, 0, tuple(settings.items()))).lr

    assert curve(warmup=0.2, end=0.1) == ss.warmup_cosine(0.01, 100, 20, 0.001)
    assert curve(schedule="wsd", warmup=0.0, cooldown=0.5, end=0.5) == ss.wsd(0.01, 100, 0, 50, 0.005)
    assert curve(schedule="constant")(99) == pytest.approx(0.01)


@pytest.mark.parametrize("name", TEMPLATES)
@given(warmup=st.floats(0, 0.99), cooldown=st.floats(0, 0.99), end=st.floats(0, 0.99), steps=st.integers(1, 500))
def test_every_shape_fits_every_length(name: str, warmup: float, cooldown: float, end: float, steps: int) -> None:
    lr = Recipe(name).curve(-2.0, steps, warmup, cooldown, end)
    assert lr.length == steps
    values = lr(np.arange(steps))
    assert (values > 0).all()
    assert values.max() <= 0.01 * 1.0001


def test_a_run_with_another_batch_sees_as_many_examples() -> None:
    recipe = Recipe(optimizer="sgd", batch_size=32)
    trials = {size: Trial(-2.0, 100, 0, (("batch_size", size),)) for size in (8, 32, 64, 10_000)}
    assert {size: recipe.steps(trial) for size, trial in trials.items()} == {8: 400, 32: 100, 64: 50, 10_000: 1}
    assert recipe.policy(trials[8]).lr.length == 400
    assert recipe.spent(trials[8], 400) == recipe.spent(trials[64], 50) == 100
    assert len({recipe.key(trial) for trial in trials.values()}) == 4


def test_a_training_without_a_batch_of_its_own_makes_the_updates_it_is_asked_for() -> None:
    trial = Trial(-2.0, 100, 0, (("batch_size", 8),))
    assert Recipe(optimizer="sgd").steps(trial) == 100
