"""Asked at a number or at an array of any shape and order, a schedule answers the same."""

import math
import operator
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

import stepsize as ss
from tests.schedule.trees import bound, schedules, telling_steps

# NumPy's vectorised powers and cosines may differ from the C library's in the last bits.
ULPS = 8 * np.finfo(float).eps
steps_of_any_kind = arrays(float, array_shapes(max_dims=3, min_side=0, max_side=6), elements=st.floats(-50, 400))

LR = ss.linear(0, 1, 10) >> ss.cosine(1, 0.1, 20) >> ss.one_minus_sqrt(0.1, 0, 5)


def assert_same(schedule, got, expected):
    np.testing.assert_allclose(got, expected, rtol=0, atol=ULPS * max(bound(schedule.node.document()), 1e-300))


@given(schedules)
def test_a_number_gets_what_an_array_gets(schedule):
    steps = telling_steps(schedule)
    assert_same(schedule, schedule(steps), [schedule(float(k)) for k in steps])


@given(schedules)
def test_whole_numbers_and_floats_are_the_same_steps(schedule):
    assert [schedule(k) for k in range(0, 90, 7)] == [schedule(float(k)) for k in range(0, 90, 7)]


@given(schedules, steps_of_any_kind)
def test_shape_and_order_do_not_matter(schedule, steps):
    got = schedule(steps)
    assert got.shape == steps.shape
    assert_same(schedule, got, np.reshape([schedule(k) for k in steps.ravel().tolist()], steps.shape))


@given(schedules, st.integers(0, 300), st.randoms())
def test_access_is_random(schedule, k, random):
    asked = list(range(k + 1))
    random.shuffle(asked)
    assert [value for _, value in sorted((i, schedule(i)) for i in asked)] == [schedule(i) for i in range(k + 1)]


@given(schedules)
def test_values_are_finite_everywhere(schedule):
    assert np.all(np.isfinite(schedule(telling_steps(schedule))))


@given(schedules, st.integers(0, 3_000), st.integers(0, 3_000))
def test_blocks_are_the_values_in_order(schedule, start, count):
    assert list(schedule.blocks(start, start + count)) == schedule(np.arange(start, start + count)).tolist()


def test_blocks_without_a_stop_never_end():
    values = LR.blocks(3)
    assert [next(values) for _ in range(2_000)] == LR(np.arange(3, 2_003)).tolist()


def test_a_number_gives_a_float_and_an_array_an_array():
    assert type(LR(3)) is type(LR(np.int64(3))) is type(LR(np.float32(3))) is float
    assert isinstance(LR([1, 2]), np.ndarray)
    assert LR(np.array(12)).shape == ()
    assert LR(np.array([], dtype=int)).shape == (0,)
    assert LR(range(3)).tolist() == LR((0, 1, 2)).tolist()


def test_what_was_asked_is_left_unchanged():
    steps = np.array([[30.0, -5.0], [100.0, 2.0]])
    LR(steps)
    assert steps.tolist() == [[30.0, -5.0], [100.0, 2.0]]


@pytest.mark.parametrize("strange", ["3", None, {1: 2}, object(), 1j])
def test_asking_at_something_strange_is_an_error_that_shows_it(strange):
    with pytest.raises(TypeError, match="step"):
        LR(strange)


def test_growth_beyond_the_largest_float_is_infinite_and_can_be_clipped():
    growing = ss.exponential_decay(1e-7, 2, 1)
    assert growing(5_000) == growing(np.array([5_000]))[0] == math.inf
    assert growing.clip(0, 1)(5_000) == growing.clip(0, 1)(np.array([5_000]))[0] == 1.0


class Foreign:
    """An array of some other framework: NumPy cannot look into it, and its answers are Foreign too."""

    def __init__(self, data):
        self.data = np.asarray(data)

    dtype = property(lambda self: self.data.dtype)

    def __array_namespace__(self):
        names = "cos sin tanh exp sqrt floor minimum maximum where asarray searchsorted take astype"
        return SimpleNamespace(**{name: _foreign(getattr(np, name)) for name in names.split()}, int32=np.int32)

    def __getitem__(self, index):
        return Foreign(self.data[index.data])


def _foreign(function):
    def call(*args, **kwargs):
        return Foreign(function(*(arg.data if isinstance(arg, Foreign) else arg for arg in args), **kwargs))

    return call


for word in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and_"):
    apply, word = _foreign(getattr(operator, word)), word.rstrip("_")
    setattr(Foreign, f"__{word}__", apply)
    setattr(Foreign, f"__r{word}__", lambda self, other, apply=apply: apply(other, self))
Foreign.__ge__, Foreign.__lt__ = _foreign(operator.ge), _foreign(operator.lt)
Foreign.__neg__ = _foreign(operator.neg)


@given(schedules, steps_of_any_kind)
def test_an_array_of_another_framework_is_answered_in_kind(schedule, steps):
    got = schedule(Foreign(steps))
    assert isinstance(got, Foreign)
    assert_same(schedule, got.data, schedule(steps))
