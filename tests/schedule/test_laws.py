"""The algebra: what holds for every schedule, however it was composed."""

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

import stepsize as ss
from tests.schedule.trees import (
    absent,
    array_schedules,
    bound,
    every_schedule,
    finite_arrays,
    finite_schedules,
    schedules,
    telling_steps,
    values,
)

multiples = st.integers(1, 7)


def same_everywhere(one: ss.Schedule, other: ss.Schedule) -> bool:
    steps = telling_steps(one)
    return one.length == other.length and np.array_equal(one(steps), other(steps))


@given(finite_schedules, finite_schedules, schedules)
def test_then_is_associative(a, b, c):
    assert (a >> b) >> c == a >> (b >> c)


@given(finite_schedules, finite_schedules, finite_schedules)
def test_products_and_sums_are_associative(a, b, c):
    assert (a * b) * c == a * (b * c)
    assert (a + b) + c == a + (b + c)


@given(finite_arrays, finite_schedules, array_schedules)
def test_then_is_associative_for_arrays(a, b, c):
    assert (a >> b) >> c == a >> (b >> c)


@given(absent, every_schedule)
def test_a_phase_of_no_steps_is_the_unit_of_then(zero, schedule):
    assert zero.length == 0
    assert zero >> schedule == schedule == schedule >> zero


@given(absent, absent, absent)
def test_phases_of_no_steps_associate_too(a, b, c):
    assert (a >> b) >> c == a >> (b >> c) == c


@given(finite_schedules, schedules)
def test_lengths_add_in_a_sequence(a, b):
    assert (a >> b).length == a.length + b.length


@given(finite_schedules, schedules)
def test_a_product_and_a_sum_last_as_long_as_their_longest_part(a, b):
    assert (a * b).length == (a + b).length == max(a.length, b.length)


