"""What `compat` says of calls it cannot make, and what it accepts."""

import inspect
import re

import numpy as np
import pytest

import stepsize as ss
from stepsize.schedule.compat import call

WRONG = {
    "a library that is none": ("pytorch:StepLR", {}, "did you mean 'torch'"),
    "no library": ("StepLR", {}, "'library:name'"),
    "a name that is none": ("torch:CosineAnealingLR", {}, "did you mean 'CosineAnnealingLR'"),
    "a schedule that follows a metric": ("torch:ReduceLROnPlateau", {"patience": 3}, "follows a metric"),
    "an argument that is none": (
        "torch:ExponentialLR",
        {"base_lr": 0.1, "gama": 0.9},
        "unknown argument gama (did you mean 'gamma'?); ExponentialLR takes base_lr, gamma",
    ),
    "an argument too few": ("torch:CosineAnnealingLR", {"base_lr": 0.1}, "missing T_max; CosineAnnealingLR takes"),
    "a resume": ("torch:StepLR", {"base_lr": 0.1, "step_size": 3, "last_epoch": 5}, "use lr[n:]"),
    "a word that is none": ("torch:CyclicLR", {"base_lr": 0.1, "max_lr": 1.0, "mode": "triangle"}, "'triangular2'"),
    "no number": ("torch:StepLR", {"base_lr": "a", "step_size": 3}, "torch:StepLR: "),
    "a division by zero": ("torch:OneCycleLR", {"max_lr": 1.0, "total_steps": 10, "pct_start": 0.1}, "divides by zero"),
    "no length": ("torch:OneCycleLR", {"max_lr": 1.0}, "total_steps, or epochs and steps_per_epoch"),
    "lambdas of several groups": (
        "torch:LambdaLR",
        {"base_lr": 1.0, "lr_lambda": [abs]},
        "a list is for several groups",
    ),
    "no horizon for a product": ("torch:MultiplicativeLR", {"base_lr": 1.0, "lr_lambda": abs}, "updates=..."),
    "a step of no steps": ("torch:StepLR", {"base_lr": 0.1, "step_size": 0}, "step_size must be a whole number"),
    "a floor twice": (
        "transformers:cosine_with_min_lr",
        {"base_lr": 1.0, "num_warmup_steps": 0, "num_training_steps": 9, "min_lr": 0.1, "min_lr_rate": 0.1},
        "give min_lr or min_lr_rate",
    ),
    "a broken exponent": ("optax:cosine_decay_schedule", {"init_value": 1.0, "decay_steps": 9, "exponent": 0.3}, "0.5"),
    "a noise": ("timm:CosineLRScheduler", {"base_lr": 1.0, "t_initial": 9, "noise_range_t": [1, 2]}, "Schedule.noise"),
}


@pytest.mark.parametrize(("name", "arguments", "says"), WRONG.values(), ids=WRONG)
def test_it_says_what_is_wrong(name, arguments, says):
    with pytest.raises(ss.InvalidSchedule, match=re.escape(says)):
        ss.compat(name, **arguments)


@pytest.mark.parametrize("library", call.LIBRARIES)
def test_whatever_the_arguments_it_is_one_error(library):
    for name in call.names(library):
        parameters = inspect.signature(call._found(f"{library}:{name}")).parameters
        for nonsense in (None, "x", -1, float("nan"), [], {}, (1, "x")):
            arguments = dict.fromkeys(parameters, nonsense)
            try:
                made = ss.compat(f"{library}:{name}", **arguments)
            except ss.InvalidSchedule as error:
                assert str(error).startswith(f"{library}:{name}")  # noqa: PT017
            else:
                assert isinstance(made, ss.Schedule)


def test_what_changes_no_curve_is_accepted():
    plain = ss.compat("torch:StepLR", base_lr=0.1, step_size=3)

    assert ss.compat("torch:StepLR", base_lr=0.1, step_size=3, last_epoch=-1, verbose=False) == plain


def test_arguments_may_be_schedules():
    rise, fall = ss.linear(0.01, 0.1, 5), ss.exponential_decay(0.1, 0.9, every=1)

    assert ss.compat("torch:SequentialLR", schedulers=[rise, fall], milestones=[5]) == rise >> fall
    assert ss.compat("optax:join_schedules", schedules=[rise, fall], boundaries=[5]) == rise >> fall
    assert ss.compat("torch:LambdaLR", base_lr=2.0, lr_lambda=rise) == 2.0 * rise


def test_several_groups_are_one_schedule():
    peaks = np.array([0.1, 0.2])
    both = ss.compat("transformers:cosine", base_lr=peaks, num_warmup_steps=4, num_training_steps=20)
    one = ss.compat("transformers:cosine", base_lr=0.2, num_warmup_steps=4, num_training_steps=20)

    steps = np.arange(40)
    assert both(steps).shape == (40, 2)
    np.testing.assert_allclose(both(steps)[:, 1], one(steps), rtol=1e-15)


def test_cycles_are_exact_far_away():
    restarts = ss.compat("torch:CosineAnnealingWarmRestarts", base_lr=1.0, T_0=5, T_mult=3)
    starts = [5 * (3**i - 1) // 2 for i in range(24)]

    assert restarts(starts).tolist() == [1.0] * len(starts)
    assert restarts(10**12 + 7) == pytest.approx(float(restarts([10**12 + 7])[0]), abs=0)
