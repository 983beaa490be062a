"""The libraries that are compared by tables: calls whose curves no table has, what is refused, and known defects."""

import re

import numpy as np
import pytest

import stepsize as ss
from tests.compat.conformance import MISSED, argument, cases, schedule, table
from tests.compat.defects_tabulated import RECORDED

TABULATED = (
    "lrbench",
    "timm",
    "paddle",
    "fastai",
    "composer",
    "fvcore",
    "ignite",
    "pytorch_optimizer",
    "pytorch_warmup",
)
# All that a table holds and `compat` does not give: noise of torch's generator, and a square root of powers.
LEFT_OUT = {"timm:CosineLRScheduler", "pytorch_warmup:RAdamWarmup"}

# Corners that the real libraries were asked for: the call, and what some updates had.
CORNERS = [
    ("lrbench:NSTEP", {"k0": 0.01, "gamma": 0.1, "l": [3, 3]}, {2: 0.01, 3: 0.001, 4: 0.0001}),
    ("lrbench:POLY", {"k0": 0.5, "k1": 0.1, "p": 3, "l": 12.5}, {0: 0.1, 12: 0.4999744, 13: 0.5000256, 100: 137.7}),
    ("lrbench:SIG", {"k0": 0.5, "gamma": 0.0, "l": 60}, {0: 0.25, 100: 0.25}),
    (
        "lrbench:RSWEXP",
        {"k0": 0.01, "k1": 0.06, "l": 3.3, "gamma": 1.02},
        {0: 0.01, 3: 0.014823672727272724, 4: 0.052641266909090906, 33: 0.01, 149: 0.8210351715230987},
    ),
    (
        "timm:WSDLRScheduler",
        {"base_lr": 0.03, "t_initial": 10, "decay_t": 5, "lr_min": 0.09},
        {0: 0.03, 1: 0.09, 30: 0.09},
    ),
    (
        "timm:TanhLRScheduler",
        {"base_lr": 1.0, "warmup_t": 3, "warmup_lr_init": 0.001, "t_initial": 2, "lr_min": 0.01, "cycle_mul": 1.3}
        | {"cycle_limit": 9, "lb": -3.0, "ub": 5.0},
        {0: 0.001, 3: 0.46699800200298586, 53: 0.6967244001608922, 54: 0.46464216693775506, 149: 0.01},
    ),
    (
        "timm:CosineLRScheduler",
        {"base_lr": 0.1, "t_initial": 1, "cycle_mul": 1.5, "cycle_decay": 0.5, "cycle_limit": 9},
        {0: 0.1, 40: 0.00044182040883833677, 100: 0.0},
    ),
    ("timm:CosineLRScheduler", {"base_lr": 0.1, "t_initial": 5, "lr_min": 0.01, "cycle_limit": 0}, {0: 0.1, 1: 0.01}),
    (
        "timm:MultiStepLRScheduler",
        {"base_lr": 0.1, "decay_t": [2.5, 7.5], "decay_rate": 0.1},
        {1: 0.1, 2: 0.01, 6: 0.01, 7: 0.001},
    ),
    ("paddle:PiecewiseDecay", {"boundaries": [6, 3], "values": [1.0, 2.0, 3.0]}, {5: 1.0, 6: 3.0}),
    (
        "paddle:LinearLR",
        {"learning_rate": 0.5, "total_steps": 7.7, "start_factor": 0.1},
        {0: 0.05, 7: 0.4590909090909093, 100: 0.4590909090909093},
    ),
    (
        "paddle:OneCycleLR",
        {"max_learning_rate": 0.5, "total_steps": 10, "phase_pct": 0.05, "three_phase": True},
        {0: 0.01951301233713678, 5: 0.006975280905969275, 9: 0.0001, 10: 0.0005869876628632224},
    ),
    (
        "composer:CosineAnnealingWarmRestartsScheduler",
        {"base_lr": 0.1, "max_duration": "57ba", "dataloader_len": 9, "tokens": 32, "t_0": "1e3tok", "t_mult": 1.5}
        | {"alpha_f": 0.1},
        {0: 0.1, 31: 0.010014211482251505, 32: 0.0999431630472708, 79: 0.09996561429184211, 129: 0.025930415772682725},
    ),
    (
        "composer:CosineAnnealingWarmRestartsScheduler",
        {"base_lr": 1.0, "max_duration": "100000ba", "dataloader_len": 9, "t_0": "10ba"},
        {0: 1.0, 10: 1.0, 99_990: 1.0, 99_995: 0.5},
    ),
    (
        "pytorch_optimizer:CosineAnnealingWarmupRestarts",
        {"first_cycle_steps": 5, "cycle_mult": 0.5, "max_lr": 0.1, "min_lr": 0.001, "gamma": 1.0},
        {0: 0.001, 20: 0.1, 60: 0.1, 99: 0.1},
    ),
    (
        "pytorch_optimizer:get_chebyshev_schedule",
        {"base_lr": 0.1, "num_epochs": 9},
        {0: 1.9125119558059767, 2: 1.9125119558059767, 3: 0.10022924983586518, 10: 1.4193791132074378},
    ),
    (
        "fvcore:CompositeParamScheduler",
        {
            "max_iter": 37,
            "schedulers": [
                ss.compat("fvcore:LinearParamScheduler", start_value=0.0, end_value=0.1),
                ss.compat("fvcore:LinearParamScheduler", start_value=0.2, end_value=0.1),
                ss.compat("fvcore:PolynomialDecayParamScheduler", base_value=0.3, power=2.0),
            ],
            "lengths": [0.33, 0.33, 0.34],
            "interval_scaling": ["fixed", "rescaled", "fixed"],
        },
        {12: 0.032432432432432434, 13: 0.19352989352989353, 24: 0.10343980343980344, 25: 0.031555880204528854}
        | {36: 0.00021913805697589393},
    ),
]