@given(finite_schedules, schedules)
def test_a_sequence_is_its_first_part_and_then_its_second(a, b):
    both = a >> b
    for k in (0, 1, a.length // 2, a.length - 1):
        if k < a.length:
            assert both(k) == a(k)
    for k in (0, 1, 7, 300):
        assert both(a.length + k) == b(k)


@given(schedules, values)
def test_a_number_multiplies_or_shifts_every_value(schedule, k):
    steps = telling_steps(schedule)
    assert np.array_equal((k * schedule)(steps), k * schedule(steps))
    assert np.array_equal((schedule * k)(steps), schedule(steps) * k)
    assert np.array_equal((k + schedule)(steps), k + schedule(steps))


@given(schedules, schedules)
def test_a_product_multiplies_and_a_sum_adds_value_by_value(a, b):
    steps = telling_steps(a)
    np.testing.assert_allclose((a * b)(steps), a(steps) * b(steps), rtol=1e-14, atol=1e-300)
    np.testing.assert_allclose((a + b)(steps), a(steps) + b(steps), rtol=0, atol=1e-13 * np.abs(a(steps)).max() + 1e-13)


@given(finite_schedules, schedules, values)
def test_a_factor_distributes_over_then(a, b, k):
    assert same_everywhere(k * (a >> b), (k * a) >> (k * b))


@given(finite_schedules, schedules, values)
def test_an_offset_distributes_over_then(a, b, k):
    assert same_everywhere((a >> b) + k, (a + k) >> (b + k))


@given(schedules, schedules, schedules)
def test_a_product_distributes_over_a_sum(a, b, c):
    k = np.arange(200)
    scale = bound((a * (b + c)).node.document()) + 1e-300
    np.testing.assert_allclose((a * (b + c))(k), (a * b + a * c)(k), rtol=0, atol=1e-13 * scale)


@given(finite_schedules, schedules, schedules)
def test_a_product_distributes_over_then(a, b, c):
    k = np.arange(200)
    parts = (c[: a.length] * a) >> (c[a.length :] * b)
    scale = bound((c * (a >> b)).node.document()) + 1e-300
    # Whole cycles that were cut start again at a step of their own: equal but for rounding.
    np.testing.assert_allclose((c * (a >> b))(k), parts(k), rtol=0, atol=1e-13 * scale)


@given(schedules, st.integers(0, 120))
def test_two_parts_of_a_schedule_are_the_schedule(schedule, at):
    joined = schedule[:at] >> schedule[at:]
    assert joined.length == schedule.length
    assert np.array_equal(joined(np.arange(300)), schedule(np.arange(300)))
    if at == 0 or at >= schedule.length:
        assert joined == schedule


@given(finite_schedules, st.integers(0, 60), st.integers(0, 60), st.integers(0, 60), st.integers(0, 60))
def test_slices_compose(schedule, a, b, c, d):
    twice, once = schedule[a : a + b][c : c + d], schedule[a + c : min(a + c + d, a + b)]
    assert twice.length == once.length
    k = np.arange(twice.length)
    assert np.array_equal(twice(k), once(k))


@given(schedules, st.integers(0, 50), st.sampled_from([2, 3, 0.5, 0.25]))
def test_a_slice_with_a_stride_takes_every_so_many_th_step(schedule, begin, stride):
    k = np.arange(100)
    asked = np.minimum(begin + stride * k, schedule.length)
    assert np.array_equal(schedule[begin::stride](k), schedule(asked))


@given(finite_schedules)
def test_reversing_twice_is_the_schedule_and_once_goes_from_its_end(schedule):
    back = schedule.reverse()
    assert back.reverse() == schedule
    k = np.arange(schedule.length + 1)
    assert np.array_equal(back(k), schedule(k)[::-1])


@given(finite_schedules)
def test_after_the_end_comes_what_was_asked(schedule):
    n = int(schedule.length)
    k = np.arange(n)
    assert schedule.after("hold") == schedule
    assert schedule.after("zero")(n) == 0
    assert np.array_equal(schedule.after("restart")(n + k), schedule(k))
    assert np.array_equal(schedule.after("mirror")(n + k), schedule(n - k))
    assert schedule.after("mirror")(2 * n) == schedule(0)


@given(schedules, st.floats(0, 1), st.integers(1, 9), st.integers(0, 5))
def test_noise_stays_within_its_share(schedule, spread, every, seed):
    k = np.arange(200)
    noisy = schedule.noise(spread, every, seed)(k)
    assert np.all(np.abs(noisy - schedule(k)) <= spread * np.abs(schedule(k)) * (1 + 1e-12))


@given(finite_schedules, schedules, multiples)
def test_stretching_distributes_over_the_joints(a, b, n):
    assert (a >> b).stretch(n) == a.stretch(n) >> b.stretch(n)
    assert (a * b).stretch(n) == a.stretch(n) * b.stretch(n)
    assert (a + b).stretch(n) == a.stretch(n) + b.stretch(n)
    assert (0.5 * a).stretch(n) == 0.5 * a.stretch(n)


@given(finite_schedules, multiples, multiples)
def test_stretching_twice_is_stretching_by_the_product(a, n, m):
    assert a.stretch(n).stretch(m) == a.stretch(n * m)


@given(finite_schedules, multiples)
def test_a_stretched_schedule_passes_through_the_same_values_in_as_many_times_the_steps(a, n):
    # Cycles of a fraction of a step are rounded before and after, a slice keeps the end of its last stride.
    assume("stretch=1.5" not in repr(a) and "]" not in repr(a) and "random" not in repr(a))
    assert a.stretch(n).length == n * a.length
    k = np.arange(a.length + 2)
    np.testing.assert_allclose(a.stretch(n)(n * k), a(k), rtol=1e-12, atol=1e-12)


@given(finite_schedules, st.integers(1, 4))
def test_repeating_is_the_schedule_after_itself(a, n):
    chained = a
    for _ in range(n - 1):
        chained = chained >> a
    repeated = a.repeat(n)
    assert repeated.length == chained.length
    k = np.arange(chained.length + 5)
    assert np.array_equal(repeated(k), chained(k))


@given(finite_schedules, st.integers(1, 3), st.floats(0.1, 2.0))
def test_each_cycle_is_the_one_before_times_shrink(a, n, shrink):
    repeated = a.repeat(n + 1, shrink)
    k = np.arange(a.length)
    np.testing.assert_allclose(repeated(n * a.length + k), shrink**n * a(k), rtol=1e-15)


@given(finite_schedules)
def test_the_end_value_holds(schedule):
    end = schedule(schedule.length)
    assert [schedule(schedule.length + k) for k in (0.5, 1, 1_000, 10**15)] == [end] * 4


@given(schedules)
def test_before_the_beginning_the_first_value_holds(schedule):
    assert schedule(-1) == schedule(-1e9) == schedule(0)


@given(schedules, values, values)
def test_clipping_keeps_within_and_leaves_what_is_within(schedule, one, other):
    low, high = sorted((one, other))
    steps = telling_steps(schedule)
    assert np.array_equal(schedule.clip(low, high)(steps), np.clip(schedule(steps), low, high))


@given(finite_schedules, st.integers(1, 50))
def test_a_warmup_arrives_at_the_first_value(schedule, steps):
    warmed = schedule.warmup(steps)
    assert warmed.length == schedule.length + steps
    assert warmed(steps) == schedule(0)
    np.testing.assert_allclose(warmed(0), schedule(0) / (steps + 1), rtol=1e-12)
    assert warmed(steps + 1) == schedule(1)


@given(finite_schedules, st.integers(1, 50), st.sampled_from(["linear", "cosine", "1-sqrt", "rex"]))
def test_a_cooldown_goes_from_the_end_value_to_its_own(schedule, steps, shape):
    cooled = schedule.cooldown(steps, end=0.25, shape=shape)
    assert cooled.length == schedule.length + steps
    assert cooled(schedule.length) == schedule(schedule.length)
    assert cooled(cooled.length) == 0.25


def test_no_warmup_and_no_cooldown_change_nothing():
    schedule = ss.linear(1, 0, 10)
    assert schedule.warmup(0) == schedule.cooldown(0) == schedule


def test_stretching_rounds_each_part_to_whole_steps_halves_up_and_never_to_none():
    parts = ss.constant(1.0, 3) >> ss.constant(2.0, 5) >> ss.constant(3.0, 1)
    assert parts.stretch(0.5) == ss.constant(1.0, 2) >> ss.constant(2.0, 3) >> ss.constant(3.0, 1)
    assert parts.stretch(0.1).length == 3


def test_a_thousand_phases_are_one_flat_sequence():
    chained = ss.constant(0.0, 1)
    for i in range(1, 1_000):
        chained = chained >> ss.constant(float(i), 1)
    assert chained(np.arange(1_000)).tolist() == list(range(1_000))
    assert ss.Schedule.from_json(chained.to_json()) == chained
