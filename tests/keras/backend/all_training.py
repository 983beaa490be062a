"""In training, each update uses the schedule's value at its number: the weights are those worked out by hand."""

import keras
import numpy as np
import pytest
from keras import ops

import stepsize as ss
from stepsize.keras import LearningRate, Schedules, build, following
from tests.keras.backend.problem import (
    BACKEND,
    BOUND,
    DECAY,
    RATE,
    SHARE,
    START,
    UPDATES,
    X,
    Y,
    assert_followed,
    fit,
    keras_sgd,
    model,
    weights,
)

SGD, Adam = keras.optimizers.SGD, keras.optimizers.Adam


def test_a_learning_rate_is_followed():
    made = model(SGD(LearningRate(RATE)))
    fit(made)
    assert_followed(made, keras_sgd(RATE))


def test_keras_16517_weight_decay_follows_a_schedule_too():
    # Keras' AdamW takes a schedule as weight_decay, and then fit raises a TypeError. Also asked for in tf-keras#614.
    adamw = build(ss.Policy(RATE, "adamw", betas=(0.0, 0.0), eps=1.0, weight_decay=DECAY))
    made = model(adamw, jit_compile=BACKEND != "torch")

    def update(k, w, g, state):
        return w * (1 - RATE(k) * DECAY(k)) - RATE(k) * g / (np.abs(g) + 1.0)

    fit(made)
    assert_followed(made, update)


def test_every_setting_of_a_policy_follows_at_once():
    policy = ss.Policy(RATE, "momentum", momentum=SHARE, dampening=0.5 * SHARE, weight_decay=DECAY)
    made = model(build(policy))

    def update(k, w, g, state):
        g = g + DECAY(k) * w
        state["v"] = SHARE(k) * state.get("v", 0.0) + (g if k == 0 else (1 - 0.5 * SHARE(k)) * g)
        return w - RATE(k) * state["v"]

    fit(made)
    assert_followed(made, update)


def adam_beta(k, w, g, state):
    beta = SHARE(k)
    state["m"] = beta * state.get("m", 0.0) + (1 - beta) * g
    state["v"] = 0.9 * state.get("v", 0.0) + 0.1 * g * g
    alpha = 0.1 * np.sqrt(1 - 0.9 ** (k + 1)) / (1 - beta ** (k + 1))
    return w - alpha * state["m"] / (np.sqrt(state["v"]) + 1e-3)


def clip_norm(k, w, g, state):
    return w - 0.1 * g * BOUND(k) / max(np.linalg.norm(g), BOUND(k))


FOLLOWED = {
    "momentum": (lambda: SGD(0.1, momentum=0.5), {"momentum": SHARE}, keras_sgd(momentum=SHARE)),
    "nesterov, rate and decay": (
        lambda: SGD(0.1, momentum=0.5, nesterov=True),
        {"momentum": SHARE, "learning_rate": RATE, "weight_decay": DECAY},
        keras_sgd(RATE, SHARE, DECAY, nesterov=True),
    ),
    "beta": (lambda: Adam(0.1, beta_2=0.9, epsilon=1e-3), {"beta_1": SHARE}, adam_beta),
    "clipnorm": (lambda: SGD(0.1), {"clipnorm": BOUND}, clip_norm),
    "global_clipnorm": (lambda: SGD(0.1), {"global_clipnorm": BOUND}, clip_norm),
    "clipvalue": (
        lambda: SGD(0.1),
        {"clipvalue": BOUND},
        lambda k, w, g, state: w - 0.1 * np.clip(g, -BOUND(k), BOUND(k)),
    ),
    "a number in place of a learning rate on a schedule": (
        lambda: SGD(LearningRate(RATE)),
        {"learning_rate": 0.05},
        keras_sgd(lambda k: 0.05),
    ),
}


@pytest.mark.parametrize("name", FOLLOWED)
def test_any_hyperparameter_of_an_optimizer_of_keras_follows(name):
    make, schedules, update = FOLLOWED[name]
    made = model(make())
    fit(made, callbacks=[Schedules(**schedules)])
    assert_followed(made, update)


def test_after_fit_the_optimizer_is_as_it_was():
    made = model(SGD(0.1, momentum=0.5))
    before = made.optimizer.get_config()
    fit(made, callbacks=[Schedules(momentum=SHARE, learning_rate=RATE)])
    assert made.optimizer.get_config() == before
    fit(made)  # with the plain numbers, not with what was compiled before

    def update(k, w, g, state):
        follows = k < UPDATES
        return keras_sgd(RATE if follows else lambda k: 0.1, SHARE if follows else lambda k: 0.5)(k, w, g, state)

    assert_followed(made, update, epochs=2)


