"""Saved and loaded, a training goes on as if it had not been interrupted; a change of plan is a choice."""

import keras
import numpy as np
import pytest

import stepsize as ss
from stepsize.keras import LearningRate, Optimizer, Schedules, build, replan
from tests.keras.backend.problem import (
    BACKEND,
    DECAY,
    RATE,
    SHARE,
    UPDATES,
    assert_followed,
    fit,
    keras_sgd,
    model,
    weights,
)

LONG = RATE.stretch(4)
OPTIMIZERS = {
    "a policy": lambda: build(ss.Policy(LONG, "adamw", weight_decay=DECAY.stretch(4)), clipnorm=3.0),
    "an optimizer of Keras": lambda: keras.optimizers.Adam(LearningRate(LONG)),
}


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_aioner_5_a_loaded_model_goes_on_as_if_uninterrupted(kind, tmp_path):
    # A schedule of one's own without get_config cannot be saved at all.
    whole, first = (model(OPTIMIZERS[kind]()) for _ in range(2))
    fit(whole, epochs=4)
    fit(first, epochs=2)
    first.save(tmp_path / "model.keras")
    second = keras.models.load_model(tmp_path / "model.keras")
    assert second.optimizer.get_config() == first.optimizer.get_config()
    assert int(second.optimizer.iterations) == 2 * UPDATES
    assert float(second.optimizer.learning_rate) == pytest.approx(LONG(2 * UPDATES), rel=1e-6)
    fit(second, epochs=2)
    np.testing.assert_allclose(weights(second), weights(whole), rtol=1e-6)


def test_checkpoints_and_backups_restore_the_position(tmp_path):
    whole = model(OPTIMIZERS["a policy"]())
    fit(whole, epochs=4)

    def interrupted():
        made = model(OPTIMIZERS["a policy"]())
        saves = keras.callbacks.ModelCheckpoint(tmp_path / "last.keras")
        return made, [saves, keras.callbacks.BackupAndRestore(tmp_path / "backup")]

    def stop(epoch, logs):
        if epoch == 2:
            raise KeyboardInterrupt

    made, callbacks = interrupted()
    with pytest.raises(KeyboardInterrupt):
        fit(made, epochs=4, callbacks=[*callbacks, keras.callbacks.LambdaCallback(on_epoch_begin=stop)])
    again, callbacks = interrupted()
    fit(again, epochs=4, callbacks=callbacks)
    np.testing.assert_allclose(weights(again), weights(whole), rtol=1e-6)
    last = keras.models.load_model(tmp_path / "last.keras")
    assert int(last.optimizer.iterations) == 4 * UPDATES


def test_saved_while_it_follows_an_optimizer_has_its_own_numbers_and_resumes(tmp_path):
    def made():
        return model(keras.optimizers.SGD(0.1, momentum=0.5))

    def schedules():
        return Schedules(momentum=SHARE.stretch(2), learning_rate=LONG)

    first = made()
    fit(first, callbacks=[schedules(), keras.callbacks.ModelCheckpoint(tmp_path / "model.keras")])
    second = keras.models.load_model(tmp_path / "model.keras")
    assert second.optimizer.momentum == 0.5
    fit(second, callbacks=[schedules()])
    assert_followed(second, keras_sgd(LONG, SHARE.stretch(2)), epochs=2)


def test_a_copy_by_configuration_is_equal():
    optimizer = OPTIMIZERS["a policy"]()
    copy = Optimizer.from_config(optimizer.get_config())
    assert copy.policy == optimizer.policy
    assert copy.get_config() == optimizer.get_config()
    assert keras.optimizers.deserialize(keras.optimizers.serialize(optimizer)).policy == optimizer.policy


def test_tensorflow_36612_a_plan_is_not_locked_in():
    # Keras cannot set the rate of an optimizer with a schedule: a callback that tries is a TypeError.
    plateau = keras.callbacks.ReduceLROnPlateau(monitor="loss", factor=0.5, patience=0, min_delta=1e9)
    for optimizer in (build(ss.Policy(LONG, "sgd")), keras.optimizers.SGD(LearningRate(LONG))):
        made = model(optimizer)
        with pytest.raises(TypeError, match="chedule"):
            fit(made, epochs=3, callbacks=[plateau])
        replan(made, 0.5 * LONG, how="adopt")
        assert float(made.optimizer.learning_rate) == pytest.approx(0.5 * LONG(int(optimizer.iterations)), rel=1e-6)


@pytest.mark.parametrize("kind", ["a policy", "an optimizer of Keras"])
def test_a_new_plan_reaches_a_train_step_that_was_compiled(kind):
    plan, later = ss.linear(0.2, 0.0, 4 * UPDATES), ss.linear(0.2, 0.1, 2 * UPDATES)
    optimizer = build(ss.Policy(plan, "sgd")) if kind == "a policy" else keras.optimizers.SGD(LearningRate(plan))
    made = model(optimizer)
    fit(made)
    replan(made, later, how="adopt")
    fit(made)
    assert_followed(made, keras_sgd(lambda k: (plan if k < UPDATES else later)(k)), epochs=2)


def test_a_changed_plan_is_refused_with_both_unless_a_choice_is_made():
    made = model(build(ss.Policy(ss.linear(0.2, 0.0, 40), "sgd")))
    fit(made)
    with pytest.raises(ss.InvalidSchedule) as refusal:
        replan(made, ss.linear(0.2, 0.0, 80))
    assert "linear(0.2, 0.0, 40)" in str(refusal.value)
    assert "linear(0.2, 0.0, 80)" in str(refusal.value)
    replan(made, ss.linear(0.2, 0.0, 40))  # the same: nothing to refuse
    replan(made, ss.linear(0.2, 0.0, 80), how="keep")
    assert made.optimizer.policy.lr == ss.linear(0.2, 0.0, 40)
    before = float(made.optimizer.learning_rate)
    replan(made, ss.linear(0.2, 0.0, 80), how="stretch")
    assert float(made.optimizer.learning_rate) == before
    assert made.optimizer.policy.lr.length == 80
    assert float(made.optimizer.learning_rate) == pytest.approx(made.optimizer.policy.lr(UPDATES))


def test_a_policy_changes_all_its_schedules_or_is_refused():
    old = ss.Policy(ss.linear(0.2, 0.0, 40), "sgd", weight_decay=ss.linear(0.1, 0.0, 40))
    made = model(build(old))
    new = ss.Policy(ss.linear(0.2, 0.0, 80), "sgd", weight_decay=ss.linear(0.1, 0.0, 80))
    replan(made, new, how="adopt")
    assert made.optimizer.policy == new
    for other in (ss.Policy(0.1, "adam"), ss.Policy(0.1, "sgd", weight_decay=0.1), ss.Policy(0.1, "sgd")):
        with pytest.raises(ss.InvalidPolicy, match="only schedules can change"):
            replan(made, other, how="adopt")
    with pytest.raises(ss.InvalidPolicy, match="no plan"):
        replan(model(keras.optimizers.SGD(0.1)), 0.2, how="adopt")


def test_the_rate_of_a_policy_can_be_set_to_another_schedule_and_to_nothing_else():
    optimizer = build(ss.Policy(RATE, "sgd"))
    optimizer.learning_rate = 0.5 * RATE
    assert optimizer.policy.lr == 0.5 * RATE
    optimizer.learning_rate = LearningRate(RATE)
    assert optimizer.policy.lr == RATE
    with pytest.raises(TypeError, match="another Schedule"):
        optimizer.learning_rate = 0.1
    assert BACKEND in ("tensorflow", "jax", "torch")
