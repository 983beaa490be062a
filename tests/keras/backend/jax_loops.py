"""A stateless training loop of one's own in JAX; and no compilation where none is asked for."""

import jax
import jax.numpy as jnp
import keras

import stepsize as ss
from stepsize.keras import LearningRate, build, following
from tests.keras.backend.problem import BATCH, DECAY, RATE, SHARE, X, Y, assert_followed, keras_sgd, model


def loop(made, optimizer):
    optimizer.build(made.trainable_variables)

    def loss(trainable, x, y):
        predicted, _ = made.stateless_call(trainable, [], x)
        return jnp.mean((predicted - y) ** 2)

    @jax.jit
    def step(state, batch):
        trainable, slots = state
        grads = jax.grad(loss)(trainable, *batch)
        return optimizer.stateless_apply(slots, grads, trainable), None

    batches = X.reshape(-1, BATCH, 3), Y.reshape(-1, BATCH, 1)
    state = [v.value for v in made.trainable_variables], [v.value for v in optimizer.variables]
    (trainable, _), _ = jax.lax.scan(step, state, batches)
    for variable, value in zip(made.trainable_variables, trainable, strict=True):
        variable.assign(value)


def test_a_stateless_loop_follows_the_schedules():
    for optimizer in (keras.optimizers.SGD(LearningRate(RATE)), build(ss.Policy(RATE, "sgd"))):
        made = model(optimizer)
        loop(made, optimizer)
        assert_followed(made, keras_sgd(RATE))


def test_a_stateless_loop_traced_in_the_block_follows():
    optimizer = keras.optimizers.SGD(0.1, momentum=0.5, weight_decay=0.1)
    made = model(optimizer)
    with following(optimizer, learning_rate=RATE, momentum=SHARE, weight_decay=DECAY):
        loop(made, optimizer)
    assert_followed(made, keras_sgd(RATE, SHARE, DECAY))


def test_no_thread_asking_for_the_rate_compiles_nothing():
    # Keras' cosine with a warmup compiles two branches anew each time it is asked, 70 ms of it.
    compiled = []
    jax.monitoring.register_event_duration_secs_listener(
        lambda event, seconds, **details: compiled.append(event) if "compile" in event else None
    )
    rate, optimizer = LearningRate(ss.warmup_cosine(1e-3, 1_000, 100)), build(ss.Policy(RATE, "sgd"))
    assert float(rate(0)) > 0
    assert float(optimizer.learning_rate) > 0
    compiled.clear()
    for step in range(1, 20):
        rate(step)
        _ = optimizer.learning_rate
    assert compiled == []
