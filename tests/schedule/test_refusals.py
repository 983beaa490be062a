"""What cannot be a schedule is refused where it is built, by an error that names the argument and the value."""

import math

import numpy as np
import pytest

import stepsize as ss

A = ss.linear(1, 0, 10)
ENDLESS = ss.constant(1)

REFUSED = {
    "steps -3": lambda: ss.linear(0, 1, -3),
    "steps 0": lambda: ss.cosine(0, 1, 0),
    "steps 2.5": lambda: ss.rex(0, 1, 2.5),
    "steps nan": lambda: ss.polynomial(0, 1, math.nan, 2),
    "steps inf": lambda: ss.one_minus_sqrt(0, 1, math.inf),
    "steps '10'": lambda: ss.exponential(1, 2, "10"),
    "steps None": lambda: ss.linear(0, 1, None),
    "steps True": lambda: ss.linear(0, 1, True),
    "steps array": lambda: ss.linear(0, 1, np.array([1, 2])),
    "steps [5]": lambda: ss.constant(1, [5]),
    "start nan": lambda: ss.linear(math.nan, 1, 10),
    "start '0'": lambda: ss.linear("0", 1, 10),
    "start None": lambda: ss.linear(None, 1, 10),
    "start long": lambda: ss.linear(10**5_000, 1, 10),
    "end inf": lambda: ss.cosine(0, math.inf, 10),
    "end False": lambda: ss.cosine(0, False, 10),
    "value -inf": lambda: ss.constant(-math.inf),
    "value array": lambda: ss.constant(np.array([1.0, 2.0])),
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
    "cooldown '20%'": lambda: ss.wsd(1, 100, 0, "20%"),
    "shape 'square'": lambda: ss.wsd(1, 100, 10, 10, shape="square"),
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


@pytest.mark.parametrize("other", ["1", None, [1, 2], object()])
def test_only_numbers_and_schedules_can_be_joined(other):
    for join in (lambda: A >> other, lambda: A * other, lambda: A + other):
        with pytest.raises(TypeError):
            join()


def test_refusals_are_value_errors_too():
    with pytest.raises(ValueError, match="steps"):
        ss.linear(0, 1, 0)
