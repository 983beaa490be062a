from collections.abc import Iterator
from itertools import product

from . import Case, case, part


def cases() -> Iterator[Case]:
    yield case("optax:constant_schedule", 20, value=0.1)
    yield from straight()
    yield from exponential()
    yield from cosine()
    yield from piecewise()
    yield from joined()


def straight() -> Iterator[Case]:
    for steps, begin in product((0, 1, 30), (0, 7, -3)):
        where = {"transition_steps": steps, "transition_begin": begin}
        yield case("optax:linear_schedule", 70, init_value=0.01, end_value=1.0, **where)
        for power in (0, 0.5, 1, 2, 3.5):
            yield case("optax:polynomial_schedule", 70, init_value=1.0, end_value=0.1, power=power, **where)
    for warmup in (0, 1, 20):
        yield case("optax:warmup_constant_schedule", 50, init_value=0.0, peak_value=1e-3, warmup_steps=warmup)


def exponential() -> Iterator[Case]:
    call = "optax:exponential_decay"
    for rate, begin, stairs in product((0.5, 0.99, 1.1, 0), (0, 9, -2), (False, True)):
        how = {"decay_rate": rate, "transition_begin": begin, "staircase": stairs}
        yield case(call, 90, init_value=0.1, transition_steps=10, **how)
    for rate, end in ((0.5, 0.02), (1.1, 0.15), (0.5, 0.5), (1.1, 0.05)):
        yield case(call, 90, init_value=0.1, transition_steps=4, decay_rate=rate, end_value=end)
    yield case(call, 20, init_value=0.1, transition_steps=0, decay_rate=0.5)
    call, rise = "optax:warmup_exponential_decay_schedule", {"init_value": 0.0, "peak_value": 0.3}
    for warmup, stairs, end in product((0, 10), (False, True), (None, 0.05)):
        fall = {"transition_steps": 8, "decay_rate": 0.7, "staircase": stairs, "end_value": end}
        yield case(call, 90, **rise, warmup_steps=warmup, **fall)
    yield case(call, 90, **rise, warmup_steps=5, transition_steps=8, decay_rate=0.7, transition_begin=6)


def cosine() -> Iterator[Case]:
    for steps, alpha, exponent in product((1, 50), (0.0, 0.1), (1.0, 0.5, 2, 2.5)):
        yield case(
            "optax:cosine_decay_schedule", 100, init_value=0.1, decay_steps=steps, alpha=alpha, exponent=exponent
        )
    call = "optax:warmup_cosine_decay_schedule"
    for warmup, end, exponent in product((0, 1, 20), (0.0, 1e-3), (1.0, 2.0)):
        ends = {"init_value": 1e-5, "peak_value": 0.1, "end_value": end, "exponent": exponent}
        yield case(call, 150, **ends, warmup_steps=warmup, decay_steps=80)
    cycle = {"init_value": 0.0, "peak_value": 0.1, "warmup_steps": 5, "decay_steps": 30}
    lower = cycle | {"peak_value": 0.05, "end_value": 1e-3, "decay_steps": 50}
    yield case("optax:sgdr_schedule", 120, cosine_kwargs=[cycle, lower])
    yield case("optax:sgdr_schedule", 120, cosine_kwargs=[cycle] * 3)


def piecewise() -> Iterator[Case]:
    for scales in ({}, {10: 0.1}, {10: 0.5, 11: 2.0, 40: 0.0}, {0: 0.5, 30: 0.5}):
        yield case("optax:piecewise_constant_schedule", 60, init_value=0.1, boundaries_and_scales=scales)
        for kind in ("linear", "cosine"):
            call = "optax:piecewise_interpolate_schedule"
            yield case(call, 60, interpolate_type=kind, init_value=0.1, boundaries_and_scales=scales)
    for steps in (1, 3, 10, 97, 100):
        yield case("optax:cosine_onecycle_schedule", 2 * steps, transition_steps=steps, peak_value=0.1)
        yield case("optax:linear_onecycle_schedule", 2 * steps, transition_steps=steps, peak_value=0.1)
    odd = {"transition_steps": 60, "peak_value": 1.0, "pct_start": 0.21, "div_factor": 10.0, "final_div_factor": 50.0}
    yield case("optax:cosine_onecycle_schedule", 90, **odd)
    yield case("optax:linear_onecycle_schedule", 90, **odd, pct_final=0.7)


def joined() -> Iterator[Case]:
    rise = part("optax:linear_schedule", init_value=0.0, end_value=0.1, transition_steps=10)
    fall = part("optax:cosine_decay_schedule", init_value=0.1, decay_steps=30)
    decay = part("optax:exponential_decay", init_value=0.1, transition_steps=5, decay_rate=0.5)
    yield case("optax:join_schedules", 70, schedules=[rise, fall], boundaries=[10])
    yield case("optax:join_schedules", 70, schedules=[rise, fall], boundaries=[25])
    yield case("optax:join_schedules", 70, schedules=[rise, decay, fall], boundaries=[6, 30])
    yield case("optax:join_schedules", 70, schedules=[decay], boundaries=[])