def test_a_train_step_compiled_before_follows_as_well():
    made = model(SGD(0.1))
    fit(made)
    fit(made, callbacks=[Schedules(weight_decay=DECAY)])
    assert_followed(made, keras_sgd(decay=lambda k: DECAY(k) if k >= UPDATES else 0.0), epochs=2)


def test_optax_206_the_log_holds_the_value_that_the_last_update_used():
    # Which rate was used? Keras' own callbacks log the one of the next update.
    made = model(SGD(0.1, momentum=0.5))
    history = fit(made, epochs=2, callbacks=[Schedules(momentum=SHARE, learning_rate=RATE)]).history
    assert history["momentum"] == [SHARE(UPDATES - 1), SHARE(2 * UPDATES - 1)]
    assert history["learning_rate"] == [RATE(UPDATES - 1), RATE(2 * UPDATES - 1)]


def test_lightning_1476_accumulated_batches_are_one_update():
    # Keras asks a schedule with the number of batches: with 3 to an update it would run 3 times too fast.
    for optimizer, schedules in [
        (build(ss.Policy(RATE, "sgd"), gradient_accumulation_steps=3), {}),
        (SGD(LearningRate(RATE, accumulation=3), gradient_accumulation_steps=3), {}),
        (SGD(0.1, gradient_accumulation_steps=3), {"learning_rate": RATE}),
    ]:
        made = model(optimizer)
        fit(made, epochs=2, callbacks=[Schedules(**schedules)] if schedules else [])
        assert_followed(made, keras_sgd(RATE), epochs=2, batch=12)


def test_pytorch_44511_a_skipped_update_does_not_advance_the_schedule():
    inner = build(ss.Policy(RATE, "sgd"))
    scaler = keras.optimizers.LossScaleOptimizer(inner, initial_scale=1.0)
    weight = keras.Variable(START[:, 0])
    scaler.build([weight])
    gradients = [np.full(3, value, dtype="float32") for value in (1.0, np.inf, np.nan, 1.0)]
    for g in gradients:
        if BACKEND == "jax":
            state = [v.value for v in scaler.variables]
            (new,), state = scaler.stateless_apply(state, [ops.convert_to_tensor(g)], [weight.value])
            weight.assign(new)
            for variable, value in zip(scaler.variables, state, strict=True):
                variable.assign(value)
        else:
            scaler.apply([ops.convert_to_tensor(g)], [weight])
    assert int(inner.iterations) == 2
    scales = [1.0, 0.25]  # halved at each overflow; the loss was never scaled here
    expected = START[:, 0] - RATE(0) / scales[0] - RATE(1) / scales[1]
    np.testing.assert_allclose(ops.convert_to_numpy(weight), expected, rtol=1e-5)


def test_the_optimizer_inside_a_loss_scaler_follows():
    made = model(keras.optimizers.LossScaleOptimizer(SGD(0.1, momentum=0.5)))
    fit(made, callbacks=[Schedules(momentum=SHARE, learning_rate=RATE)])
    assert_followed(made, keras_sgd(RATE, SHARE))


def test_a_loop_of_one_s_own_follows_inside_the_block():
    weight, optimizer = keras.Variable(8.0), SGD(1.0)
    seen = []
    with following(optimizer, weight_decay=ss.linear(0.5, 0.0, 2)):
        for _ in range(3):
            optimizer.apply([ops.zeros(())], [weight])
            seen.append(float(ops.convert_to_numpy(weight)))
    optimizer.apply([ops.zeros(())], [weight])
    assert [*seen, float(ops.convert_to_numpy(weight))] == [4.0, 3.0, 3.0, 3.0]


def test_after_an_error_the_optimizer_is_as_it_was():
    optimizer = SGD(1.0, momentum=0.5)
    with pytest.raises(ZeroDivisionError), following(optimizer, momentum=SHARE):
        _ = 1 / 0
    assert "apply" not in vars(optimizer)
    made = model(optimizer)
    callback = Schedules(momentum=SHARE)

    def interrupt(batch, logs):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(made, callbacks=[callback, keras.callbacks.LambdaCallback(on_train_batch_end=interrupt)])
    callback.release()
    assert "apply" not in vars(optimizer)


@pytest.mark.skipif(BACKEND == "torch", reason="Keras runs one step at a time on PyTorch")
def test_several_steps_in_one_execution_have_several_values():
    made = model(SGD(0.1, momentum=0.5), steps_per_execution=4)
    fit(made, callbacks=[Schedules(momentum=SHARE, learning_rate=RATE)])
    assert_followed(made, keras_sgd(RATE, SHARE))


