"""Lightning and transformers take a Scheduler as it is: accumulation, a checkpoint, a resume, their logs."""

import pytest

from tests.torch import trainers as program


@pytest.fixture
def found(trained):
    return trained[program.__name__]


@pytest.mark.parametrize("trainer", ["with_lightning", "with_transformers"])
def test_each_update_uses_its_value_across_a_resume(found, trainer):
    if isinstance(found[trainer], str):
        pytest.skip(found[trainer])
    assert found[trainer]["stop"] == program.STOP
    assert found[trainer]["used"] == [program.LR(k) for k in range(program.UPDATES)]


@pytest.mark.parametrize("trainer", ["with_lightning", "with_transformers"])
def test_its_log_shows_the_values_used(found, trainer):
    if isinstance(found[trainer], str):
        pytest.skip(found[trainer])
    assert sorted(set(found[trainer]["logged"])) == pytest.approx([program.LR(k) for k in range(program.STOP)])
