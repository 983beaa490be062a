"""`LearningRate`: a schedule where Keras takes one."""

from __future__ import annotations

import json
from typing import Any, final

import keras

from stepsize.keras.values import value_at
from stepsize.policy import learning_rate
from stepsize.schedule import Schedule
from stepsize.schedule.node import whole_steps


@final
@keras.saving.register_keras_serializable(package="stepsize")
class LearningRate(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """A Schedule as the `learning_rate` of any Keras optimizer, on every backend.

    Update k, counted from 0, uses `schedule(k)`: computed in float64 where the step is known, and in the
    graph where the train step is compiled. It is saved with the model, as the schedule's document.

    Args:
        schedule: a Schedule in optimizer updates, or a number that holds for ever.
        accumulation: the optimizer's `gradient_accumulation_steps`. Keras asks its schedules with the
            number of batches; given this, the schedule still counts updates.
    Raises:
        InvalidPolicy: it is neither a schedule nor a number, or is negative somewhere.
        InvalidSchedule: `accumulation` is not a whole number of at least 1.

    >>> import keras, stepsize as ss
    >>> rate = LearningRate(ss.linear(0.0, 0.5, 4))
    >>> optimizer = keras.optimizers.SGD(rate)
    >>> [float(value) for value in rate([0, 1, 4])]
    [0.0, 0.125, 0.5]
    >>> keras.optimizers.SGD.from_config(optimizer.get_config()).get_config() == optimizer.get_config()
    True
    """

    def __init__(self, schedule: Schedule | float, accumulation: int = 1) -> None:
        self.schedule = learning_rate(schedule)
        self.schedule(0)  # durations that wait for a run are an error here, not in the first update
        self.accumulation = whole_steps(accumulation, "accumulation")

    def __call__(self, step: Any) -> Any:
        """The rate at the optimizer's counter `step`, or the rates at an array of them."""
        return value_at(self.schedule, step if self.accumulation == 1 else step // self.accumulation)

    def get_config(self) -> dict[str, Any]:
        """What Keras saves."""
        return {"schedule": json.loads(self.schedule.to_json()), "accumulation": self.accumulation}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> LearningRate:
        """The rate that Keras saved, equal to it."""
        return cls(Schedule.from_json(json.dumps(config["schedule"])), config["accumulation"])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, LearningRate):
            return NotImplemented
        return (self.schedule, self.accumulation) == (other.schedule, other.accumulation)

    def __hash__(self) -> int:
        return hash((self.schedule, self.accumulation))

    def __repr__(self) -> str:
        accumulation = "" if self.accumulation == 1 else f", accumulation={self.accumulation}"
        return f"LearningRate({self.schedule!r}{accumulation})"