def test_an_embedding_s_rows_are_updated_as_a_whole():
    def trained(optimizer):
        made = keras.Sequential([keras.Input((2,), dtype="int32"), keras.layers.Embedding(5, 1)])
        made.layers[0].set_weights([np.ones((5, 1))])
        made.compile(optimizer, loss="mse", jit_compile=BACKEND == "jax")
        made.fit(np.array([[0, 1], [2, 0]]), np.zeros((2, 2, 1)), batch_size=1, shuffle=False, epochs=2, verbose=0)
        return made.get_weights()[0]

    ours = trained(build(ss.Policy(0.1, "momentum", momentum=0.5)))
    np.testing.assert_allclose(ours, trained(SGD(0.1, momentum=0.5)), rtol=1e-6)


def test_weights_excluded_from_decay_do_not_decay():
    for name in ("adamw", "sgd"):
        optimizer = build(ss.Policy(0.5, name, weight_decay=0.5))
        optimizer.exclude_from_weight_decay(var_names=["bias"])
        kernel, bias = keras.Variable(1.0, name="kernel"), keras.Variable(1.0, name="bias")
        optimizer.apply([ops.zeros(()), ops.zeros(())], [kernel, bias])
        assert [float(ops.convert_to_numpy(weight)) for weight in (kernel, bias)] == [0.75, 1.0]


def test_built_with_a_model_it_is_ready():
    made = model(SGD(0.1))
    optimizer = build(ss.Policy(RATE, "adam"), made)
    assert len(optimizer.variables) == 3  # the counter and two moments


REFUSED = {
    "nothing to follow": (lambda: Schedules(), "at least one"),
    "no such hyperparameter": (lambda: fit(model(SGD(0.1)), callbacks=[Schedules(beta_1=0.5)]), "has no 'beta_1'"),
    "a matter of the policy": (
        lambda: fit(model(build(ss.Policy(0.1, "sgd"))), callbacks=[Schedules(weight_decay=0.5)]),
        "matter of it",
    ),
    "a flag": (lambda: fit(model(SGD(0.1)), callbacks=[Schedules(nesterov=0.5)]), "has no 'nesterov'"),
    "no schedule": (lambda: Schedules(momentum="high"), "momentum must be"),
    "momentum that was never kept": (
        lambda: fit(model(SGD(0.1)), callbacks=[Schedules(momentum=0.5)]),
        "made with momentum=0",
    ),
    "a negative rate": (
        lambda: fit(model(SGD(0.1)), callbacks=[Schedules(learning_rate=ss.linear(1, -1, 5))]),
        "negative",
    ),
    "clipping to nothing": (
        lambda: fit(model(SGD(0.1)), callbacks=[Schedules(clipnorm=ss.linear(1, 0, 5))]),
        "above 0",
    ),
    "clipping twice": (
        lambda: fit(model(SGD(0.1, clipvalue=1.0)), callbacks=[Schedules(clipnorm=1.0)]),
        "clips by clipvalue",
    ),
    "clipping in two ways": (
        lambda: fit(model(SGD(0.1)), callbacks=[Schedules(clipnorm=1.0, clipvalue=1.0)]),
        "in one way",
    ),
    "clipping parts": (
        lambda: fit(model(SGD(0.1, gradient_accumulation_steps=2)), callbacks=[Schedules(clipnorm=1.0)]),
        "gradient_accumulation_steps",
    ),
    "several values": (
        lambda: fit(model(SGD(0.1)), callbacks=[Schedules(weight_decay=ss.linear([0.1, 0.2], 0.0, 4))]),
        "one value a step",
    ),
    "a policy without an optimizer": (lambda: build(ss.Policy(0.1)), "names no optimizer"),
    "no policy": (lambda: build(0.1), "policy"),
    "weight decay in two places": (lambda: build(ss.Policy(0.1, "sgd"), weight_decay=0.1), "matter of the policy"),
    "no model": (lambda: build(ss.Policy(0.1, "sgd"), "model"), "Keras model"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_followed_is_refused_before_the_first_update(what):
    make, says = REFUSED[what]
    with pytest.raises(ValueError, match=says):
        make()


def test_the_data_and_the_start_are_as_they_were():
    assert X.shape == (48, 3)
    assert Y.shape == (48, 1)
    np.testing.assert_array_equal(weights(model(SGD(0.1))), START.astype("float32"))
