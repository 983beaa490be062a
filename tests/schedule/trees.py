"""Random schedules: every leaf and every joint, nested, and how large such a schedule can become."""

import math
from functools import partial

import numpy as np
from hypothesis import strategies as st

import stepsize as ss
from stepsize.schedule.algebra import Schedule
from stepsize.schedule.shapes import SHAPES, TAILS, Endless, Ramp

values = st.floats(-4.0, 4.0, allow_subnormal=False)
rates = st.floats(1e-6, 4.0, allow_subnormal=False)
lengths = st.integers(1, 60)
timescales = st.floats(0.5, 200.0)
factors = st.floats(0.1, 1.5)
spans = st.tuples(st.integers(0, 40), st.integers(0, 80), st.sampled_from([1, 1, 2, 0.5]))

# parameter -> where it is drawn from; a shape or tail that needs another must add it here.
PARAMETERS = {
    "power": st.floats(0.3, 4.0),
    "k": st.floats(0.3, 4.0),
    "lower": st.floats(-6.0, 0.0, allow_subnormal=False),
    "upper": st.floats(0.1, 3.0),
    "bound": st.floats(1.0, 5.0),
    "rate": st.floats(0.1, 1.0),
    "every": timescales,
    "timescale": timescales,
    "midpoint": st.floats(-50.0, 200.0, allow_subnormal=False),
    "width": timescales,
}


def _row(names, ends, make):
    # With both, a power below 1 would be infinitely steep where 1 - u**k has lost its digits.
    special = {"power": st.floats(1.0, 4.0)} if "k" in names else {}
    return st.builds(make, *ends, st.tuples(*({**PARAMETERS, **special}[name] for name in names)))


def _place(shape, start, end, steps, params):
    return Schedule(Ramp(shape, start, end, steps, params))


def _endless(tail, start, params):
    return Schedule(Endless(tail, start, params))


def ramps_of(numbers, positive):
    """Every row of SHAPES, and the constant."""
    return st.one_of(
        *(
            _row(row.params, (positive if row.geometric else numbers,) * 2 + (lengths,), partial(_place, name))
            for name, row in SHAPES.items()
        ),
        st.builds(ss.constant, numbers, lengths),
    )


def tails_of(numbers):
    """Every row of TAILS, and the other schedules without an end."""
    return st.one_of(
        *(_row(row.params, (numbers,), partial(_endless, name)) for name, row in TAILS.items()),
        st.builds(ss.constant, numbers),
        st.builds(ss.step_decay, numbers, st.floats(0.1, 1.0), lengths),
        st.builds(lambda ends, n, seed: ss.random(*sorted(ends), n, seed, log=False), *_draws(values)),
        st.builds(lambda ends, n, seed: ss.random(*sorted(ends), n, seed), *_draws(rates)),
    )


def _draws(ends):
    return st.tuples(ends, ends), lengths, st.integers(0, 2**40)


ramps = ramps_of(values, rates)
tails = tails_of(values)
absent = st.builds(ss.constant, values, st.just(0)) | st.builds(ss.linear, values, values, st.just(0))


def _joints(parts):
    return (
        st.builds(lambda a, b: a >> b, parts, parts)
        | st.builds(lambda a, b: a * b, parts, parts)
        | st.builds(lambda a, b: a + b, parts, parts)
        | st.builds(lambda a, k: k * a, parts, values)
        | st.builds(lambda a, k: a + k, parts, values)
        | st.builds(lambda a, ends: a.clip(*sorted(ends)), parts, st.tuples(values, values))
        | st.builds(lambda a, n, shrink: a.repeat(n, shrink), parts, st.integers(1, 3), factors)
        | st.builds(lambda a, n, k: a.repeat(n, stretch=k), parts, st.integers(1, 3), st.sampled_from([1.5, 2, 3]))
        | st.builds(lambda a: a.reverse(), parts)
        | st.builds(lambda a, every: a.hold(every), parts, st.integers(1, 7))
        | st.builds(sliced, parts, spans)
        | st.builds(lambda a, spread, n: a.noise(spread, n)[: a.length], parts, st.floats(0, 1), lengths)
    )


def sliced(schedule, span):
    """A part of the schedule that lasts at least one step."""
    begin, steps, stride = span
    begin = min(begin, int(schedule.length) - 1)
    return schedule[begin : begin + max(steps, 1) : stride]


finite_schedules = st.recursive(ramps, _joints, max_leaves=6)