@pytest.mark.parametrize(("call", "arguments", "values"), CORNERS, ids=[f"{c[0]}-{i}" for i, c in enumerate(CORNERS)])
def test_corners_are_the_librarys(call, arguments, values):
    made = ss.compat(call, **arguments)

    np.testing.assert_allclose(made(list(values)), list(values.values()), rtol=1e-9, atol=1e-12)
    assert ss.Schedule.from_json(made.to_json()) == made
    assert eval(repr(made), vars(ss).copy()) == made


@pytest.mark.parametrize("library", TABULATED)
def test_no_case_of_a_table_is_passed_over(library):
    known = cases(library)
    absent = [one for one in table(library)["cases"] if one not in known]

    assert {one["call"] for one in absent} <= LEFT_OUT
    assert len(absent) <= 1


def test_only_a_few_updates_differ_and_each_is_named():
    assert sum(len(places) for places in MISSED.values()) == 7


@pytest.mark.parametrize("case", table("fastai")["cases"][-8:-5], ids=str)
def test_momentum_of_a_fit_is_two_cosines(case):
    arguments = case["arguments"]
    start, middle, end = arguments.get("moms", (0.95, 0.85, 0.95))
    updates = arguments["n_epoch"] * arguments["n_iter"]
    pct = arguments.get("pct_start", 0.25)
    momentum = ss.compat("fastai:combined_cos", pct=pct, start=start, middle=middle, end=end, updates=updates)

    np.testing.assert_allclose(momentum(case["steps"]), case["momentum"], rtol=1e-6)


