"""A training small enough to follow by hand: linear regression, whose gradient NumPy knows."""

import keras
import numpy as np

import stepsize as ss

BACKEND = keras.backend.backend()
BATCH, UPDATES = 4, 12
random = np.random.default_rng(0)
X = random.normal(size=(BATCH * UPDATES, 3)).astype("float32")
Y = (X @ [1.0, -2.0, 0.5] + 0.1 * random.normal(size=len(X))).astype("float32")[:, None]
START = np.array([[0.3], [0.1], [-0.4]])

# They change at every update, and pass through 0 where a value may.
RATE = ss.linear(0.02, 0.2, 5) >> ss.cosine(0.2, 0.0, 7)
SHARE = ss.linear(0.0, 0.9, 10)
DECAY = ss.linear(0.5, 0.0, 8) >> ss.constant(0.1, 4)
BOUND = ss.exponential(2.0, 0.05, 12)


def model(optimizer, jit_compile=BACKEND == "jax", **options):
    """The regression, from the same start each time, without a bias; compiled the way that is quick to compile."""
    start = keras.initializers.Constant(0.0)
    dense = keras.layers.Dense(1, use_bias=False, kernel_initializer=start)
    made = keras.Sequential([keras.Input((3,)), dense])
    dense.set_weights([START])
    made.compile(optimizer, loss="mse", jit_compile=jit_compile, **options)
    return made


def fit(made, epochs=1, **options):
    """One pass is UPDATES updates, in the order of the data."""
    return made.fit(X, Y, batch_size=BATCH, epochs=epochs, shuffle=False, verbose=0, **options)


def weights(made):
    return np.asarray(made.get_weights()[0], dtype=float)


def by_hand(update, epochs=1, batch=BATCH):
    """What the weights are if `update(k, w, g, state)` gives those after update k."""
    w, state = START.copy(), {}
    for k in range(epochs * len(X) // batch):
        rows = slice(k * batch % len(X), k * batch % len(X) + batch)
        g = 2 / batch * X[rows].T.astype(float) @ (X[rows] @ w - Y[rows])
        w = update(k, w, g, state)
    return w


def keras_sgd(rate=lambda k: 0.1, momentum=lambda k: 0.0, decay=lambda k: 0.0, nesterov=False):
    """SGD as Keras defines it: decay apart from the gradient, momentum of steps."""

    def update(k, w, g, state):
        w = w - w * decay(k) * rate(k)
        step = momentum(k) * state.get("step", 0.0) - rate(k) * g
        state["step"] = step
        return w + (momentum(k) * step - rate(k) * g if nesterov else step)

    return update


def assert_followed(made, update, **how):
    """The model was trained as by hand, to the rounding of float32."""
    np.testing.assert_allclose(weights(made), by_hand(update, **how), rtol=2e-5, atol=2e-6)
