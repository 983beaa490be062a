"""The recorder: the training stays as it was; its log holds each update's own loss, rate and update ratio."""

import keras
import numpy as np
import pytest

import stepsize as ss
from stepsize.keras import LearningRate, Recorder

LR = ss.linear(0.1, 0.0, 26)
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(104, 4)).astype("float32")
Y = (X @ RANDOM.normal(size=(4, 1))).astype("float32")

# Rows are counted and schedules asked in Python; compiling for each backend takes long.
elsewhere = pytest.mark.skipif(keras.backend.backend() == "tensorflow", reason="done on JAX and PyTorch")


class ByHand(keras.callbacks.Callback):
    """Weights before and after each update, read the slow way."""

    def __init__(self):
        super().__init__()
        self.ratios, self.losses = [], []

    def weights(self):
        if keras.backend.backend() == "jax":
            self.model.jax_state_sync()
        return np.concatenate([np.array(w.numpy()).ravel() for w in self.model.trainable_variables])

    def on_train_batch_begin(self, batch, logs=None):
        self.before = self.weights().copy()
        rows = slice(8 * batch, 8 * batch + 8)
        layers = np.split(self.before, [4])
        self.losses.append(float(np.mean((X[rows] @ layers[0][:, None] + layers[1] - Y[rows]) ** 2)))

    def on_train_batch_end(self, batch, logs=None):
        self.ratios.append(np.linalg.norm(self.weights() - self.before) / np.linalg.norm(self.before))


def fit(callbacks, accumulation=None, rate=LR):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    rate = LearningRate(rate) if isinstance(rate, ss.Schedule) else rate
    model.compile(keras.optimizers.Adam(rate, gradient_accumulation_steps=accumulation), loss="mse")
    history = model.fit(
        X, Y, batch_size=8, epochs=2, verbose=0, shuffle=False, callbacks=callbacks, validation_data=(X, Y)
    )
    return model.get_weights(), history.history


def test_recorded_training_is_the_same_and_its_log_is_true(tmp_path):
    by_hand = ByHand()
    alone, history = fit([by_hand])
    beside, _ = fit([Recorder(tmp_path / "run.jsonl", every=5, batch_size=8)])
    assert all(np.array_equal(a, b) for a, b in zip(alone, beside, strict=True))
    run = ss.Run.read(tmp_path / "run.jsonl")
    assert run.steps == run.updates == 26
    assert run.loss == pytest.approx(by_hand.losses, rel=1e-4)
    assert run["lr"] == pytest.approx(list(LR(range(26))))
    assert run.column("update_ratio").step.tolist() == [0, 5, 10, 15, 20, 25]
    assert run["update_ratio"] == pytest.approx(by_hand.ratios[::5], rel=1e-3)
    assert run.column("val_loss").step.tolist() == [12, 25]
    assert run["val_loss"] == pytest.approx(history["val_loss"])
    assert run.settings["optimizer"] == "adam"
    assert ("grad_norm" in run.columns) == (keras.backend.backend() == "torch")


@elsewhere
def test_recorded_rows_are_updates_where_gradients_are_accumulated(tmp_path):
    fit([Recorder(tmp_path / "run.jsonl", every=1)], accumulation=2, rate=0.01)
    run = ss.Run.read(tmp_path / "run.jsonl")
    assert run.column("loss").step.tolist() == list(range(13))
    assert run["lr"] == pytest.approx([0.01] * 13)
    assert run.column("update_ratio").step.tolist() == list(range(13))


@elsewhere
def test_recorded_schedule_of_keras_is_asked_at_measured_updates(tmp_path):
    decay = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)
    fit([Recorder(tmp_path / "run.jsonl", every=10)], rate=decay)
    run = ss.Run.read(tmp_path / "run.jsonl")
    assert run.column("lr").step.tolist() == [0, 10, 20]
    assert run["lr"] == pytest.approx([0.1, 0.05, 0.025])