REFUSED = {
    "timm's noise": ("timm:StepLRScheduler", {"base_lr": 1.0, "decay_t": 9, "noise_range_t": 3}, "noise"),
    "cycles that shrink": ("timm:CosineLRScheduler", {"base_lr": 1.0, "t_initial": 9, "cycle_mul": 0.5}, "cycle_mul"),
    "a decay longer than all": ("timm:WSDLRScheduler", {"base_lr": 1.0, "t_initial": 9, "decay_t": 10}, "decay_t"),
    "a metric in timm": ("timm:PlateauLRScheduler", {}, "follows a metric"),
    "a metric in paddle": ("paddle:ReduceOnPlateau", {}, "follows a metric"),
    "a factor that is no decay": ("paddle:ExponentialDecay", {"learning_rate": 0.1, "gamma": 1.0}, "gamma"),
    "a warmup downwards": (
        "paddle:LinearWarmup",
        {"learning_rate": 0.1, "warmup_steps": 5, "start_lr": 0.5, "end_lr": 0.1},
        "end_lr must be above start_lr",
    ),
    "milestones that fall": ("paddle:MultiStepDecay", {"learning_rate": 0.1, "milestones": [20, 10]}, "must rise"),
    "shares that are not 1": (
        "fastai:combine_scheds",
        {"pcts": [0.5, 0.4], "scheds": [ss.constant(1.0)] * 2, "updates": 9},
        "1 in all",
    ),
    "a time without a unit": (
        "composer:StepScheduler",
        {"base_lr": 0.1, "step_size": "10", "max_duration": "9ba", "dataloader_len": 3},
        "'10ba'",
    ),
    "a time that is cut to 0": (
        "composer:StepScheduler",
        {"base_lr": 0.1, "step_size": "0.001dur", "max_duration": "9ba", "dataloader_len": 3},
        "0.001dur",
    ),
    "an end before the run's": (
        "composer:LinearWithWarmupScheduler",
        {"base_lr": 0.1, "t_warmup": "1ba", "t_max": "8ba", "max_duration": "9ba", "dataloader_len": 3},
        "before max_duration",
    ),
    "two units": (
        "composer:LinearWithWarmupScheduler",
        {"base_lr": 0.1, "t_warmup": "8sp", "batch_size": 4, "max_duration": "9ba", "dataloader_len": 3},
        "different units",
    ),
    "a policy that is none": (
        "lrbench:piecewiseLR",
        {"subRegions": [], "LRparams": [{"lrPolicy": "fix", "k0": 1}]},
        "lrPolicy must be one of",
    ),
    "too few pieces": ("lrbench:piecewiseLR", {"subRegions": [3], "LRparams": [ss.constant(1.0)]}, "piece"),
    "milestones past the end": (
        "fvcore:MultiStepParamScheduler",
        {"values": [1, 2], "milestones": [9], "num_updates": 9, "max_iter": 9},
        "must rise to num_updates=9",
    ),
    "a warmup in a triangle": (
        "ignite:LinearCyclicalScheduler",
        {"start_value": 0, "end_value": 1, "cycle_size": 9, "warmup_duration": 2},
        "monotonic=True",
    ),
    "a warmup longer than its cycle": (
        "pytorch_optimizer:CosineAnnealingWarmupRestarts",
        {"first_cycle_steps": 5, "warmup_steps": 5},
        "warmup_steps must be below",
    ),
    "no rate": ("pytorch_warmup:LinearWarmup", {"warmup_period": 5}, "base_lr, or lr_scheduler"),
    "RAdam's": ("pytorch_warmup:RAdamWarmup", {"base_lr": 0.1}, "ss.function"),
}


@pytest.mark.parametrize(("call", "arguments", "says"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_says_where_and_why(call, arguments, says):
    with pytest.raises(ss.InvalidSchedule, match=re.escape(says)) as caught:
        ss.compat(call, **arguments)
    assert str(caught.value).startswith(call)


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda one: f"{one.library}: {one.what}")
def test_stepsize_has_none_of_the_recorded_defects(recorded):
    np.testing.assert_allclose(eval(recorded.ours, {"ss": ss}), recorded.value, rtol=1e-6, atol=1e-12)


def test_a_nested_schedule_may_be_any_schedule():
    inner = ss.cosine(0.5, 0.0, 10)
    made = ss.compat("paddle:LinearWarmup", learning_rate=inner, warmup_steps=5, start_lr=0.0, end_lr=0.5)

    assert made == ss.linear(0.0, 0.5, 5) >> inner
    assert argument(3) == 3
    assert schedule(cases("lrbench")[0]) == ss.constant(0.025)
