"""Writes curves with every writer of TensorBoard events there is, and what TensorBoard and Keras say of them.

Run once for all tests, as it takes long to import these: see tests/written.py.
"""

import json
import math
import os
import sys
from pathlib import Path

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", KERAS_BACKEND="tensorflow")
folder = Path(sys.argv[1])
CURVE = [1.5, 0.25, 0.0, -3.0, math.pi, math.inf, math.nan]

import numpy as np  # noqa: E402
from torch.utils.tensorboard import SummaryWriter  # noqa: E402

with SummaryWriter(folder / "torch") as writer:
    for step, value in enumerate(CURVE):
        writer.add_scalar("loss/train", value, 10 * step)
        writer.add_scalar("new", value, 10 * step, new_style=True)
        writer.add_scalar("double", value, 10 * step, new_style=True, double_precision=True)
    writer.add_text("text", "words", 3)
    writer.add_histogram("histogram", np.arange(9.0), 3)
    writer.add_image("image", np.zeros((1, 1200, 1200), "uint8"), 3)
    writer.add_scalar("loss/val", 7.0, 2**40)

from tensorboard.summary import Writer  # noqa: E402

own = Writer(str(folder / "tensorboard"))
for step, value in enumerate(CURVE):
    own.add_scalar("Loss/Val", value, step)
own.close()

import tensorflow as tf  # noqa: E402

with tf.summary.create_file_writer(str(folder / "tf" / "train")).as_default():
    for step, value in enumerate(CURVE):
        tf.summary.scalar("epoch_loss", value, step=step)
        tf.summary.text("text", "words", step=step)
    tf.summary.histogram("histogram", [1.0, 2.0], step=1)
    for name, kind in (("half", tf.float16), ("brain", tf.bfloat16), ("whole", tf.int64), ("small", tf.int8)):
        tf.summary.write(name, tf.constant(-3, kind), step=4)
with tf.summary.create_file_writer(str(folder / "tf" / "validation")).as_default():
    tf.summary.scalar("epoch_loss", 0.5, step=6)
with tf.compat.v1.Graph().as_default():
    old = tf.compat.v1.summary.FileWriter(str(folder / "v1"))
    for step, value in enumerate(CURVE):
        old.add_summary(tf.compat.v1.Summary(value=[tf.compat.v1.Summary.Value(tag="loss", simple_value=value)]), step)
    old.close()

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # noqa: E402

read = {}
for place in ("torch", "tensorboard", "tf/train", "tf/validation", "v1"):
    events = EventAccumulator(str(folder / place), size_guidance={"scalars": 0, "tensors": 0}).Reload()
    read[place] = {tag: [[e.step, e.value] for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}
    for tag in events.Tags()["tensors"]:
        arrays = [(e.step, tf.make_ndarray(e.tensor_proto)) for e in events.Tensors(tag)]
        if all(array.ndim == 0 and array.dtype.kind in "fiV" for _, array in arrays):
            read[place][tag] = [[step, float(array)] for step, array in arrays]
(folder / "read.json").write_text(json.dumps(read))

with SummaryWriter(folder / "training") as writer:
    for step in range(0, 900, 3):
        writer.add_scalar("train/loss", 1 / (step + 1), step)
        writer.add_scalar("train/learning_rate", 1e-3 * step, step)
        if step % 90 == 0:
            writer.add_histogram("weights", np.arange(50.0) * step, step)
            writer.add_text("samples", f"words {step}", step)
    writer.add_scalars("both", {"a": 1.0, "b": 2.0}, 5)
    writer.add_hparams({"lr": 0.1, "optimizer": "adam"}, {"hparam/loss": 0.5})

import keras  # noqa: E402

model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
model.compile(keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.01, 10, 0.5)), "mse")
x = np.random.default_rng(0).normal(size=(64, 3)).astype("float32")
callback = keras.callbacks.TensorBoard(folder / "keras", update_freq="batch")
seen = model.fit(x, x.sum(1), epochs=4, batch_size=16, validation_split=0.5, verbose=0, callbacks=[callback])
(folder / "keras.json").write_text(json.dumps(seen.history))
