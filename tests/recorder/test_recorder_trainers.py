"""The recorder as a callback of Lightning and of transformers: what it logs is what the trainers did."""

import math

import pytest

from tests.recorder import recorded_trainers as program


@pytest.fixture
def found(trained):
    return trained[program.__name__]


def of(found, way):
    if isinstance(found[way], str):
        pytest.skip(found[way])
    return found[way], found[way]["run"]


def means(values):
    return [(a + b) / 2 for a, b in zip(values[::2], values[1::2], strict=True)]


@pytest.mark.parametrize("way", ["with_lightning", "with_transformers"])
def test_the_training_has_the_same_bits_and_its_rates(found, way):
    did, run = of(found, way)
    assert did["same"]
    assert run["lr"] == [list(range(6)), did["lr"]]
    assert run["lr"][1] == pytest.approx(list(program.LR(range(6))))
    assert run["planned"] == 6
    assert run["settings"]["optimizer"] == "sgd"
    assert run["settings"]["batch_size"] == (8 if way == "with_lightning" else 4)


def test_lightning_gives_each_updates_loss_and_the_norm_before_clipping(found):
    did, run = of(found, "with_lightning")
    assert run["loss"] == [list(range(6)), pytest.approx(means(did["loss"]))]
    assert run["grad_norm"] == [list(range(6)), pytest.approx(did["grad_norm"])]
    assert len(run["update_ratio"][1]) == 6
    assert run["val_loss"][0] == [2, 5]


def test_transformers_shows_the_nan_that_its_own_log_hides(found):
    did, run = of(found, "with_transformers")
    assert not any(map(math.isnan, did["logged"]))
    assert math.isnan(run["loss"][1][2])
    # Its model was told how many tokens an update has, so that the losses of the batches are shares of the whole.
    others = [k for k in range(6) if k != 2]
    assert [run["loss"][1][k] for k in others] == pytest.approx([2 * means(did["loss"])[k] for k in others])
    assert run["loss"][1][:2] == pytest.approx(did["logged"][:2], abs=1e-3)


def test_transformers_gives_the_norm_before_clipping_and_the_evaluation(found):
    did, run = of(found, "with_transformers")
    assert run["grad_norm"][0] == list(range(6))
    known = [k for k in range(6) if k != 2]
    assert [run["grad_norm"][1][k] for k in known] == pytest.approx([did["grad_norm"][k] for k in known])
    assert max(run["grad_norm/clipped"][1][k] for k in known) <= 1 + 1e-5
    assert run["val_loss"] == [[2, 5], pytest.approx(did["val_loss"])]
