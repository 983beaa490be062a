"""What cannot be a schedule is refused where it is built, by an error that names the argument and the value."""

import math

import numpy as np
import pytest

import stepsize as ss

A = ss.linear(1, 0, 10)
ENDLESS = ss.constant(1)

REFUSED = {
    "steps -3": lambda: ss.linear(0, 1, -3),
    "steps -1": lambda: ss.cosine(0, 1, -1),
    "steps 2.5": lambda: ss.rex(0, 1, 2.5),
    "steps nan": lambda: ss.polynomial(0, 1, math.nan, 2),
    "steps inf": lambda: ss.one_minus_sqrt(0, 1, math.inf),
    "steps 'ten'": lambda: ss.exponential(1, 2, "ten"),
    "steps '5 %% days'": lambda: ss.exponential(1, 2, "5 %% days"),
    "steps '-5%'": lambda: ss.linear(0, 1, "-5%"),
    "steps 1.5": lambda: ss.linear(0, 1, "1.5 steps"),
    "steps None": lambda: ss.linear(0, 1, None),
    "steps True": lambda: ss.linear(0, 1, True),
    "steps array": lambda: ss.linear(0, 1, np.array([1, 2])),
    "steps (5,)": lambda: ss.constant(1, [5]),
    "start nan": lambda: ss.linear(math.nan, 1, 10),
    "start '0'": lambda: ss.linear("0", 1, 10),
    "start None": lambda: ss.linear(None, 1, 10),
    "start long": lambda: ss.linear(10**5_000, 1, 10),
    "end inf": lambda: ss.cosine(0, math.inf, 10),
    "end False": lambda: ss.cosine(0, False, 10),
    "value -inf": lambda: ss.constant(-math.inf),
    "value array nan": lambda: ss.constant(np.array([1.0, math.nan])),
    "value []": lambda: ss.constant([]),
    "value ['1']": lambda: ss.constant(["1"]),
    "value [True]": lambda: ss.constant([True]),
    "value 1000": lambda: ss.constant([10**400, 1]),
    "value [[1, 2], [3]]": lambda: ss.constant([[1, 2], [3]]),
    "arrays broadcast linear": lambda: ss.linear([1, 2], [1, 2, 3], 10),
    "arrays broadcast *": lambda: ss.linear(1, [1, 2], 10) * ss.linear(1, [1, 2, 3], 10),
    "factor one number": lambda: A.stretch([1, 2]),
    "spread one number": lambda: A.noise([0.1, 0.2]),
    "start slice one number": lambda: A[[1, 2] :],
    "stop slice 'a'": lambda: A[:"a"],
    "forwards -1": lambda: A[-1:],
    "forwards :0": lambda: A[::0],
    "forwards :-1": lambda: A[::-1],
    "lr(3)": lambda: A[3],
    "divided 0": lambda: A / 0,
    "divided [1, 0]": lambda: A / [1, 0],
    "spread 1.5": lambda: A.noise(1.5),
    "hold zero 'stop'": lambda: A.after("stop"),
    "ends reverse": lambda: ENDLESS.reverse(),
    "lower upper 3 -6": lambda: ss.tanh(1, 0, 10, 3, -6),
    "flat lower=30 upper=31": lambda: ss.tanh(1, 0, 10, 30, 31),
    "bound 0.5": lambda: ss.hyperbolic(1, 0, 10, 0.5),
    "low 2.0 high 1.0": lambda: ss.random(2, 1, 10, 0),
    "log=True 0.0": lambda: ss.random(0, 1, 10, 0),
    "log 1": lambda: ss.random(1, 2, 10, 0, log=1),
    "seed -1": lambda: ss.random(1, 2, 10, -1),
    "callable 3": lambda: ss.function(3),
    "'nowhere:f'": lambda: ss.function("nowhere:f"),
    "rise 1.5": lambda: ss.one_cycle(1, 100, rise=1.5),
    "rise=0.01 0 steps": lambda: ss.slanted_triangular(1, 20, rise=0.01),
    "wave 'square'": lambda: ss.cyclic(0, 1, 10, wave="square"),
    "power of 2 steps=6": lambda: ss.chebyshev(0.1, 1, 6),
    "end end_ratio": lambda: ss.warmup_cosine(1, 100, 10, end=0.1, end_ratio=0.1),
    "cooldown=10 steps": lambda: ss.wsd(1, None, 5, 10),
    "lasts 0 steps": lambda: ss.linear(0, 1, 0).repeat(3),
    "power 0": lambda: ss.polynomial(1, 0, 10, 0),
    "power -1": lambda: ss.polynomial(1, 0, 10, -1),
    "start 0.0": lambda: ss.exponential(0, 1, 10),
    "end -1.0": lambda: ss.exponential(1, -1, 10),
    "rate 0": lambda: ss.exponential_decay(1, 0, 10),
    "rate -0.5": lambda: ss.exponential_decay(1, -0.5, 10, staircase=True),
    "every 0": lambda: ss.exponential_decay(1, 0.5, 0),
    "every 2.5": lambda: ss.exponential_decay(1, 0.5, 2.5, staircase=True),
    "every nan": lambda: ss.inverse_time(1, 0.5, math.nan),
    "timescale -4": lambda: ss.inverse_sqrt(1, -4),
    "factor 0": lambda: ss.step_decay(1, 0, 10),
    "every 0.5": lambda: ss.step_decay(1, 0.5, 0.5),
    "factor 'a'": lambda: ss.multistep(1, "a", [10]),
    "at 20 20": lambda: ss.multistep(1, 0.1, [20, 20]),
    "at 10 20": lambda: ss.multistep(1, 0.1, [20, 10]),
    "at 0": lambda: ss.multistep(1, 0.1, [0]),
    "at 1.5": lambda: ss.multistep(1, 0.1, [1.5]),
    "at 'a'": lambda: ss.piecewise_constant([1, 2], ["a"]),
    "values 1 2": lambda: ss.piecewise_constant([1], [3, 4]),
    "value 'a'": lambda: ss.piecewise_constant("ab", [1]),
    "points 5": lambda: ss.piecewise_linear([(5, 1.0), (6, 2.0)]),
    "points two": lambda: ss.piecewise_linear([(0, 1.0)]),
    "points pairs": lambda: ss.piecewise_linear([0, 1]),
    "points 10 after": lambda: ss.piecewise_linear([(0, 1.0), (10, 2.0), (10, 3.0)]),
    "peak '1'": lambda: ss.warmup_cosine("1", 100, 10),
    "peak nan": lambda: ss.wsd(math.nan, 100, 10, 10),
    "peak None": lambda: ss.warmup_linear(None, 100, 10),
    "warmup 100 steps": lambda: ss.warmup_cosine(1, 100, 100),
    "warmup 150 steps 100": lambda: ss.warmup_linear(1, 100, 150),
    "warmup -1": lambda: ss.warmup_cosine(1, 100, -1),
    "warmup 0.05": lambda: ss.warmup_cosine(1, 100, 0.05),
    "warmup 60 cooldown 50 steps 100": lambda: ss.wsd(1, 100, 60, 50),
    "cooldown 0.2": lambda: ss.wsd(1, 100, 0, 0.2),
    "cooldown=20 steps=10 10 too many": lambda: ss.wsd(1, 10, 0, "20"),
    "shape 'sqaure'": lambda: ss.wsd(1, 100, 10, 10, shape="sqaure"),
    "shape []": lambda: A.cooldown(10, shape=[]),
    "end 0.0": lambda: A.cooldown(10, shape="exponential"),
    "warmup -5": lambda: A.warmup(-5),
    "start '0' number": lambda: A.warmup(5, start="0"),
    "cooldown 1.5": lambda: A.cooldown(1.5),
    "constant(1.0) never ends": lambda: ENDLESS >> A,
    "(1.0) never ends repeat": lambda: ENDLESS.repeat(2),
    "never ends cool": lambda: ENDLESS.cooldown(10),
    "low 0.5 high 0.1": lambda: A.clip(0.5, 0.1),
    "low nan": lambda: A.clip(math.nan, 1),
    "high 'x'": lambda: A.clip(0, "x"),
    "times 0": lambda: A.repeat(0),
    "times 1.5": lambda: A.repeat(1.5),
    "shrink 0": lambda: A.repeat(2, shrink=0),
    "stretch -1": lambda: A.repeat(2, stretch=-1),
    "stretch=0.5 times": lambda: A.repeat(stretch=0.5),
    "times=9 stretch=0.1": lambda: A.repeat(9, stretch=0.1),
    "times=60 stretch=10": lambda: A.repeat(60, stretch=10),
    "cycles stretch=1.000000000001": lambda: A.repeat(stretch=1.000000000001),
    "stretch 0": lambda: A.stretch(0),
    "stretch -2": lambda: A.stretch(-2),
    "factor nan": lambda: A.stretch(math.nan),
    "stretch=1e+308": lambda: A.stretch(1e308),
    "factor inf": lambda: math.inf * A,
    "offset nan": lambda: A + math.nan,
}


@pytest.mark.parametrize("words", REFUSED)
def test_a_bad_call_is_refused_by_name_and_value(words):
    with pytest.raises(ss.InvalidSchedule) as refused:
        REFUSED[words]()
    assert all(word in str(refused.value) for word in words.split()), str(refused.value)


@pytest.mark.parametrize("huge", [10**17, 2**53, 10**300])
def test_a_cycle_too_long_to_be_stretched_is_refused(huge):
    with pytest.raises(ss.InvalidSchedule, match="longer than"):
        ss.linear(0, 1, huge).repeat(stretch=2) if huge > 2**53 else ss.linear(0, 1, huge).repeat(2, stretch=2)


@pytest.mark.parametrize("other", ["1", None, {1: 2}, object()])
def test_only_numbers_and_schedules_can_be_joined(other):
    for join in (lambda: A >> other, lambda: A * other, lambda: A + other, lambda: A - other, lambda: A / other):
        with pytest.raises(TypeError):
            join()


def test_refusals_are_value_errors_too():
    with pytest.raises(ValueError, match="steps"):
        ss.linear(0, 1, -1)
