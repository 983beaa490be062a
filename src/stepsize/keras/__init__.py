"""Keras 3, on TensorFlow, JAX or PyTorch: schedules in compiled training, optimizers from a policy."""

from stepsize._extras import extra

with extra("keras"):
    import keras as _keras  # noqa: F401  # so that a missing Keras is one clear line, from here on

from stepsize.keras.callback import Schedules as Schedules
from stepsize.keras.following import following as following
from stepsize.keras.learning_rate import LearningRate as LearningRate
from stepsize.keras.optimizer import Optimizer as Optimizer
from stepsize.keras.optimizer import build as build
from stepsize.keras.recorder import Recorder as Recorder
from stepsize.keras.replan import replan as replan
