"""`Optimizer` and `build`: the optimizer that a policy names."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, final

import keras
from keras import ops

from stepsize._codec import summary
from stepsize.errors import InvalidPolicy
from stepsize.keras.learning_rate import LearningRate
from stepsize.keras.rules import RULES, STRUCTURE, cast
from stepsize.keras.values import known, number_at, precision, read, value_at
from stepsize.policy import Policy
from stepsize.schedule import Schedule

# What the base class takes and the policy says.
IN_THE_POLICY = ("learning_rate", "weight_decay")


@final
@keras.saving.register_keras_serializable(package="stepsize")
class Optimizer(keras.optimizers.Optimizer):  # type: ignore[misc]
    """The optimizer of a policy, with every setting of it on its schedule, inside the compiled train step.

    It makes the updates of torch.optim, whatever the backend. Its state is the counter and the slots; its
    configuration is the policy's document. Both are saved with the model.

    Args:
        policy: names the optimizer; its settings are those of the class in torch.optim.
        name: a name for Keras.
        options: what any Keras optimizer takes besides: `clipnorm`, `clipvalue`, `global_clipnorm`,
            `use_ema`, `ema_momentum`, `ema_overwrite_frequency`, `loss_scale_factor`,
            `gradient_accumulation_steps`. The schedules count updates, not batches, also with the last.
    Raises:
        InvalidPolicy: the policy names no optimizer, or an option is a matter of the policy.
    """

    def __init__(self, policy: Policy, name: str | None = None, **options: Any) -> None:
        if not isinstance(policy, Policy) or policy.optimizer is None:
            raise InvalidPolicy(f"the policy names no optimizer; write Policy(optimizer={next(iter(RULES))!r}, ...)")
        if twice := [option for option in IN_THE_POLICY if option in options]:
            raise InvalidPolicy(f"{twice[0]} is a matter of the policy: give it to Policy(...)")
        super().__init__(learning_rate=LearningRate(policy.lr), name=name or policy.optimizer, **options)
        for schedule in policy.schedules.values():
            schedule(0)  # durations that wait for a run are an error here, not in the first update
        self.policy = policy
        self._rule = RULES[policy.optimizer]
        self._keep(slots={}, now={}, update=0)

    def build(self, variables: Sequence[Any]) -> None:
        """Make the slots for these weights."""
        if self.built:
            return
        super().build(variables)
        slots = self._rule.slots(dict(self.policy.settings))
        self._keep(slots={name: self._new_slot(variables, name, start) for name, start in slots.items()})

    def apply(self, grads: Sequence[Any], trainable_variables: Any = None) -> None:
        """Make one update: all settings have the values of the optimizer's counter."""
        step = self.iterations
        schedules = self.policy.schedules.items()
        now = {name: number_at(schedule, step) for name, schedule in schedules if name != "lr"}
        self._keep(now=now, update=1 + (int(read(step)) if known(step) else ops.cast(step, precision())))
        try:
            super().apply(grads, trainable_variables)
        finally:
            self._keep(now={}, update=0)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one weight and its slots."""
        index = self._get_variable_index(variable)
        # An embedding's gradient may come in rows; the rules are those for all of it.
        g = ops.cast(ops.convert_to_tensor(gradient, sparse=False), variable.dtype)
        now = {name: cast(value, g) for name, value in self._now.items()}
        settings = {**self.policy.constants, **now}
        rate, decay = cast(learning_rate, g), settings.pop("weight_decay", self._rule.weight_decay)
        if not isinstance(decay, float) or decay:
            g = self._decayed(g, variable, rate, decay)
        slots = {name: ops.convert_to_tensor(kept[index]) for name, kept in self._slots.items()}
        settings = {name: value for name, value in settings.items() if name not in STRUCTURE}
        direction, new = self._rule.change(g, slots, self._update, **settings)
        for name, value in new.items():
            self.assign(self._slots[name][index], value)
        self.assign_sub(variable, rate * direction)

    def _decayed(self, g: Any, variable: Any, rate: Any, decay: Any) -> Any:
        if not self._use_weight_decay(variable):
            return g
        weight = ops.convert_to_tensor(variable)
        if self._rule.decoupled:
            self.assign(variable, weight * (1 - rate * decay))
            return g
        return g + decay * weight

    def _new_slot(self, variables: Sequence[Any], name: str, start: float) -> list[Any]:
        def initial(shape: Any, dtype: Any = None) -> Any:
            return ops.full(shape, start, dtype=dtype)

        return [self.add_variable_from_reference(variable, name=name, initializer=initial) for variable in variables]

    def _keep(self, **values: Any) -> None:
        """Attributes that are not Keras' business: it would wrap and track them, to save them."""
        for name, value in values.items():
            object.__setattr__(self, f"_{name}", value)

    @property
    def learning_rate(self) -> Any:
        """The rate of the next update; set it to another Schedule, or see `replan`."""
        return value_at(self.policy.lr, self.iterations)

    @learning_rate.setter
    def learning_rate(self, value: Schedule | LearningRate) -> None:
        schedule = value.schedule if isinstance(value, LearningRate) else value
        if not isinstance(schedule, Schedule):
            raise TypeError(
                f"the learning rate follows {self.policy.lr!r}; set it to another Schedule, got {summary(value)}"
            )
        self.policy = Policy(schedule, self.policy.optimizer, **dict(self.policy.settings))

    def get_config(self) -> dict[str, Any]:
        """What Keras saves: the policy's document and the options."""
        options = {key: value for key, value in super().get_config().items() if key not in IN_THE_POLICY}
        return {"policy": self.policy.document(), **options}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Optimizer:
        """The optimizer that Keras saved."""
        return cls(**{**config, "policy": Policy.from_json(json.dumps(config["policy"]))})


def build(policy: Policy, model: Any = None, **options: Any) -> Optimizer:
    """The Keras optimizer that `policy` names, for any backend.

    Every setting means what it means in torch.optim, so the same policy makes the same updates there and
    here, up to rounding. Any setting that is a number may be a schedule.

    Args:
        policy: its settings are those of the class in torch.optim.
        model: makes the optimizer ready for the weights of this model at once; otherwise Keras does so
            when it is first used.
        options: as in `Optimizer`.
    Raises:
        InvalidPolicy: the policy names no optimizer, or `model` is no built Keras model.

    >>> import keras, stepsize as ss
    >>> policy = ss.Policy(optimizer="adamw", lr=ss.linear(0.25, 0.0, 4), weight_decay=ss.linear(0.1, 0.2, 4))
    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    >>> model.compile(build(policy), loss="mse")
    >>> float(model.optimizer.learning_rate), model.optimizer.name
    (0.25, 'adamw')
    """
    optimizer = Optimizer(policy, **options)
    if model is not None:
        if not isinstance(model, keras.Model) or not model.built:
            raise InvalidPolicy(f"model must be a Keras model that knows its shapes, got {summary(model)}")
        optimizer.build(model.trainable_variables)
    return optimizer