def _endings(finite, endless):
    return (
        finite
        | endless
        | st.builds(lambda a, b: a >> b, finite, endless)
        | st.builds(lambda a, b: a * b, finite, endless)
        | st.builds(lambda a, b: a + b, endless, finite)
        | st.builds(lambda a, shrink: a.repeat(shrink=shrink), finite, st.floats(0.1, 1.0))
        | st.builds(lambda a, k: a.repeat(stretch=k), finite, st.sampled_from([2, 3]))
        | st.builds(lambda a, k: a[k:], endless, st.integers(0, 50))
    )


schedules = _endings(finite_schedules, tails)

# Schedules of arrays: every number of a leaf may be one, so that shapes meet in all ways that broadcast.
lanes = values | st.lists(values, min_size=3, max_size=3).map(np.array)
positive_lanes = rates | st.lists(rates, min_size=3, max_size=3).map(np.array)
finite_arrays = st.recursive(ramps_of(lanes, positive_lanes), _joints, max_leaves=4)
array_schedules = _endings(finite_arrays, tails_of(lanes))

# Schedules that wait for a run: `over(1000, **CLOCK)` puts each of these on one.
CLOCK = {"steps_per_epoch": 12.5, "samples_per_step": 32, "tokens_per_step": 4096}
durations = st.sampled_from(["5%", "12.5%", "3 epochs", "0.5 epochs", "2e3 samples", "1e5 tokens", "10 steps + 1%"])
waiting = (
    ramps.flatmap(lambda a: durations.map(lambda d: a.cooldown(d)))
    | st.builds(lambda a, d: a.warmup(d), ramps, durations)
    | st.builds(ss.linear, values, values, durations)
    | st.builds(ss.wsd, rates, st.just("50%"), durations, durations)
    | st.builds(ss.multistep, values, factors, st.just(["5%", "1 epochs + 10%"]))
    | st.builds(ss.inverse_sqrt, values, durations)
    | st.builds(lambda a, d: ss.piecewise_linear([(0, a), (d, 0.0)]), values, durations)
)


def _waiting_joints(parts):
    finite = parts.filter(lambda a: "multistep" not in repr(a) and "inverse_sqrt" not in repr(a))
    return (
        st.builds(lambda a, b: a >> b, finite, parts)
        | st.builds(lambda a, b: a * b, parts, parts)
        | st.builds(lambda a, k: k * a + k, parts, values)
        | st.builds(lambda a, ends: a.clip(*sorted(ends)), parts, st.tuples(values, values))
        | st.builds(lambda a: a.reverse(), finite)
        | st.builds(lambda a, every: a.hold(every), finite, st.integers(1, 7))
        | st.builds(lambda a: a.repeat(2, 0.5), finite)
        | st.builds(lambda a: a.stretch(2), finite)
    )


deferred_schedules = st.recursive(waiting, _waiting_joints, max_leaves=3)
every_schedule = schedules | array_schedules | deferred_schedules


def telling_steps(schedule: ss.Schedule) -> np.ndarray:
    """Every step of it and a few beyond, with fractions on both sides of each, from before 0."""
    last = 500 if math.isinf(schedule.length) else min(int(schedule.length), 500) + 3
    whole = np.arange(-3.0, last + 1)
    return np.sort(np.concatenate([whole, whole + 0.5, np.nextafter(whole, -9), np.nextafter(whole, 1e9), [1e6, 1e12]]))


def whole_steps(schedule: ss.Schedule, most: int = 300) -> np.ndarray:
    """Its updates, a few beyond, and some far away."""
    last = most if math.isinf(schedule.length) else min(int(schedule.length), most) + 3
    return np.concatenate([np.arange(last + 1), [10**6, 10**6 + 1, 10**12]])


def bound(document) -> float:
    """What no part of the schedule exceeds: rounding is measured against it, not against a lucky small result."""
    of = bound(document["of"]) if "of" in document else 0.0
    parts = [bound(part) for part in document.get("parts", [])]
    match document["kind"]:
        case "sequence":
            return max(parts)
        case "product":
            return math.prod(max(part, 1.0) for part in parts)
        case "sum":
            return sum(parts)
        case "scale":
            return max(_size(document["factor"]), 1.0) * of
        case "shift":
            return _size(document["offset"]) + of
        case "clip":
            return max(of, _size(document["low"]), _size(document["high"]))
        case "repeat":
            return max(1.0, document["shrink"]) ** (document["times"] or 1) * of
        case "reverse" | "window" | "hold":
            return of
        case _:
            return max(_size(document.get(name, 0.0)) for name in ("start", "end", "value", "low", "high"))


def _size(value) -> float:
    return float(np.abs(value).max())
